from __future__ import annotations

from typing import Any

import httpx
import pytest

from shared.dynamics.entity_sets import EntitySets
from shared.dynamics.reference_data import ReferenceData, ReferenceDataSource


@pytest.fixture
def source(order_invoice: Any, clock: Any) -> ReferenceDataSource:
    return ReferenceDataSource(EntitySets(order_invoice.client(), {}, clock), clock)


async def of_company(source: ReferenceDataSource, **wanted: Any) -> ReferenceData:
    return await source.of("ctus", **{"warehouses": {"w1"}, "sites": {"s1"}, "charge_codes": {"freight"}, **wanted})


async def test_master_data_is_read_whole_once_an_hour(
    source: ReferenceDataSource, order_invoice: Any, clock: Any
) -> None:
    for _ in range(3):
        await of_company(source)
        clock.advance(minutes=19)
    assert len(order_invoice.requests) == 6
    clock.advance(minutes=3)
    await of_company(source)
    assert len(order_invoice.requests) == 12


async def test_a_warehouse_that_is_new_is_looked_up_again(
    source: ReferenceDataSource, order_invoice: Any, clock: Any
) -> None:
    await of_company(source)
    order_invoice.sets["Warehouses"].append(
        {**order_invoice.sets["Warehouses"][0], "WarehouseId": "W2", "PrimaryAddressCity": "Tyler"}
    )
    assert (await of_company(source, warehouses={"w2"})).warehouse_address("W2") is None
    clock.advance(minutes=5)
    address = (await of_company(source, warehouses={"w2"})).warehouse_address("W2")
    assert address is not None
    assert address.city == "Tyler"
    assert len(order_invoice.asked("Warehouses")) == 2
    assert len(order_invoice.asked("OperationalSitesV2")) == 1


async def test_the_charge_table_is_read_only_when_there_are_charges(
    source: ReferenceDataSource, order_invoice: Any
) -> None:
    assert (await of_company(source, charge_codes=set())).shipping_codes is None
    assert order_invoice.asked("MarkupTableBiEntities") == []


async def test_only_the_charge_codes_of_customers_are_asked_for(
    source: ReferenceDataSource, order_invoice: Any
) -> None:
    assert (await of_company(source)).shipping_codes == {"freight": True}
    (query,) = order_invoice.asked("MarkupTableBiEntities")
    assert "ModuleType eq Microsoft.Dynamics.DataEntities.MarkupModuleType'Cust'" in query


async def test_an_unreadable_charge_table_is_told_from_an_empty_one(
    source: ReferenceDataSource, order_invoice: Any
) -> None:
    order_invoice.sets["MarkupTableBiEntities"] = httpx.Response(403)
    assert (await of_company(source)).shipping_codes is None


async def test_a_line_without_a_site_has_that_of_its_warehouse(source: ReferenceDataSource, order_invoice: Any) -> None:
    order_invoice.sets["OperationalSitesV2"][0]["IsPrimaryAddressAssigned"] = "Yes"
    reference = await of_company(source)
    assert reference.site_address("", "W1") == reference.site_address("s1", "")
    assert reference.site_address("", "W1") is not None


async def test_the_legal_entity_is_found_whatever_its_case(source: ReferenceDataSource) -> None:
    address = (await of_company(source)).legal_entity_address
    assert address is not None
    assert (address.city, address.country_iso) == ("Houston", "US")
