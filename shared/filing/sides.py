"""The two sides of a plan: what is filed, in the light of TaxJar's answers, and what would be filed now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from shared.filing.corrections import correction_ids
from shared.filing.filed import FiledTransaction, Json, Role, as_payload, current_of, replaced
from shared.mapping import Held, Mapped, MappedTransaction, Skipped
from shared.taxjar.compare import same
from shared.taxjar.wire import to_wire
from shared.transactions import Kind

Id = tuple[Kind, str]
Answers = Mapping[Id, Json | None]
"""What TaxJar holds under an id, ``None`` where it holds nothing; ids that were not asked for are absent."""
Outcome = Mapped | Skipped | Held


def id_of(transaction: FiledTransaction) -> Id:
    """What TaxJar knows the transaction by."""
    return transaction.kind, transaction.transaction_id


def new_parts(outcome: Outcome, filed: Sequence[FiledTransaction]) -> tuple[FiledTransaction, ...]:
    """The transactions of ``outcome`` as they would be sent: a corrected part under its present id and date."""
    if not isinstance(outcome, Mapped):
        return ()
    return tuple(_as_it_stands(mapped, filed) for mapped in outcome.transactions)


def _as_it_stands(mapped: MappedTransaction, filed: Sequence[FiledTransaction]) -> FiledTransaction:
    transaction = mapped.transaction
    part, number, late = transaction.transaction_id, 0, False
    own = [each for each in filed if each.part == part]
    current = next((each for each in current_of(own)), None)
    # Reversed, and its replacement never came: it is still to come.
    latest = current or next((each for each in reversed(own) if each.role is Role.REVERSAL), None)
    if latest and (latest.number or latest.approved):
        number = latest.number
        transaction = replace(
            transaction,
            transaction_id=latest.transaction_id if current else correction_ids(part, number).replacement,
            transaction_date=latest.date,
        )
    if current:
        late = current.late
    return FiledTransaction(
        transaction_id=transaction.transaction_id,
        kind=transaction.kind,
        payload=to_wire(transaction),
        part=part,
        number=number,
        line_keys=mapped.line_keys,
        lots=mapped.lots,
        tax_from_exempt_customer=mapped.tax_from_exempt_customer,
        late=late,
        approved=bool(latest and latest.approved),
    )


def with_adopted(
    filed: Sequence[FiledTransaction], candidates: Iterable[FiledTransaction], answers: Answers
) -> tuple[FiledTransaction, ...]:
    """``filed`` with what TaxJar holds under the ids of ``candidates`` and the ledger does not know of.

    An attempt whose outcome is unknown has left it there, or a person.
    """
    known = {id_of(each) for each in filed}
    found = tuple(filed)
    for candidate in candidates:
        stored = answers.get(id_of(candidate))
        if stored is not None and id_of(candidate) not in known:
            found = replaced(found, candidate.model_copy(update={"payload": as_payload(stored)}))
    return found


@dataclass(frozen=True, slots=True)
class Look:
    """One filed transaction, and what TaxJar said of it."""

    filed: FiledTransaction
    """As TaxJar holds it where it was asked, else as it was sent."""
    sent: FiledTransaction
    """As it was sent."""
    is_lost: bool = False
    """TaxJar was asked, and does not hold it."""
    is_edited: bool = False
    """TaxJar was asked, and holds something else."""


def look_at(filed: Iterable[FiledTransaction], answers: Answers) -> tuple[Look, ...]:
    """Each of ``filed`` that TaxJar is to hold, in the light of its answers."""
    looks = []
    for each in filed:
        if each.role is Role.DELETED:
            continue
        if id_of(each) not in answers:
            looks.append(Look(each, each))
            continue
        stored = answers[id_of(each)]
        if stored is None:
            looks.append(Look(each, each, is_lost=True))
        elif same(each.payload, stored):
            looks.append(Look(each, each))
        else:
            looks.append(Look(each.model_copy(update={"payload": as_payload(stored)}), each, is_edited=True))
    return tuple(looks)
