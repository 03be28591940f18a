"""``list_exempt_customers``: who is exempt in TaxJar, where, by which rule, and whom TaxJar refused (design 3.1)."""

from __future__ import annotations

from typing import Any

import pytest

from local.simulators.dynamics.specs import AUSTIN
from local.simulators.faults import Fault
from shared.connector import NotFound
from shared.flows.customers.exempt import CustomersQuery, list_exempt_customers
from tests.exempt_customers import as_if_synced, change, sync
from tests.world import COMPANY, World

pytestmark = pytest.mark.company(exempt_tax_groups={"EXEMPT": "government"}, exempt_regions={"C-2001": ["TX", "NM"]})


async def listed(world: World, **query: Any) -> dict[str, Any]:
    asked = CustomersQuery.model_validate(query)
    answer = await list_exempt_customers(world.connector, "main", COMPANY, asked)
    return answer.body


async def test_an_exempt_customer_is_listed_with_its_states_and_its_rule(world: World) -> None:
    world.posting.customer("C-2001", "School", AUSTIN, tax_group="EXEMPT")
    world.posting.customer("C-2002", "Library", AUSTIN, tax_group="EXEMPT")
    await sync(world)
    answer = await listed(world)
    school, library = answer["customers"]
    synced_at = world.clock().isoformat().replace("+00:00", "Z")
    assert school == {
        "customer_id": "USMF-C-2001",
        "account": "C-2001",
        "name": "School",
        "exemption_type": "government",
        "regions": ["NM", "TX"],
        "rule": "tax group EXEMPT",
        "state": "exempt",
        "message": None,
        "updated_at": synced_at,
    }
    assert library["regions"] == []
    assert (answer["count"], answer["next"], answer["synced_at"]) == (2, None, synced_at)
    assert [each["name"] for each in (await listed(world, account="c-2002"))["customers"]] == ["Library"]


async def test_a_refused_customer_is_listed_with_taxjar_s_words(world: World) -> None:
    world.posting.customer("C-2001", "School", AUSTIN, tax_group="EXEMPT")
    world.simulation.taxjar.faults.add(Fault(path="*/customers*", status=406))
    await sync(world)
    [refused] = (await listed(world, state="REFUSED"))["customers"]
    assert (refused["state"], refused["name"], refused["regions"]) == ("refused", "School", ["NM", "TX"])
    assert refused["message"].startswith("TaxJar refuses the customer (406): ")
    assert (await listed(world, state="exempt"))["customers"] == []


async def test_a_customer_without_an_answer_is_pending(world: World) -> None:
    world.posting.customer("C-2001", "School", AUSTIN, tax_group="EXEMPT")
    world.simulation.taxjar.faults.add(Fault(path="*/customers*", status=500))
    await sync(world)
    [pending] = (await listed(world))["customers"]
    assert (pending["state"], pending["name"]) == ("pending", "School")


async def test_who_is_no_longer_exempt_is_not_listed(world: World) -> None:
    row = world.posting.customer("C-2001", "School", AUSTIN, tax_group="EXEMPT")
    await sync(world)
    change(world, row, SalesTaxGroup="TAXED")
    world.posting.customer("C-2002", "Library", AUSTIN, tax_group="EXEMPT")
    await sync(world)
    assert world.taxjar.customers["USMF-C-2001"].exemption_type == "non_exempt"
    assert [each["account"] for each in (await listed(world))["customers"]] == ["C-2002"]


async def test_rows_of_earlier_versions_are_understood(world: World) -> None:
    world.posting.customer("C-2001", "School", AUSTIN, tax_group="EXEMPT")
    await as_if_synced(world)
    [school] = (await listed(world))["customers"]
    assert (school["account"], school["state"], school["updated_at"]) == ("C-2001", "exempt", None)


async def test_pages_and_csv_hold_every_customer_once(world: World) -> None:
    for number in range(5):
        world.posting.customer(f"C-300{number}", f"=School {number}", AUSTIN, tax_group="EXEMPT")
    await sync(world)
    seen, answer = [], await listed(world, limit=2)
    while True:
        seen += [each["account"] for each in answer["customers"]]
        assert answer["count"] == 5
        if answer["next"] is None:
            break
        after = answer["next"].rpartition("after=")[2]
        answer = await listed(world, limit=2, after=after)
    assert seen == [f"C-300{number}" for number in range(5)]
    text = await list_exempt_customers(world.connector, "main", COMPANY, CustomersQuery(format="csv"))
    lines = str(text.body).splitlines()
    assert len(lines) == 6
    assert "'=School 0" in lines[1]
    with pytest.raises(NotFound):
        await list_exempt_customers(world.connector, "main", "none", CustomersQuery())
