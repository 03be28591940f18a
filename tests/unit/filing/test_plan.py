"""The plan of a document, as a table that an accountant can read (design 4.2, 4.6).

Each row: what the mapping makes of the document now · the period of what is filed · what TaxJar is known to hold ·
whether a person dismissed the change → the steps, then how the plan ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from shared.filing import (
    Ask,
    Create,
    Ending,
    FiledTransaction,
    FilingPeriods,
    Plan,
    Role,
    Standing,
    Update,
    content_of,
    make_plan,
)
from shared.filing.proposals import accepted
from shared.filing.sides import Answers, id_of, new_parts
from shared.mapping import Held, HoldReason, Mapped, MappedTransaction, Skipped, SkipReason
from shared.taxjar.wire import to_wire
from shared.transactions import ExemptionType, Kind, LineItem, Place, Transaction

OPEN, CLOSED = date(2026, 11, 3), date(2026, 10, 28)
TODAY = date(2026, 11, 20)
PERIODS = FilingPeriods(4, {})
ID = "USMF-INV-1"


def order(on: date, shipping: str = "0.00", **changes: Any) -> Transaction:
    """100.00 of goods to Texas."""
    amount = Decimal("100.00") + Decimal(shipping)
    sent = Transaction(
        kind=Kind.ORDER,
        transaction_id=ID,
        transaction_date=on,
        amount=amount,
        shipping=Decimal(shipping),
        sales_tax=Decimal("8.25"),
        customer_id="USMF-C-1",
        ship_to=Place("US", "TX", "78701", "Austin", "410 Congress Ave"),
        ship_from=None,
        line_items=(LineItem(1, Decimal("100.00"), Decimal("0.00"), Decimal("8.25"), "P-1", "Driver"),),
        exemption_type=ExemptionType.NON_EXEMPT,
    )
    return replace(sent, **changes)


def mapped(*transactions: Transaction) -> Mapped:
    parts = tuple(MappedTransaction(each, line_keys=(str(number),)) for number, each in enumerate(transactions))
    return Mapped(
        transaction_id=transactions[0].transaction_id,
        kind=transactions[0].kind,
        amount=sum((each.amount for each in transactions), Decimal(0)),
        sales_tax=sum((each.sales_tax for each in transactions), Decimal(0)),
        to_states=("TX",),
        notes=(),
        transactions=parts,
        tax_codes={},
    )


def filed(sent: Transaction, **changes: Any) -> FiledTransaction:
    whole = FiledTransaction(
        transaction_id=sent.transaction_id,
        kind=sent.kind,
        payload=to_wire(sent),
        part=sent.transaction_id,
        line_keys=("0",),
    )
    return whole.model_copy(update=changes)


NOW: dict[str, Callable[[date], Mapped | Skipped | Held]] = {
    "new": lambda on: mapped(order(on)),
    "same": lambda on: mapped(order(on)),
    "changed": lambda on: mapped(order(on, shipping="5.00")),
    "gone": lambda on: mapped(order(on, transaction_id="USMF-INV-1-refund", kind=Kind.REFUND, amount=Decimal(-100))),
    "skipped now": lambda on: Skipped(
        transaction_id=ID,
        kind=Kind.ORDER,
        amount=Decimal(100),
        sales_tax=Decimal(0),
        to_states=("TX",),
        notes=(),
        reason=SkipReason.PROFORMA,
        message="A pro forma invoice is not a sale.",
    ),
    "held now": lambda on: Held(
        transaction_id=ID,
        kind=Kind.ORDER,
        amount=Decimal(100),
        sales_tax=Decimal(0),
        to_states=("TX",),
        notes=(),
        reasons=(HoldReason.ADDRESS_INCOMPLETE,),
        message="No ZIP code.",
    ),
}

# now           period    TaxJar            dismissed   steps                 ends
TABLE = """
new             open      nothing           -           create                report
new             closed    nothing           -           create late           report
new             open      unknown           -           ask                   -
new             open      asked: nothing    -           create                report
new             open      asked: the same   -           -                     report
new             open      asked: another    -           update                report
new             closed    asked: another    -           -                     hold filed_transaction_changed
same            open      as filed          -           -                     report
same            closed    as filed          -           -                     report
same            open      unknown           -           ask                   -
same            open      lost              -           create                report
same            closed    lost              -           -                     hold deleted_in_taxjar
same            open      edited            -           update                report
same            closed    edited            -           -                     hold changed_in_taxjar
changed         open      as filed          -           update                report
changed         closed    as filed          -           ask                   -
changed         closed    asked: as filed   -           -                     hold filed_transaction_changed
changed         closed    as filed          dismissed   -                     keep
changed         open      as filed          dismissed   update                report
changed         open      unknown           -           ask                   -
changed         open      lost              -           create                report
changed         closed    lost              -           -                     hold deleted_in_taxjar
changed         open      edited            -           update                report
changed         closed    edited            -           -                     hold filed_transaction_changed
changed         closed    lost              dismissed   -                     hold deleted_in_taxjar
gone            open      as filed          -           ask                   -
gone            open      asked: as filed   -           -                     hold filed_transaction_changed
gone            closed    asked: as filed   -           -                     hold filed_transaction_changed
gone            open      as filed          dismissed   -                     keep
gone            open      lost              -           create                report
skipped now     open      nothing           -           -                     skip proforma
skipped now     open      unknown           -           ask                   -
skipped now     open      as filed          -           ask                   -
skipped now     open      asked: as filed   -           -                     hold filed_transaction_changed
skipped now     closed    asked: as filed   -           -                     hold filed_transaction_changed
skipped now     closed    as filed          dismissed   -                     keep
skipped now     open      lost              -           -                     skip proforma
held now        open      nothing           -           -                     hold address_incomplete
held now        open      as filed          -           -                     hold address_incomplete
held now        open      lost              -           create                hold address_incomplete
held now        closed    lost              -           -                     hold address_incomplete
held now        open      edited            -           update                hold address_incomplete
held now        closed    edited            -           -                     hold address_incomplete
"""
ROWS = [
    [row[:16].strip(), row[16:26].strip(), row[26:44].strip(), row[44:56].strip(), row[56:78].strip(), row[78:].strip()]
    for row in TABLE.strip().splitlines()
]


@pytest.mark.parametrize(("now", "period", "taxjar", "dismissed", "steps", "ends"), ROWS, ids=" · ".join)
def test_a_document_is_planned_by_the_table(
    now: str, period: str, taxjar: str, dismissed: str, steps: str, ends: str
) -> None:
    on = CLOSED if period == "closed" else OPEN
    outcome = NOW[now](on)
    plan = make_plan(
        _standing(taxjar, dismissed, outcome, on), outcome, PERIODS, today=TODAY, answers=_answers(taxjar, on)
    )
    assert (_steps(plan), _ends(plan)) == ("" if steps == "-" else steps, "" if ends == "-" else ends)


def _standing(taxjar: str, dismissed: str, outcome: Any, on: date) -> Standing:
    nothing = taxjar in ("nothing", "unknown", "asked: nothing", "asked: the same", "asked: another")
    known = () if nothing and not _is_known(taxjar, outcome) else (filed(order(on)),)
    skipped = outcome if isinstance(outcome, Skipped) else None
    content = content_of([each.hash for each in new_parts(outcome, known)], skipped)
    unknown = taxjar not in ("nothing", "as filed") and not taxjar.startswith("asked: as")
    return Standing(
        filed=known, outcome_unknown=unknown, dismissed=(content,) if dismissed == "dismissed" else (), fingerprint="f"
    )


def _is_known(taxjar: str, outcome: Any) -> bool:
    """``unknown`` of a document that was reported before: all rows but those of ``new`` and ``skipped now``."""
    is_new = isinstance(outcome, Mapped) and outcome.transactions[0].transaction.shipping == 0
    return taxjar == "unknown" and not is_new


def _answers(taxjar: str, on: date) -> Answers | None:
    sent = filed(order(on))
    stored = dict(sent.payload)
    if taxjar in ("nothing", "unknown", "as filed"):
        return None
    return {
        (Kind.REFUND, "USMF-INV-1-refund"): None,
        id_of(sent): {
            "asked: nothing": None,
            "lost": None,
            "asked: the same": stored,
            "asked: as filed": stored,
            "asked: another": stored | {"sales_tax": "9.99"},
            "edited": stored | {"sales_tax": "9.99"},
        }[taxjar],
    }


def _steps(plan: Plan) -> str:
    words = {Ask: "ask", Create: "create", Update: "update"}
    return ", ".join(
        words[type(step)] + (" late" if isinstance(step, Create) and step.transaction.late else "")
        for step in plan.steps
    )


def _ends(plan: Plan) -> str:
    if plan.end is None:
        return ""
    return f"{plan.end.ending.value} {plan.end.reason}".strip()


def test_an_approved_correction_reverses_what_is_filed_and_sends_what_is_right_each_once() -> None:
    before, outcome = filed(order(CLOSED)), mapped(order(CLOSED, shipping="5.00"))
    asked: Answers = {id_of(before): before.payload}
    held = make_plan(Standing(filed=(before,)), outcome, PERIODS, today=TODAY, answers=asked)
    assert held.end is not None
    assert held.end.proposal is not None
    approved = held.end.proposal.approved([1], TODAY)
    standing = Standing(filed=(before,), proposal=approved)
    first = make_plan(standing, outcome, PERIODS, today=TODAY)
    assert first.question is not None
    plan = make_plan(standing, outcome, PERIODS, today=TODAY, answers=asked)
    sent = [step.transaction for step in plan.steps if isinstance(step, Create)]
    assert [(each.transaction_id, each.kind, each.role) for each in sent] == [
        ("USMF-INV-1-reversal-1", Kind.REFUND, Role.REVERSAL),
        ("USMF-INV-1-1", Kind.ORDER, Role.CURRENT),
    ]
    assert {each.date for each in sent} == {TODAY}
    assert plan.end is not None
    assert plan.end.ending is Ending.REPORT
    # The process ended after the reversal was in TaxJar.
    after = (before.model_copy(update={"role": Role.REVERSED}), sent[0])
    again = make_plan(Standing(filed=after, proposal=approved), outcome, PERIODS, today=TODAY, answers=asked)
    assert [step.transaction for step in again.steps if isinstance(step, Create)] == [sent[1]]


@pytest.mark.parametrize("role", [Role.REVERSED, Role.REVERSAL])
@pytest.mark.parametrize(("on", "expected"), [(OPEN, "create"), (CLOSED, "")])
def test_a_lost_reversal_is_restored_in_an_open_period_and_held_in_a_closed_one(
    role: Role, on: date, expected: str
) -> None:
    original = filed(order(on), role=Role.REVERSED)
    reversal = filed(
        replace(order(on), kind=Kind.REFUND, transaction_id="USMF-INV-1-reversal-1"),
        role=Role.REVERSAL,
        part=ID,
        number=1,
    )
    current = filed(replace(order(OPEN, shipping="5.00"), transaction_id="USMF-INV-1-1"), part=ID, number=1)
    everything = (original, reversal, current)
    lost = next(each for each in everything if each.role is role)
    answers = {id_of(each): None if each is lost else each.payload for each in everything}
    outcome = mapped(order(on, shipping="5.00"))
    plan = make_plan(Standing(filed=everything, outcome_unknown=True), outcome, PERIODS, today=TODAY, answers=answers)
    assert _steps(plan) == expected
    assert _ends(plan) == ("report" if expected else "hold deleted_in_taxjar")


def test_if_one_part_is_in_a_closed_period_nothing_of_the_document_is_sent() -> None:
    texas, york = order(CLOSED), order(CLOSED, transaction_id=f"{ID}-part-2", ship_to=Place("US", "NY", "10001"))
    quarterly = FilingPeriods(4, {}, {"NY": "quarterly"})
    known = (filed(texas), filed(york))
    outcome = mapped(order(CLOSED, shipping="5.00"), replace(york, shipping=Decimal(7), amount=Decimal(107)))
    answers = {id_of(each): each.payload for each in known}
    plan = make_plan(Standing(filed=known), outcome, quarterly, today=TODAY, answers=answers)
    assert (plan.steps, _ends(plan)) == ((), "hold filed_transaction_changed")
    assert plan.end is not None
    assert plan.end.proposal is not None
    assert [pair.part for pair in plan.end.proposal.pairs] == [ID, f"{ID}-part-2"]


@pytest.mark.parametrize(("taxjar", "says"), [("lost", "no longer"), ("edited", "something else")])
def test_a_document_that_cannot_be_mapped_says_what_taxjar_holds_of_it(taxjar: str, says: str) -> None:
    on = CLOSED
    outcome = NOW["held now"](on)
    plan = make_plan(_standing(taxjar, "-", outcome, on), outcome, PERIODS, today=TODAY, answers=_answers(taxjar, on))
    assert plan.end is not None
    assert plan.end.message.startswith("No ZIP code. TaxJar ")
    assert says in plan.end.message
    assert "keeps what was reported" not in plan.end.message
    proposal = plan.end.proposal
    assert proposal is not None
    [pair] = proposal.pairs
    assert pair.replacement is not None
    assert pair.replacement.sums == filed(order(on)).sums
    [kept] = accepted(proposal, [filed(order(on))])
    assert (kept.role, kept.sums.sales_tax) == (
        (Role.DELETED, Decimal("8.25")) if taxjar == "lost" else (Role.CURRENT, Decimal("9.99"))
    )


def test_a_part_keeps_its_id_and_a_new_part_is_created() -> None:
    known = (filed(order(OPEN)),)
    new = order(OPEN, transaction_id=f"{ID}-part-2", ship_to=Place("US", "NY", "10001"))
    plan = make_plan(Standing(filed=known), mapped(order(OPEN), new), PERIODS, today=TODAY)
    assert [step.transaction.transaction_id for step in plan.steps if isinstance(step, Create)] == [f"{ID}-part-2"]
