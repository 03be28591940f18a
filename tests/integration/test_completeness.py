"""The proof of completeness: every document that F&O lists is accounted for (design 4.2)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from local.simulators.dynamics.specs import AddressSpec, InvoiceSpec
from shared.flows.reconciliation.completeness import CompletenessQuery, show_completeness
from tests.workbooks import sheets_of
from tests.world import TODAY, World


def invoice(number: str, day: date = TODAY, **changes: object) -> InvoiceSpec:
    return replace(InvoiceSpec(number, day, tax_rate=Decimal("0.0825")), **changes)  # type: ignore[arg-type]


async def show(world: World, **query: object) -> dict[str, Any]:
    asked = CompletenessQuery.model_validate(query)
    answer = await show_completeness(world.connector, "main", world.company, asked)
    return answer.body


def counts(answer: dict[str, Any]) -> tuple[int, ...]:
    return tuple(answer[name] for name in ("seen", "reported", "skipped", "held", "failed", "in_flight"))


async def test_everything_settled_is_complete_also_what_is_held(world: World) -> None:
    world.posting.invoice(invoice("INV-1"))
    world.posting.invoice(invoice("PROFORMA", is_proforma=True, tax_rate=Decimal(0)))
    world.posting.invoice(invoice("ASTRAY", ship_to=AddressSpec("1 Main St", "Austin", "NY", "78704")))
    await world.run()
    answer = await show(world)
    assert counts(answer) == (3, 1, 1, 1, 0, 0)
    assert answer["complete"] is True
    assert answer["months"]["2026-11"]["reported_totals"] == {"amount": "100.00", "sales_tax": "8.25"}
    assert answer["reasons"] == {"held": {"zip_state_mismatch": 1}, "skipped": {"proforma": 1}}


async def test_what_is_in_flight_is_not_complete(world: World) -> None:
    world.posting.invoice(invoice("INV-1"))
    await world.poll()
    answer = await show(world)
    assert counts(answer) == (1, 0, 0, 0, 0, 1)
    assert answer["complete"] is False


async def test_what_no_poll_has_seen_is_not_complete(world: World) -> None:
    world.posting.invoice(invoice("INV-1"))
    await world.run()
    world.posting.invoice(invoice("BACK-DATED", date(2026, 2, 3)))
    answer = await show(world)
    assert answer["dynamics"] == {
        "listed": 2,
        "not_seen_yet": 1,
        "seen_but_gone": 0,
        "before_start": 0,
        "unreadable": 0,
        "amount": "200.00",
        "sales_tax": "16.50",
    }
    assert answer["complete"] is False


async def test_what_is_older_than_the_start_is_not_missed(world: World) -> None:
    world.posting.invoice(invoice("OLD", date(2025, 12, 31)))
    await world.sweep()
    answer = await show(world, **{"from": "2025-12-01", "to": "2026-01-31"})
    assert (answer["dynamics"]["listed"], answer["complete"]) == (1, True)


async def test_only_the_range_that_is_asked_for_counts(world: World) -> None:
    world.posting.invoice(invoice("INV-1"))
    world.posting.invoice(invoice("INV-2", date(2026, 11, 19)))
    await world.run()
    assert counts(await show(world, **{"from": TODAY.isoformat()}))[0] == 1
    assert counts(await show(world, **{"to": "2026-11-19"}))[0] == 1


async def test_the_workbook_of_a_month_names_every_document_that_is_not_as_filed(world: World) -> None:
    world.posting.invoice(invoice("LATE", date(2026, 10, 30)))
    world.posting.invoice(invoice("INV-1"))
    world.posting.invoice(invoice("INV-2"))
    world.posting.invoice(invoice("PROFORMA", is_proforma=True, tax_rate=Decimal(0)))
    world.posting.invoice(invoice("ASTRAY", ship_to=AddressSpec("1 Main St", "Austin", "NY", "78704")))
    await world.sweep()
    await world.settle()
    world.taxjar.delete("USMF-INV-2")
    asked = CompletenessQuery.model_validate({"from": "2026-10-25", "to": TODAY.isoformat(), "format": "xlsx"})
    answer = await show_completeness(world.connector, "main", world.company, asked)
    assert answer.headers["Content-Disposition"].endswith('.xlsx"')
    book = sheets_of(answer.body)
    assert list(book) == ["By state", "Differences", "Held", "Late", "Skipped", "Evidence"]
    differing = {row["number"]: row["status"] for row in book["Differences"]}
    assert differing == {"INV-2": "missing_in_taxjar", "ASTRAY": "missing_in_taxjar"}
    for sheet, number in (("Held", "ASTRAY"), ("Late", "LATE"), ("Skipped", "PROFORMA")):
        assert [row["number"] for row in book[sheet]] == [number]
    [texas] = [row for row in book["By state"] if row["state"] == "TX"]
    assert (texas["dynamics amount"], texas["taxjar amount"]) == ("300", "200")
    facts = {row["what"]: row.get("value", "") for row in book["Evidence"]}
    assert (facts["documents of F&O"], facts["held (documents)"], facts["held: net"]) == ("5", "1", "100.00")
    assert facts["ready to file"] == "no"
