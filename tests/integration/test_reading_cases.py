"""Reading cases from the field, from the poll to TaxJar: nothing is misreported, nothing keeps the rest (R1 to R8)."""

from __future__ import annotations

import json
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
import stamina

from local.simulation import CONNECTION
from local.simulators.dynamics.row_faults import Limit
from local.simulators.dynamics.specs import InvoiceSpec
from local.simulators.faults import Fault
from shared.ledger.records import State
from tests.world import TODAY, World

HEADERS = "*/SalesInvoiceHeadersV2"
JOURNALS = "CustInvoiceJourBiEntities"
HALF_A_CHARACTER = "C-\ud83d"


@pytest.fixture(autouse=True)
def _retries_do_not_wait() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


def invoice(number: str, days_back: int = 0) -> InvoiceSpec:
    return InvoiceSpec(number, TODAY - timedelta(days=days_back), tax_rate=Decimal("0.0825"))


async def outcomes(world: World) -> dict[str, tuple[State, str]]:
    return {record.key.number: (record.state, record.reason) for record in await world.records()}


@pytest.mark.parametrize("how", ["hidden", "forbidden", "without rows"])
async def test_what_a_missing_set_would_have_told_is_waited_for(world: World, how: str) -> None:
    """Case R1."""
    dynamics = world.simulation.dynamics
    world.posting.invoice(invoice("BEFORE"))
    await world.run()
    world.posting.invoice(replace(invoice("TO-AFFILIATE"), is_intercompany=True, tax_rate=Decimal(0)))
    world.posting.invoice(replace(invoice("ADVANCE"), is_prepayment=True, tax_rate=Decimal(0)))
    if how == "hidden":
        dynamics.hide(JOURNALS)
    elif how == "forbidden":
        dynamics.forbid(JOURNALS)
    else:
        for number in ("TO-AFFILIATE", "ADVANCE"):
            dynamics.row_faults.withhold(JOURNALS, InvoiceId=number)
    await world.poll()
    await world.settle(within=timedelta(minutes=15))
    found = await outcomes(world)
    assert {found["TO-AFFILIATE"][0], found["ADVANCE"][0]} == {State.RETRYING}
    assert world.taxjar.orders.keys() == {"USMF-BEFORE"}
    dynamics.store.show(JOURNALS)
    dynamics.row_faults.clear()
    world.clock.advance(minutes=6)
    await world.poll()
    await world.settle(within=timedelta(hours=12))
    found = await outcomes(world)
    assert found["TO-AFFILIATE"] == (State.SKIPPED, "intercompany")
    assert found["ADVANCE"] == (State.SKIPPED, "prepayment")
    assert world.taxjar.orders.keys() == {"USMF-BEFORE"}


async def test_a_window_that_takes_too_long_is_narrowed_by_itself(world: World) -> None:
    """Case R2."""
    for back in range(6):
        world.posting.invoice(invoice(f"INV-{back}", back))
    world.simulation.dynamics.row_faults.limits["SalesInvoiceHeadersV2"] = Limit(days=2)
    await world.run()
    assert set((await outcomes(world)).values()) == {(State.REPORTED, "")}
    assert len(world.taxjar.orders) == 6
    assert await world.connector.last_runs.complete_poll(CONNECTION) is not None
    before = len(world.simulation.dynamics.calls)
    world.posting.invoice(invoice("NEW", 3))
    await world.run()
    assert (await outcomes(world))["NEW"] == (State.REPORTED, "")
    failed = [call for call in world.simulation.dynamics.calls[before:] if call.status != 200]
    assert len(failed) <= 4, "what was too long is not asked for over and over"


async def test_where_the_window_takes_too_long_to_count_each_day_is_counted(world: World) -> None:
    for back in range(6):
        world.posting.invoice(invoice(f"INV-{back}", back))
    await world.run()
    world.posting.invoice(invoice("NEW", 3))
    world.simulation.dynamics.faults.add(Fault(path=f"{HEADERS}/$count", status=500, times=1))
    await world.run()
    assert (await outcomes(world))["NEW"] == (State.REPORTED, "")


