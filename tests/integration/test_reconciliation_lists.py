"""What a deep comparison tells apart, and what is listed beside what differs, in dollars (design 4.7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from local.simulators.dynamics.specs import AddressSpec, LineSpec
from shared.flows.reconciliation.completeness import CompletenessQuery, show_completeness
from tests.reconciling import edit_in_taxjar, findings, invoice, plant, statuses, sweep
from tests.world import TODAY, World

OREGON = AddressSpec("900 SW 5th Ave", "Portland", "OR", "97204")
TORONTO = AddressSpec("1 Yonge St", "Toronto", "ON", "M5E 1W7", country="CAN")
MONTH: dict[str, Any] = {"from": "2026-11-01", "to": "2026-11-30"}
EDITS: dict[str, Mapping[str, Any]] = {
    "state_mismatch": {"to_state": "NM", "to_zip": "87501"},
    "date_mismatch": {"transaction_date": datetime(2026, 11, 18, tzinfo=UTC)},
    "exemption_mismatch": {"exemption_type": "wholesale"},
}


async def complete(world: World) -> dict[str, Any]:
    asked = CompletenessQuery.model_validate(MONTH)
    found: dict[str, Any] = (await show_completeness(world.connector, "main", world.company, asked)).body
    return found


async def both(world: World, name: str) -> list[dict[str, Any]]:
    """The rows of a list, which reconciliation and a month's completeness show alike."""
    reconciled: list[dict[str, Any]] = (await findings(world, **MONTH))[name]
    month = (await complete(world))[name]
    assert month["documents"] == reconciled
    assert month["count"] == len(reconciled)
    for part in ("amount", "sales_tax"):
        assert Decimal(month[part]) == sum(Decimal(str(row.get(part) or 0)) for row in reconciled)
    return reconciled


@pytest.mark.parametrize("status", EDITS)
async def test_a_deep_comparison_tells_what_differs_where_the_dollars_agree(world: World, status: str) -> None:
    world.posting.invoice(invoice("INV-1"))
    world.posting.invoice(invoice("INV-2"))
    await sweep(world)
    edit_in_taxjar(world, "USMF-INV-1", **EDITS[status])
    found = await findings(world, deep=True, **MONTH)
    assert (statuses(found), found["foreign"]) == ({"USMF-INV-1": status}, [])
    assert found["counts"][status] == found["counts"]["reconciled"] == 1
    [document] = found["documents"]
    assert document["difference"] == {"amount": "0.00", "sales_tax": "0.00"}


@pytest.mark.parametrize("line", [{"product_tax_code": "20010"}, {"unit_price": Decimal(50), "quantity": 2}])
async def test_other_lines_of_the_same_sum_are_told(world: World, line: Mapping[str, Any]) -> None:
    world.posting.invoice(invoice("INV-1"))
    await sweep(world)
    stored = world.taxjar.orders["USMF-INV-1"]
    edit_in_taxjar(world, "USMF-INV-1", line_items=(replace(stored.line_items[0], **line),))
    assert statuses(await findings(world, deep=True, **MONTH)) == {"USMF-INV-1": "lines_mismatch"}
    assert statuses(await findings(world, **MONTH)) == {}


async def test_parts_that_differ_and_agree_in_sum_are_told(world: World) -> None:
    lines = [LineSpec(), LineSpec(ship_to=AddressSpec("350 5th Ave", "New York", "NY", "10118"))]
    world.posting.invoice(invoice("INV-1", lines=lines))
    await sweep(world)
    for transaction_id, amount in (("USMF-INV-1", 90), ("USMF-INV-1-part-2", 110)):
        edit_in_taxjar(world, transaction_id, amount=Decimal(amount))
    assert statuses(await findings(world, deep=True, **MONTH)) == {"USMF-INV-1": "amount_mismatch"}


async def test_a_document_of_a_closed_period_is_late(world: World) -> None:
    world.posting.invoice(invoice("LATE", date(2026, 10, 12)))
    world.posting.invoice(invoice("INV-1"))
    await sweep(world)
    found = await findings(world, **MONTH | {"from": "2026-10-01"})
    [row] = found["late"]
    assert (row["transaction_id"], row["to_state"], row["amount"], row["sales_tax"]) == (
        "USMF-LATE",
        "TX",
        "100.00",
        "8.25",
    )


async def test_tax_without_nexus_is_listed(world: World) -> None:
    world.posting.invoice(invoice("ASTRAY", ship_to=OREGON))
    world.posting.invoice(invoice("INV-1"))
    await sweep(world)
    [row] = await both(world, "tax_without_nexus")
    assert (row["transaction_id"], row["to_state"], row["sales_tax"]) == ("USMF-ASTRAY", "OR", "8.25")


@pytest.mark.company(exempt_tax_groups={"RESALE": "wholesale"})
async def test_tax_from_an_exempt_customer_is_listed(world: World) -> None:
    world.posting.customer("C-2000", "Prairie Resellers", tax_group="RESALE")
    world.posting.invoice(invoice("TAXED", customer="C-2000"))
    world.posting.invoice(invoice("UNTAXED", customer="C-2000", tax_rate=Decimal(0), tax_group="RESALE"))
    await sweep(world)
    [row] = await both(world, "tax_from_exempt_customer")
    assert (row["transaction_id"], row["customer"], row["sales_tax"]) == ("USMF-TAXED", "C-2000", "8.25")
    assert await both(world, "untaxed_without_reason") == []


async def test_untaxed_sales_without_a_reason_are_listed(world: World) -> None:
    world.posting.invoice(invoice("FREE", tax_rate=Decimal(0)))
    world.posting.invoice(invoice("ABROAD-OF-NEXUS", ship_to=OREGON, tax_rate=Decimal(0)))
    await sweep(world)
    [row] = await both(world, "untaxed_without_reason")
    assert (row["transaction_id"], row["amount"]) == ("USMF-FREE", "100.00")


async def test_what_was_left_out_is_listed(world: World) -> None:
    world.posting.country("CAN", "CA")
    world.posting.invoice(invoice("INV-1", lines=[LineSpec(), LineSpec(price=40, tax=0, ship_to=TORONTO)]))
    await sweep(world)
    [row] = await both(world, "left_out")
    assert (row["number"], row["reason"], row["amount"], row["sales_tax"]) == ("INV-1", "not_us", "40.00", "0.00")


async def test_what_is_not_ours_is_listed_with_its_dollars(world: World) -> None:
    world.posting.invoice(invoice("INV-1", TODAY))
    await sweep(world)
    plant(world, "USMF-STRANGER")
    plant(world, "114-5551", provider="amazon")
    rows = await both(world, "foreign")
    assert [(row["transaction_id"], row["provider"], row["amount"], row["sales_tax"]) for row in rows] == [
        ("USMF-STRANGER", "api", "100.00", "8.25"),
        ("114-5551", "amazon", "100.00", "8.25"),
    ]
    assert {(row["date"], row["to_state"]) for row in rows} == {(TODAY.isoformat(), "TX")}
