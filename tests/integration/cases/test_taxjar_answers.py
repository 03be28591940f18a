"""What TaxJar's answers mean: errors in every shape, refusals, and answers that differ from what was sent."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from local.simulation import CONNECTION
from local.simulators.faults import Fault
from shared.ledger.records import State
from tests.filing import HANDLING_SHIPS, decided, sale, shown
from tests.holdings import AUSTIN, holdings, outcome
from tests.reconciling import edit_in_taxjar
from tests.world import TODAY, World

ORDERS = "*/transactions/orders"
WEB_PAGE: dict[str, Any] = {"status": 404, "body": "html"}


async def post(world: World, *numbers: str, **changes: Any) -> None:
    for number in numbers:
        world.posting.invoice(sale(number, TODAY, **changes))
    await world.poll()


async def is_paused(world: World) -> bool:
    paused: bool = await world.connector.connection(CONNECTION).company(world.company).account.gate.is_paused()
    return paused


def keep_exemption(world: World, exemption_type: str, *ids: str) -> None:
    """TaxJar has this exemption, and no PUT changes it."""
    for transaction_id in ids:
        edit_in_taxjar(world, transaction_id, exemption_type=exemption_type)
    world.taxjar.sticky = {"exemption_type"}


async def states(world: World) -> set[State]:
    return {record.state for record in await world.records()}


@pytest.mark.parametrize("status", [401, 403])
async def test_an_error_inside_of_a_200_counts_as_what_it_says(world: World, status: int) -> None:
    world.simulation.taxjar.faults.add(Fault(path=ORDERS, status=200, body_status=status))
    await post(world, "INV-1")
    await world.settle(within=timedelta(minutes=1))
    assert await is_paused(world)
    assert await states(world) == {State.RETRYING}
    world.simulation.taxjar.faults.clear()
    await world.settle()
    assert await outcome(world, "INV-1") == "reported"


async def test_a_503_inside_of_a_200_is_no_effect_and_no_failure(world: World) -> None:
    world.simulation.taxjar.faults.add(Fault(path=ORDERS, status=200, body_status=503, times=2))
    await post(world, "INV-1")
    await world.settle()
    assert (await outcome(world, "INV-1"), list(holdings(world))) == ("reported", ["USMF-INV-1"])


@pytest.mark.parametrize(
    "fault", [WEB_PAGE, {"status": 405}, {"status": 410}, {"status": 302, "location": "https://x"}]
)
async def test_no_api_where_it_should_be_pauses_the_account_and_it_goes_on_by_itself(
    world: World, fault: dict[str, Any]
) -> None:
    world.simulation.taxjar.faults.add(Fault(path="*/transactions/*", **fault))
    await post(world, *(f"INV-{number}" for number in range(12)))
    await world.settle(within=timedelta(hours=1))
    assert await is_paused(world)
    assert await states(world) == {State.RETRYING}
    world.simulation.taxjar.faults.clear()
    await world.settle()
    assert await states(world) == {State.REPORTED}


async def test_a_probe_asks_for_what_was_refused(world: World) -> None:
    """Lists are answered all the time: that alone does not end the pause of what posting was refused."""
    world.simulation.taxjar.faults.add(Fault(method="POST", path=ORDERS, **WEB_PAGE))
    await post(world, "INV-1")
    await world.settle(within=timedelta(hours=1))
    probes = [call for call in world.simulation.taxjar.calls[1:] if call.fault]
    assert {(call.method, call.path.rpartition("/")[2]) for call in probes} == {("POST", "orders")}
    assert 6 <= len(probes) <= 12


async def test_a_document_that_is_refused_again_after_a_probe_went_through_is_held_and_the_account_goes_on(
    world: World,
) -> None:
    numbers = ("INV-1", "INV-2", "INV-3")
    await post(world, *numbers)
    await world.settle()
    world.change_settings(**HANDLING_SHIPS)
    world.simulation.taxjar.faults.add(Fault(method="PUT", path="*/orders/USMF-INV-1", status=403))
    for number in numbers:
        await decided(world, f"USMF-{number}", "retry")
    assert [await outcome(world, number) for number in numbers] == ["held rejected_by_taxjar", "reported", "reported"]
    message = (await world.record("INV-1")).message
    assert "refuses this document (403) and takes others" in message
    assert not await is_paused(world)
    before = len(world.simulation.taxjar.calls)
    await post(world, "INV-4")
    await world.settle()
    assert len(world.simulation.taxjar.calls) == before + 1

    world.simulation.taxjar.faults.clear()
    await decided(world, "USMF-INV-1", "retry")
    assert await outcome(world, "INV-1") == "reported"


async def test_a_first_refusal_after_another_kind_of_call_was_refused_holds_nothing(world: World) -> None:
    faults = [
        Fault(method="POST", path=ORDERS, status=403, times=1),
        # The probe of the first refusal goes through.
        Fault(method="POST", path=ORDERS, drop=True, skip=1, times=1),
        Fault(method="GET", path="*/orders/USMF-INV-1", status=403, times=1),
    ]
    world.simulation.taxjar.faults.add(*faults)
    await post(world, "INV-1")
    await world.settle()
    assert await outcome(world, "INV-1") == "reported"
    assert [call.status for call in world.simulation.taxjar.calls if call.fault] == [403, None, 403]


async def test_a_new_document_that_is_refused_again_is_held(world: World) -> None:
    world.simulation.taxjar.faults.add(
        Fault(method="POST", path=ORDERS, status=403, times=1),
        Fault(method="POST", path=ORDERS, status=403, skip=1, times=1),
    )
    await post(world, "INV-1")
    await world.settle()
    assert await outcome(world, "INV-1") == "held rejected_by_taxjar"
    assert [call.status for call in world.simulation.taxjar.calls] == [403, 406, 403, 406]


async def test_a_refusal_of_everything_holds_nothing_however_long_it_lasts(world: World) -> None:
    world.simulation.taxjar.faults.add(Fault(path="*/transactions/*", status=403))
    await post(world, *(f"INV-{number}" for number in range(5)))
    for _ in range(24):
        world.clock.advance(minutes=10)
        await world.poll()
        await world.work()
    assert await states(world) == {State.RETRYING}


async def test_an_exemption_that_stayed_is_held_with_what_was_sent_and_what_is_stored(world: World) -> None:
    await post(world, "INV-1")
    await world.settle()
    world.change_settings(**HANDLING_SHIPS)
    keep_exemption(world, "wholesale", "USMF-INV-1")
    await decided(world, "USMF-INV-1", "retry")
    assert await outcome(world, "INV-1") == "held not_stored_as_sent"
    document = await shown(world, "USMF-INV-1")
    assert "exemption_type non_exempt was sent, TaxJar holds wholesale" in document["message"]
    last = document["audit"][-1]
    assert (last["request"]["exemption_type"], last["response"]["order"]["exemption_type"]) == (
        "non_exempt",
        "wholesale",
    )
    world.taxjar.sticky = set()
    await decided(world, "USMF-INV-1", "retry")
    assert await outcome(world, "INV-1") == "reported"
    assert world.taxjar.orders["USMF-INV-1"].exemption_type == "non_exempt"


async def test_what_was_not_stored_as_sent_can_be_kept_or_settled(world: World) -> None:
    await post(world, "INV-1", "INV-2")
    await world.settle()
    world.change_settings(**HANDLING_SHIPS)
    keep_exemption(world, "other", "USMF-INV-1", "USMF-INV-2")
    for number, decision, end in (("INV-1", "dismiss", "reported"), ("INV-2", "settle", "skipped handled_outside")):
        await decided(world, f"USMF-{number}", "retry")
        assert await outcome(world, number) == "held not_stored_as_sent"
        await decided(world, f"USMF-{number}", decision)
        assert await outcome(world, number) == end


@pytest.mark.company(exempt_tax_groups={"RESALE": "wholesale"})
async def test_a_corrected_exemption_is_cleared_by_the_put_of_an_open_month(world: World) -> None:
    world.posting.customer("C-RESALE", "Reseller", AUSTIN, tax_group="RESALE")
    await post(world, "INV-1", customer="C-RESALE", tax_rate=Decimal(0))
    await world.settle()
    assert world.taxjar.orders["USMF-INV-1"].exemption_type == "wholesale"
    world.change_settings(exempt_tax_groups={})
    await decided(world, "USMF-INV-1", "retry")
    assert await outcome(world, "INV-1") == "reported"
    assert world.taxjar.orders["USMF-INV-1"].exemption_type == "non_exempt"
    put = (await world.audit("INV-1"))[-1]
    assert (put["request"]["exemption_type"], put["status"]) == ("non_exempt", 200)