async def test_a_day_that_cannot_be_listed_keeps_no_other(world: World) -> None:
    for back in range(6):
        world.posting.invoice(invoice(f"INV-{back}", back))
    await world.run()
    for back in (0, 1, 4):
        world.posting.invoice(invoice(f"NEW-{back}", back))
    # Of the listings that follow, today's is the first and yesterday's the second.
    world.simulation.dynamics.faults.add(Fault(path=HEADERS, status=503, retry_after=60, skip=1, times=1))
    await world.poll()
    await world.settle()
    found = await outcomes(world)
    assert {number for number in found if number.startswith("NEW")} == {"NEW-0", "NEW-4"}
    world.clock.advance(minutes=5)
    await world.run()
    assert set((await outcomes(world)).values()) == {(State.REPORTED, "")}


async def test_what_the_first_page_held_is_used_though_the_second_fails(world: World) -> None:
    """Case R3."""
    world.simulation.dynamics.page_size = 4
    for number in range(10):
        world.posting.invoice(invoice(f"INV-{number}"))
    world.simulation.dynamics.faults.add(Fault(path=HEADERS, status=503, retry_after=900, skip=1))
    await world.poll()
    assert len(await world.records()) == 4
    assert Counter(state for state, _ in (await outcomes(world)).values()) == {State.SEEN: 4}
    assert await world.connector.last_runs.complete_poll(CONNECTION) is None


async def test_a_header_that_is_listed_twice_is_counted_and_sent_once(world: World) -> None:
    """Case R5."""
    for number in range(5):
        world.posting.invoice(invoice(f"INV-{number}"))
    world.simulation.dynamics.row_faults.repeat("SalesInvoiceHeadersV2", InvoiceNumber="INV-3")
    await world.run()
    assert set((await outcomes(world)).values()) == {(State.REPORTED, "")}
    assert world.calls("POST") == len(world.taxjar.orders) == 5
    before = len(world.simulation.dynamics.calls)
    await world.poll()
    assert len(world.simulation.dynamics.calls) - before == 1, "what is listed twice is counted once"


@pytest.mark.parametrize("sweeps", [False, True])
async def test_a_header_that_f_and_o_cannot_show_is_held_and_keeps_nothing_else(world: World, sweeps: bool) -> None:
    """Case R6."""
    for number in range(6):
        world.posting.invoice(invoice(f"INV-{number}", number))
    world.posting.invoice(invoice("OLD", 100))
    world.simulation.dynamics.row_faults.refuse("SalesInvoiceHeadersV2", InvoiceNumber="INV-3")
    await (world.sweep() if sweeps else world.poll())
    await world.settle(within=timedelta(hours=6))
    found = await outcomes(world)
    assert found.pop("INV-3", (State.HELD, "unreadable_row")) == (State.HELD, "unreadable_row")
    assert set(found.values()) == {(State.REPORTED, "")}
    assert len(found) == 6 if sweeps else 5
    world.simulation.dynamics.row_faults.clear()
    await world.sweep()
    await world.settle()
    assert set((await outcomes(world)).values()) == {(State.REPORTED, "")}
    assert len(world.taxjar.orders) == 7


async def test_half_a_character_in_one_document_fails_that_one_alone(world: World) -> None:
    """Case R8."""
    for number in range(20):
        spec = invoice(f"INV-{number}")
        values = {JOURNALS: {"OrderAccount": HALF_A_CHARACTER}}
        world.posting.invoice(replace(spec, values=values if number == 7 else {}))
    await world.run()
    found = await outcomes(world)
    state, reason = found.pop("INV-7")
    assert (state, reason) == (State.HELD, "unreadable_row")
    assert set(found.values()) == {(State.REPORTED, "")}
    assert await world.audit("INV-7")


async def test_reporting_begins_while_a_long_day_is_still_listed(world: World) -> None:
    world.simulation.dynamics.page_size = 40
    for number in range(100):
        world.posting.invoice(invoice(f"INV-{number}"))
    world.simulation.dynamics.faults.add(Fault(path=HEADERS, status=503, retry_after=900, skip=1))
    await world.poll()
    assert await world.connector.last_runs.complete_poll(CONNECTION) is None
    assert [len(json.loads(b64decode(body))["keys"]) for _, _, body in world.queue.waiting] == [20, 20]


async def test_a_message_is_smaller_than_a_kilobyte_for_each_of_up_to_twenty_keys(world: World) -> None:
    for number in range(45):
        world.posting.invoice(invoice(f"{'9' * 17}{number:03d}"))
    await world.poll()
    sizes = []
    for _, _, body in world.queue.waiting:
        keys = len(json.loads(b64decode(body))["keys"])
        sizes.append(keys)
        assert len(body) < 1024 * keys
    assert sizes == [20, 20, 5]
