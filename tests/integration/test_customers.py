"""Exempt customers: what the sync tells TaxJar, and what it spares it (design 4.5)."""

from __future__ import annotations

import pytest

from local.simulation import CONNECTION
from local.simulators.dynamics.specs import AUSTIN, AddressSpec
from local.simulators.faults import Fault
from tests.exempt_customers import audit, calls, change, sync
from tests.world import COMPANY, World

CUSTOMERS = "*/customers*"
pytestmark = pytest.mark.company(
    exempt_tax_groups={"EXEMPT": "government", "RESALE": "wholesale"},
    exempt_regions={"RESALE": ["TX", "CA"], "C-2002": ["NY"]},
)


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


async def test_a_change_of_the_kind_of_exemption_is_put_once_with_both_sides_in_the_audit(world: World) -> None:
    row = world.posting.customer("C-2000", "Hill County Schools", AUSTIN, tax_group="EXEMPT")
    await sync(world)
    change(world, row, SalesTaxGroup="RESALE")
    await sync(world)
    await sync(world)
    stored = world.taxjar.customers["USMF-C-2000"]
    assert (stored.exemption_type, stored.exempt_regions) == ("wholesale", (("US", "CA"), ("US", "TX")))
    assert calls(world) == ["POST customers", "PUT USMF-C-2000"]
    last = (await audit(world, "C-2000"))[-1]
    assert (last["before"]["exemption_type"], last["after"]["exemption_type"]) == ("government", "wholesale")


@pytest.mark.parametrize(
    "fault", [Fault(status=503, times=1), Fault(drop=True, after=True, times=1)], ids=lambda fault: fault.name
)
async def test_the_end_of_an_exemption_that_gets_no_answer_is_told_in_the_next_run(world: World, fault: Fault) -> None:
    row = world.posting.customer("C-2000", "Hill County Schools", AUSTIN, tax_group="EXEMPT")
    await sync(world)
    change(world, row, SalesTaxGroup="TX-AUS")
    world.simulation.taxjar.faults.add(fault)
    await sync(world)
    await sync(world)
    await sync(world)
    assert world.taxjar.customers["USMF-C-2000"].exemption_type == "non_exempt"
    assert [entry["decision"] for entry in await audit(world, "C-2000")] == ["created", "retrying", "updated"]


async def test_the_end_of_an_exemption_that_taxjar_refuses_is_told_again_after_a_day(world: World) -> None:
    row = world.posting.customer("C-2000", "Hill County Schools", AUSTIN, tax_group="EXEMPT")
    await sync(world)
    change(world, row, SalesTaxGroup="TX-AUS")
    world.simulation.taxjar.faults.add(Fault(method="PUT", path=CUSTOMERS, status=400, times=1))
    for _ in range(23):
        await sync(world)
        world.clock.advance(hours=1)
    assert world.taxjar.customers["USMF-C-2000"].exemption_type == "government"
    world.clock.advance(hours=1)
    await sync(world)
    assert world.taxjar.customers["USMF-C-2000"].exemption_type == "non_exempt"
    assert [entry["decision"] for entry in await audit(world, "C-2000")] == ["created", "refused", "updated"]


async def test_taxjar_that_contradicts_itself_about_a_customer_is_asked_again_in_the_next_run(world: World) -> None:
    row = world.posting.customer("C-2000", "Hill County Schools", AUSTIN, tax_group="EXEMPT")
    await sync(world)
    change(world, row, SalesTaxGroup="TX-AUS")
    world.simulation.taxjar.faults.add(
        Fault(method="PUT", path=CUSTOMERS, status=404, times=1),
        Fault(method="POST", path=CUSTOMERS, status=422, times=1),
    )
    await sync(world)
    assert (await audit(world, "C-2000"))[-1]["decision"] == "refused"
    await sync(world)
    assert world.taxjar.customers["USMF-C-2000"].exemption_type == "non_exempt"


async def test_a_customer_that_f_and_o_does_not_list_any_more_is_warned_of_and_left_alone(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    gone = world.posting.customer("C-2000", "Hill County Schools", AUSTIN, tax_group="EXEMPT")
    ended = world.posting.customer("C-2001", "Prairie Resellers", AUSTIN, tax_group="RESALE")
    world.posting.customer("C-2002", "Hudson Resellers", AUSTIN, tax_group="RESALE")
    await sync(world)
    change(world, ended, SalesTaxGroup="TX-AUS")
    await sync(world)
    assert "does not list" not in caplog.text
    for row in (gone, ended):
        world.simulation.dynamics.store.remove("CustomersV3", row)
    await sync(world)
    [warning] = [record.getMessage() for record in caplog.records if "does not list" in record.getMessage()]
    assert warning.endswith(": USMF-C-2000")
    assert world.taxjar.customers["USMF-C-2000"].exemption_type == "government"


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


async def test_a_customer_table_that_may_not_be_read_pauses_the_environment(world: World) -> None:
    world.simulation.dynamics.forbid("CustomersV3")
    await sync(world)
    assert await world.connector.connection(CONNECTION).gate.is_paused()


async def _forget(world: World, customer: str) -> None:
    """Lose the ledger's memory of a customer."""
    table = world.connector.ledger._table
    async for entity in table.query_entities(f"RowKey ge 'audit|customer|{customer}' and RowKey lt 'customer|~'"):
        if customer in entity["RowKey"]:
            await table.delete_entity(entity)
