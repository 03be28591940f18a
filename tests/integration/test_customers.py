"""Exempt customers: what the sync tells TaxJar, and what it spares it (design 4.5)."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.pipeline.transport import AioHttpTransport

from local.simulation import CONNECTION
from local.simulators.dynamics.specs import AUSTIN, AddressSpec
from local.simulators.dynamics.values import Row
from local.simulators.faults import Fault
from shared.flows.customers import sync_exempt_customers
from shared.mapping import customer_id, exemption_of, map_customer
from shared.taxjar.customers import customer_to_wire
from shared.taxjar.wire import payload_hash
from tests.world import COMPANY, World

CUSTOMERS = "*/customers*"
pytestmark = pytest.mark.company(
    exempt_tax_groups={"EXEMPT": "government", "RESALE": "wholesale"},
    exempt_regions={"RESALE": ["TX", "CA"], "C-2002": ["NY"]},
)


async def sync(world: World) -> None:
    await sync_exempt_customers(world.connector, by="test")


def calls(world: World) -> list[str]:
    found = [call for call in world.simulation.taxjar.calls if "/customers" in call.path]
    return [f"{call.method} {call.path.rpartition('/')[2]}" for call in found]


def change(world: World, row: Row, **values: object) -> None:
    world.simulation.dynamics.store.update("CustomersV3", row, values)


async def audit(world: World, account: str) -> list[dict[str, Any]]:
    entries, intact = await world.connector.customers.audit(CONNECTION, COMPANY, customer_id(COMPANY, account))
    assert intact
    return entries


async def test_an_exempt_customer_is_put_in_taxjar_and_a_taxable_one_is_not(world: World) -> None:
    world.posting.customer("C-2000", "Hill County Schools", AUSTIN, tax_group="exempt")
    await sync(world)
    assert world.taxjar.customers.keys() == {"USMF-C-2000"}
    stored = world.taxjar.customers["USMF-C-2000"]
    assert (stored.exemption_type, stored.name, stored.exempt_regions) == ("government", "Hill County Schools", ())
    assert (stored.country, stored.state, stored.zip, stored.city) == ("US", "TX", "78704", "Austin")
    [entry] = await audit(world, "C-2000")
    assert (entry["decision"], entry["status"], entry["function"]) == ("created", 201, "sync_exempt_customers")
    assert "tax group exempt" in entry["message"]


async def test_regions_of_the_customers_own_entry_win_over_those_of_its_tax_group(world: World) -> None:
    world.posting.customer("C-2001", "Prairie Resellers", AUSTIN, tax_group="RESALE")
    world.posting.customer("C-2002", "Hudson Resellers", AUSTIN, tax_group="RESALE")
    await sync(world)
    regions = {id: customer.exempt_regions for id, customer in world.taxjar.customers.items()}
    assert regions == {"USMF-C-2001": (("US", "CA"), ("US", "TX")), "USMF-C-2002": (("US", "NY"),)}


async def test_a_federal_customer_is_government(world: World) -> None:
    world.posting.customer("C-2003", "Mint", AUSTIN, federal_indicator="Federal")
    world.posting.customer("C-2004", "Almost", AUSTIN, federal_indicator="NonFederal")
    await sync(world)
    assert {id: customer.exemption_type for id, customer in world.taxjar.customers.items()} == {
        "USMF-C-2003": "government"
    }


async def test_an_unmapped_group_that_taxes_nothing_is_other_with_a_warning(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.posting.tax_group("CHURCH", "TXSTATE", "TXCITY", exempt=True)
    world.posting.tax_group("MIXED", "TXSTATE", exempt=True)
    taxed = {"dataAreaId": COMPANY, "TaxGroupId": "MIXED", "TaxCodeId": "TXCITY", "ExemptTax": False}
    world.simulation.dynamics.add("TaxGroupDatas", taxed)
    world.posting.customer("C-2005", "St. Mary", AUSTIN, tax_group="CHURCH")
    world.posting.customer("C-2006", "St. John", AUSTIN, tax_group="CHURCH")
    world.posting.customer("C-2007", "Half", AUSTIN, tax_group="MIXED")
    world.posting.tax_group("NOCODES")
    world.posting.customer("C-2008", "Bare", AUSTIN, tax_group="NOCODES")
    await sync(world)
    assert {customer.exemption_type for customer in world.taxjar.customers.values()} == {"other"}
    assert world.taxjar.customers.keys() == {"USMF-C-2005", "USMF-C-2006", "USMF-C-2008"}
    assert "CHURCH" in (await audit(world, "C-2005"))[0]["notes"][0]
    for group in ("CHURCH", "NOCODES"):
        assert sum(group in record.getMessage() for record in caplog.records) == 1


@pytest.mark.parametrize("empty", [False, True])
async def test_a_tax_group_table_that_is_unreadable_or_shows_nothing_ends_no_exemption(
    world: World, empty: bool
) -> None:
    world.posting.tax_group("CHURCH", "TXSTATE", exempt=True)
    world.posting.customer("C-2005", "St. Mary", AUSTIN, tax_group="CHURCH")
    mapped = world.posting.customer("C-2000", "Schools", AUSTIN, tax_group="EXEMPT")
    await sync(world)
    if empty:
        store = world.simulation.dynamics.store
        for code in list(store.rows("TaxGroupDatas")):
            store.remove("TaxGroupDatas", code)
    else:
        world.simulation.dynamics.forbid("TaxGroupDatas")
    world.clock.advance(hours=2)
    change(world, mapped, SalesTaxGroup="TX-AUS")
    await sync(world)
    types = {id: customer.exemption_type for id, customer in world.taxjar.customers.items()}
    assert types == {"USMF-C-2005": "other", "USMF-C-2000": "non_exempt"}


async def test_an_exemption_that_ended_becomes_non_exempt_once(world: World) -> None:
    row = world.posting.customer("C-2001", "Prairie Resellers", AUSTIN, tax_group="RESALE")
    await sync(world)
    change(world, row, SalesTaxGroup="TX-AUS")
    await sync(world)
    await sync(world)
    stored = world.taxjar.customers["USMF-C-2001"]
    assert (stored.exemption_type, stored.exempt_regions) == ("non_exempt", ())
    assert calls(world) == ["POST customers", "PUT USMF-C-2001"]
    last = (await audit(world, "C-2001"))[-1]
    assert (last["before"]["exemption_type"], last["after"]["exemption_type"]) == ("wholesale", "non_exempt")


async def test_a_change_is_put_and_a_part_of_the_address_that_is_gone_is_cleared(world: World) -> None:
    row = world.posting.customer("C-2000", "Hill County Schools", AUSTIN, tax_group="EXEMPT")
    await sync(world)
    change(world, row, OrganizationName="Hill County\nSchool District", AddressStreet="", AddressState="Texas")
    await sync(world)
    stored = world.taxjar.customers["USMF-C-2000"]
    assert (stored.name, stored.street, stored.state) == ("Hill County School District", None, "TX")


async def test_what_taxjar_could_not_take_of_an_address_is_left_out(world: World) -> None:
    nowhere = AddressSpec("1 Unknown Rd", "Somewhere", "Texxas", "787")
    world.posting.customer("C-2000", "", nowhere, tax_group="EXEMPT")
    world.posting.customer(
        "C-2001", "Prairie", AddressSpec("1 Elm", "Atlantis", "XX", "1", country="ATL"), tax_group="RESALE"
    )
    await sync(world)
    stored = world.taxjar.customers["USMF-C-2000"]
    assert (stored.name, stored.country, stored.state, stored.zip) == ("C-2000", "US", None, None)
    assert (stored.city, stored.street) == ("Somewhere", "1 Unknown Rd")
    abroad = world.taxjar.customers["USMF-C-2001"]
    assert (abroad.country, abroad.state, abroad.zip, abroad.city) == (None, None, None, "Atlantis")


async def test_the_upsert_switches_once_between_post_and_put(world: World) -> None:
    row = world.posting.customer("C-2000", "Schools", AUSTIN, tax_group="EXEMPT")
    await sync(world)
    del world.taxjar.customers["USMF-C-2000"]
    change(world, row, OrganizationName="Hill County Schools")
    await sync(world)
    assert calls(world) == ["POST customers", "PUT USMF-C-2000", "POST customers"]
    await _forget(world, "USMF-C-2000")
    await sync(world)
    assert calls(world)[3:] == ["POST customers", "PUT USMF-C-2000"]


async def test_a_customer_that_taxjar_refuses_is_audited_and_not_sent_again_unchanged(world: World) -> None:
    row = world.posting.customer("C-2000", "Schools", AUSTIN, tax_group="EXEMPT")
    world.simulation.taxjar.faults.add(Fault(path=CUSTOMERS, status=406, times=1))
    await sync(world)
    await sync(world)
    assert (await audit(world, "C-2000"))[-1]["decision"] == "refused"
    assert calls(world) == ["POST customers"]
    change(world, row, OrganizationName="Hill County Schools")
    await sync(world)
    assert world.taxjar.customers["USMF-C-2000"].name == "Hill County Schools"


@pytest.mark.parametrize("after", [False, True])
async def test_trouble_with_one_customer_does_not_keep_the_others_and_heals_in_the_next_run(
    world: World, after: bool
) -> None:
    for number in range(5):
        world.posting.customer(f"C-200{number}", f"School {number}", AUSTIN, tax_group="EXEMPT")
    world.simulation.taxjar.faults.add(Fault(path=CUSTOMERS, drop=True, after=after, times=1))
    await sync(world)
    assert len(world.taxjar.customers) == (5 if after else 4)
    await sync(world)
    assert len(world.taxjar.customers) == 5
    histories = [[entry["decision"] for entry in await audit(world, f"C-200{number}")] for number in range(5)]
    healed = ["retrying", "updated" if after else "created"]
    assert sorted(histories) == [*[["created"]] * 4, healed]
    before = len(calls(world))
    await sync(world)
    assert len(calls(world)) == before


@pytest.mark.parametrize("status", [429, 401])
async def test_a_429_or_a_refusal_pauses_the_account_and_ends_the_companys_run(world: World, status: int) -> None:
    for number in range(30):
        world.posting.customer(f"C-20{number:02}", f"School {number}", AUSTIN, tax_group="EXEMPT")
    world.simulation.taxjar.faults.add(Fault(path=CUSTOMERS, status=status, times=8))
    await sync(world)
    assert len(calls(world)) <= 8
    await sync(world)
    assert len(calls(world)) <= 8
    world.clock.advance(minutes=10)
    await sync(world)
    assert len(world.taxjar.customers) == 30


async def test_taxjar_that_does_not_answer_is_left_alone_after_a_few_calls(world: World) -> None:
    for number in range(30):
        world.posting.customer(f"C-20{number:02}", f"School {number}", AUSTIN, tax_group="EXEMPT")
    world.simulation.taxjar.faults.add(Fault(path=CUSTOMERS, status=503))
    await sync(world)
    assert len(calls(world)) == 8


async def test_trouble_with_dynamics_ends_the_run_early_and_the_next_one_continues(world: World) -> None:
    world.simulation.dynamics.page_size = 10
    for number in range(30):
        world.posting.customer(f"C-20{number:02}", f"School {number}", AUSTIN, tax_group="EXEMPT")
    fault = Fault(path="*/CustomersV3", status=429, retry_after=60, skip=1, times=1)
    world.simulation.dynamics.faults.add(fault)
    await sync(world)
    assert 0 < len(world.taxjar.customers) <= 10
    world.clock.advance(minutes=2)
    await sync(world)
    assert len(world.taxjar.customers) == 30
    assert len(calls(world)) == 30


async def test_a_customer_table_that_may_not_be_read_does_not_stop_the_documents(world: World) -> None:
    world.simulation.dynamics.forbid("CustomersV3")
    await sync(world)
    assert not await world.connector.connection(CONNECTION).gate.is_paused()


async def test_ten_thousand_unchanged_customers_cost_no_taxjar_call_and_few_table_reads(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(10_000):
        tax_group = "TX-AUS" if number % 8 else "EXEMPT"
        world.posting.customer(f"K-{number:05}", f"School {number}", AUSTIN, tax_group=tax_group)
    world.simulation.dynamics.page_size = 2_500
    await _as_if_synced(world)
    sent: list[str] = []
    send = AioHttpTransport.send

    async def counting(self: AioHttpTransport, request: Any, **options: Any) -> Any:
        sent.append(request.url)
        return await send(self, request, **options)

    monkeypatch.setattr(AioHttpTransport, "send", counting)
    await sync(world)
    assert calls(world) == []
    assert len(sent) <= 12


async def _as_if_synced(world: World) -> None:
    """Write the ledger rows that a sync of all customers leaves, a hundred at a time."""
    company = world.connector.connection(CONNECTION).company(COMPANY)
    table = world.connector.ledger._table
    async for _, customers in world.connector.connection(CONNECTION).reader.list_customers([COMPANY]):
        rows: list[dict[str, str]] = []
        for customer in customers:
            exemption = exemption_of(customer, company.settings)
            if exemption is None:
                continue
            mapped = map_customer(COMPANY, customer, company.settings, exemption.type)
            rows.append(
                {
                    "PartitionKey": f"{CONNECTION}|{COMPANY}",
                    "RowKey": f"customer|{mapped.customer_id}",
                    "customer_id": mapped.customer_id,
                    "exemption_type": exemption.type.value,
                    "rule": exemption.rule.value,
                    "payload_hash": payload_hash(customer_to_wire(mapped)),
                }
            )
        for start in range(0, len(rows), 100):
            await table.submit_transaction([("create", row) for row in rows[start : start + 100]])


async def _forget(world: World, customer: str) -> None:
    """Lose the ledger's memory of a customer."""
    table = world.connector.ledger._table
    async for entity in table.query_entities(f"RowKey ge 'audit|customer|{customer}' and RowKey lt 'customer|~'"):
        if customer in entity["RowKey"]:
            await table.delete_entity(entity)
