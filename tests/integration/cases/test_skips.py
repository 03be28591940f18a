"""Cases T30 to T32, T39, T40: skips never swallow US tax, and kinds go by the right field (design 4.1, 4.5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from local.simulators.dynamics.posting import Link
from local.simulators.dynamics.specs import ChargeSpec, LineSpec, ProjectSet, Source
from shared.flows.operations.ping import ping_connection
from tests.holdings import NEW_YORK, NO_TAX, TORONTO, filed, holdings, invoice, outcome, taxed
from tests.world import TODAY, World

ONE = taxed(100, "8.25")
UNTAXED = taxed(100)

# T30 ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "skipped"),
    [
        ({"currency": "CAD", "ship_to": NEW_YORK}, "not_usd"),
        ({"currency": ""}, "not_usd"),
        ({"is_prepayment": True}, "prepayment"),
        ({"is_proforma": True}, "proforma"),
        ({"source": Source.PROJECT}, "project_invoice"),
        ({"source": Source.INTEREST_NOTE}, "interest_note"),
        ({"is_intercompany": True}, "intercompany"),
    ],
)
async def test_a_rule_that_would_skip_collected_tax_holds_it(
    world: World, fields: Mapping[str, Any], skipped: str
) -> None:
    world.posting.invoice(invoice("TAXED", lines=[ONE], **fields))
    world.posting.invoice(invoice("FREIGHT", lines=[UNTAXED], charges=[ChargeSpec("FREIGHT", 9, 1)], **fields))
    world.posting.invoice(invoice("UNTAXED", lines=[UNTAXED], **fields))
    await world.run()
    assert await outcome(world, "TAXED") == "held tax_on_skipped"
    assert await outcome(world, "FREIGHT") == "held tax_on_skipped"
    assert await outcome(world, "UNTAXED") == f"skipped {skipped}"
    assert skipped in (await world.record("TAXED")).message
    assert holdings(world) == {}


@pytest.mark.parametrize("fields", [{"currency": "CAD"}, {"is_prepayment": True}, {"source": Source.PROJECT}])
async def test_tax_that_was_collected_abroad_holds_nothing(world: World, fields: Mapping[str, Any]) -> None:
    world.posting.country("CAN", "CA")
    world.posting.invoice(invoice(lines=[ONE], ship_to=TORONTO, **fields))
    await world.run()
    assert (await outcome(world, "INV-1")).startswith("skipped ")


async def test_a_prepayment_without_lines_and_with_tax_is_held(world: World) -> None:
    totals: dict[str, Any] = {"total_amount": Decimal("3247.50"), "total_tax": Decimal("247.50")}
    world.posting.invoice(invoice(lines=[], is_prepayment=True, **totals))
    await world.run()
    assert await outcome(world, "INV-1") == "held tax_on_skipped"


async def test_only_the_taxed_lines_in_the_us_hold_a_document_in_another_currency(world: World) -> None:
    world.posting.country("CAN", "CA")
    lines = [taxed(100, 13, ship_to=TORONTO), taxed(100, ship_to=NEW_YORK)]
    world.posting.invoice(invoice("INV-1", lines=lines, currency="CAD"))
    world.posting.invoice(invoice("INV-2", lines=[replace(lines[0], tax=NO_TAX), ONE], currency="CAD"))
    await world.run()
    assert await outcome(world, "INV-1") == "skipped not_usd"
    assert await outcome(world, "INV-2") == "held tax_on_skipped"


# T31 ------------------------------------------------------------------------------------------------------------------


async def test_the_external_invoice_of_a_direct_delivery_is_a_sale_and_one_to_an_affiliate_is_none(
    world: World,
) -> None:
    world.posting.invoice(invoice("EXTERNAL", lines=[ONE], intercompany_posted=True))
    world.posting.invoice(invoice("AFFILIATE", lines=[UNTAXED], intercompany_company="USSI", intercompany_posted=False))
    await world.run()
    assert holdings(world) == {"USMF-EXTERNAL": "TX 100.00/8.25"}
    assert await outcome(world, "AFFILIATE") == "skipped intercompany"


async def test_a_credit_note_posted_by_the_chain_is_the_refund_of_an_external_sale(world: World) -> None:
    sold = world.posting.invoice(invoice(lines=[ONE], intercompany_posted=True))
    world.posting.credit_note(sold, "CRN-1", TODAY, link=Link.RETURNED_LOT)
    await world.run()
    assert filed(world, "CRN-1") == ["TX -100.00/-8.25 of USMF-INV-1"]


# T32 ------------------------------------------------------------------------------------------------------------------

PROJECTS = pytest.mark.company(project_invoices=True)


@PROJECTS
async def test_project_invoices_are_read_from_their_own_sets(world: World) -> None:
    world.posting.customer("C-2000", "Beacon Press", NEW_YORK)
    lines = [
        taxed(100, "8.88", project_set=ProjectSet.ITEM),
        LineSpec("", 2, 50, tax=NO_TAX, name="Consulting", project_set=ProjectSet.HOUR),
        taxed(20, "1.78", project_set=ProjectSet.FEE),
    ]
    posted = world.posting.project_invoice(invoice("PRJ-1", lines=lines, customer="C-2000"))
    await world.run()
    assert holdings(world) == {"USMF-PRJ-1": "NY 220.00/10.66"}
    assert posted.total_tax == Decimal("10.66")


@PROJECTS
async def test_a_project_credit_note_without_an_original_is_held(world: World) -> None:
    world.posting.customer("C-2000", "Beacon Press", NEW_YORK)
    lines = [taxed(-100, "-8.88", project_set=ProjectSet.FEE)]
    world.posting.project_invoice(invoice("PRJ-2", lines=lines, customer="C-2000"))
    await world.run()
    assert await outcome(world, "PRJ-2") == "held credit_note_unlinked"


@PROJECTS
async def test_where_the_sets_are_missing_the_setting_is_refused_by_name(world: World) -> None:
    for name in ("DocumentProjectInvoiceBases", *ProjectSet):
        world.simulation.dynamics.hide(name)
    answer = await ping_connection(world.connector, "main", "test")
    failed = [check for check in answer["checks"] if not check["ok"]]
    assert any("DocumentProjectInvoiceBases" in str(check) and "PROJECT_INVOICES" in str(check) for check in failed)
    assert answer["ok"] is False


async def test_without_the_setting_nothing_asks_for_the_sets_of_projects(world: World) -> None:
    for name in ("DocumentProjectInvoiceBases", *ProjectSet):
        world.simulation.dynamics.hide(name)
    assert (await ping_connection(world.connector, "main", "test"))["ok"] is True


# T39 ------------------------------------------------------------------------------------------------------------------


async def test_the_document_that_cancels_a_free_text_invoice_is_linked_to_it(world: World) -> None:
    world.posting.customer("C-2000", "Beacon Press", NEW_YORK)
    free_text: dict[str, Any] = {"source": Source.FREE_TEXT, "ship_to": None, "customer": "C-2000"}
    world.posting.invoice(invoice("FTI-1", lines=[ONE], **free_text))
    world.posting.invoice(invoice("FTI-1", lines=[taxed(-100, "-8.25", quantity=-1)], **free_text))
    world.posting.invoice(invoice("FTI-2", lines=[taxed(120, "10.65")], **free_text))
    await world.run()
    assert filed(world, "FTI-1") == ["NY -100.00/-8.25 of USMF-FTI-1", "NY 100.00/8.25"]
    assert filed(world, "FTI-2") == ["NY 120.00/10.65"]


async def test_the_correction_is_found_by_its_field_else_by_the_only_opposite_total(world: World) -> None:
    world.posting.customer("C-2000", "Beacon Press", NEW_YORK)
    free_text: dict[str, Any] = {"source": Source.FREE_TEXT, "ship_to": None, "customer": "C-2000"}
    for number, amount in (("FTI-1", 100), ("FTI-2", 100), ("FTI-3", 300)):
        world.posting.invoice(invoice(number, lines=[taxed(amount)], **free_text))
    world.posting.invoice(invoice("FTC-1", lines=[taxed(-100)], corrected_invoice="FTI-2", **free_text))
    world.posting.invoice(invoice("FTC-2", lines=[taxed(-100)], **free_text))
    world.posting.invoice(invoice("FTC-3", lines=[taxed(-300)], **free_text))
    await world.run()
    assert filed(world, "FTC-1") == ["NY -100.00/0.00 of USMF-FTI-2"]
    # Two invoices have that total: which one it corrects is not guessed.
    assert await outcome(world, "FTC-2") == "held credit_note_unlinked"
    assert filed(world, "FTC-3") == ["NY -300.00/0.00 of USMF-FTI-3"]


# T40 ------------------------------------------------------------------------------------------------------------------

LINE_SETS = ("SalesInvoiceV2Lines", "CustInvoiceTransBiEntities")


@pytest.mark.parametrize("sets", [LINE_SETS, ("MarkupTransBiEntities",)])
async def test_rows_that_arrive_after_the_header_are_waited_for(world: World, sets: tuple[str, ...]) -> None:
    world.posting.invoice(invoice("OTHER", lines=[ONE]))
    world.posting.invoice(invoice(lines=[ONE], charges=[ChargeSpec("FREIGHT", 10, Decimal("0.83"))]))
    store = world.simulation.dynamics.store
    late = [
        (name, row)
        for name in sets
        for row in list(store.rows(name))
        if "INV-1" in (row.get("InvoiceNumber"), row.get("InvoiceId")) or name == "MarkupTransBiEntities"
    ]
    for name, row in late:
        store.remove(name, row)
    await world.poll()
    await world.work()
    assert holdings(world) == {"USMF-OTHER": "TX 100.00/8.25"}
    assert (await world.record("INV-1")).state == "retrying"
    for name, row in late:
        store.add(name, row)
    began = world.clock.now
    await world.settle()
    assert filed(world, "INV-1") == ["TX 110.00/9.08"]
    # The job that reads again what was read without the set looks after its documents once more, later.
    assert (await world.record("INV-1")).updated_at - began <= timedelta(minutes=30)


async def test_lines_that_never_arrive_are_held_after_half_an_hour(world: World) -> None:
    world.posting.invoice(invoice(lines=[ONE], has_standard_lines=False, has_table_lines=False))
    began = world.clock.now
    await world.run()
    assert await outcome(world, "INV-1") == "held lines_missing"
    assert timedelta(minutes=25) <= world.clock.now - began <= timedelta(minutes=45)


async def test_charges_that_never_arrive_are_held_once(world: World) -> None:
    world.posting.invoice(invoice(lines=[ONE], charges=[ChargeSpec("FREIGHT", 10, Decimal("0.83"))]))
    store = world.simulation.dynamics.store
    for row in list(store.rows("MarkupTransBiEntities")):
        store.remove("MarkupTransBiEntities", row)
    await world.run()
    assert await outcome(world, "INV-1") == "held source_incomplete"
    entries = len(await world.audit("INV-1"))
    for _ in range(3):
        world.clock.advance(minutes=5)
        await world.run()
    assert len(await world.audit("INV-1")) == entries
