"""Real environments: other set and field names, missing rights, companies that the app's user cannot see."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from local.simulation import CONNECTION
from local.simulators.dynamics.specs import ChargeSpec, InvoiceSpec, LineSpec
from local.simulators.faults import Fault
from shared.ledger.records import State
from tests.conftest import CERTIFICATES
from tests.world import TODAY, World, running_world

HEADERS, LINES, JOURNALS = "SalesInvoiceHeadersV2", "SalesInvoiceV2Lines", "CustInvoiceJourBiEntities"
INVOICE = InvoiceSpec(
    "INV-1", TODAY, [LineSpec(quantity=2, price=50)], [ChargeSpec("FREIGHT", 9)], tax_rate=Decimal("0.0825")
)


@asynccontextmanager
async def world_with(azurite: str, **entities: dict[str, Any]) -> AsyncIterator[World]:
    async with running_world(azurite, CERTIFICATES, dynamics={"entities": entities}) as world:
        yield world


async def test_a_custom_entity_takes_the_place_of_the_standard_one(azurite: str) -> None:
    profile: dict[str, dict[str, Any]] = {
        HEADERS: {"set": "ContosoInvoices", "fields": {"InvoiceNumber": "ContosoNumber"}},
        LINES: {"set": "ContosoInvoiceLines", "fields": {"LineAmount": "NetAmount", "InvoiceNumber": "ContosoNumber"}},
    }
    async with world_with(azurite, **profile) as world:
        store = world.simulation.dynamics.store
        world.posting.invoice(INVOICE)
        for name, settings in profile.items():
            store.alias(name, settings["set"], settings["fields"])
            store.hide(name)
        await world.run()
        order = world.taxjar.orders["USMF-INV-1"]
        assert (order.amount, order.shipping) == (Decimal("109.00"), Decimal("9.00"))


async def test_the_bi_sets_may_be_the_main_source(azurite: str) -> None:
    headers = {
        "InvoiceNumber": "InvoiceId",
        "TotalInvoiceAmount": "InvoiceAmount",
        "TotalTaxAmount": "SumTax",
        "TotalChargeAmount": "SumMarkup",
        "TotalDiscountCustomerGroupCode": "EndDisc",
        "InvoiceCustomerAccountNumber": "InvoiceAccount",
        "SalesOrderNumber": "SalesId",
        "DeliveryModeCode": "DlvMode",
    }
    async with world_with(azurite, **{HEADERS: {"set": JOURNALS, "fields": headers}}) as world:
        world.simulation.dynamics.hide(HEADERS)
        world.posting.invoice(INVOICE)
        await world.run()
        assert world.taxjar.orders["USMF-INV-1"].amount == Decimal("109.00")


@pytest.mark.parametrize(
    ("set_name", "profile", "words"),
    [
        (HEADERS, {"set": "ContosoInvoices"}, ["ContosoInvoices", HEADERS, "__SALESINVOICEHEADERSV2__SET"]),
        (LINES, {"fields": {"LineAmount": "NetAmount"}}, ["NetAmount", "LineAmount", LINES, "V2LINES__FIELDS"]),
        (
            HEADERS,
            {"fields": {"TotalTaxAmount": "TaxA", "CurrencyCode": "Curr"}},
            ["TaxA (for TotalTaxAmount)", "Curr (for CurrencyCode)"],
        ),
    ],
)
async def test_the_first_poll_names_the_set_and_the_field_that_do_not_fit(
    azurite: str, caplog: pytest.LogCaptureFixture, set_name: str, profile: dict[str, Any], words: list[str]
) -> None:
    async with world_with(azurite, **{set_name: profile}) as world:
        world.posting.invoice(INVOICE)
        await world.run()
        assert all(word in caplog.text for word in words), caplog.text
        assert "CONNECTIONS__MAIN__DYNAMICS__ENTITIES" in caplog.text
        assert await world.records() == []


async def test_a_wrong_name_for_a_set_that_refines_documents_is_logged_and_done_without(
    azurite: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with world_with(azurite, Warehouses={"set": "ContosoWarehouses"}) as world:
        world.posting.invoice(INVOICE)
        await world.run()
        assert "ContosoWarehouses (for Warehouses)" in caplog.text
        assert (await world.record("INV-1")).state is State.REPORTED


async def test_a_profile_that_fits_is_probed_once(azurite: str) -> None:
    async with world_with(azurite, **{LINES: {"set": "SalesInvoiceV3Lines"}}) as world:
        world.posting.invoice(INVOICE)
        await world.run()
        before = len(world.simulation.dynamics.calls)
        await world.run()
        assert len(world.simulation.dynamics.calls) - before == 1


async def test_a_company_that_the_user_cannot_see_is_not_taken_for_one_without_invoices(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.posting.invoice(INVOICE)
    world.simulation.dynamics.close_company("usmf")
    await world.sweep()
    assert "company usmf" in caplog.text
    assert "Assign organizations" in caplog.text


async def test_a_company_without_invoices_is_no_reason_to_warn(world: World, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        await world.run()
        calls = len(world.simulation.dynamics.calls)
        await world.run()
    assert not caplog.records
    assert len(world.simulation.dynamics.calls) - calls == 1


async def test_a_set_that_may_not_be_read_is_done_without(world: World) -> None:
    world.simulation.dynamics.forbid("MarkupTransBiEntities")
    world.posting.invoice(INVOICE)
    await world.run()
    order = world.taxjar.orders["USMF-INV-1"]
    assert (order.amount, order.shipping) == (Decimal("109.00"), Decimal("9.00"))
    notes = [note for entry in await world.audit("INV-1") for note in entry.get("notes", [])]
    assert any("shipping" in note for note in notes)


async def test_a_window_of_which_a_page_fails_is_read_to_its_end_in_smaller_reads(world: World) -> None:
    world.simulation.dynamics.page_size = 4
    for number in range(10):
        world.posting.invoice(InvoiceSpec(f"INV-{number}", TODAY))
    world.simulation.dynamics.faults.add(Fault(path=f"*/{HEADERS}", status=500, skip=2, times=1))
    await world.poll()
    assert await _complete_poll(world) is not None
    await world.settle()
    assert [record.state for record in await world.records()] == [State.REPORTED] * 10
    assert world.calls() == 10


async def test_a_next_page_on_another_host_is_refused(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.posting.invoice(INVOICE)
    world.simulation.dynamics.next_link_base = "https://evil.invalid"
    world.simulation.dynamics.page_size = 1
    world.posting.invoice(InvoiceSpec("INV-2", TODAY))
    await world.poll()
    assert "evil.invalid" in caplog.text
    assert await _complete_poll(world) is None
    world.simulation.dynamics.next_link_base = ""
    await world.run()
    assert [record.state for record in await world.records()] == [State.REPORTED] * 2


async def _complete_poll(world: World) -> object:
    return await world.connector.last_runs.complete_poll(CONNECTION)
