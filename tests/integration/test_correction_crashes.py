"""An approved correction ends in exactly one reversal and one replacement, wherever the worker dies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from local.simulation import CONNECTION
from local.simulators.faults import Fault
from shared.ledger.commits import GroupCommit
from shared.ledger.records import State
from shared.taxjar.client import TaxJarClient
from tests.filing import HANDLING_SHIPS, LAST_MONTH, decided, net, of_document, sale, shown
from tests.world import World

POINTS = 6
"""What the worker of a correction does outside: claim, look at what is filed, reversal, note, replacement, note."""


class Died(BaseException):
    """The process is gone: nothing catches it."""


class Death:
    """Kills the worker at its ``point``-th step outside, before or after the step takes effect."""

    def __init__(self, point: int, *, after: bool) -> None:
        self.steps = 0
        self._point = point
        self._after = after

    def around(self, step: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def deadly(*args: Any, **kwargs: Any) -> Any:
            self.steps += 1
            due = self.steps == self._point
            if due and not self._after:
                raise Died
            answer = await step(*args, **kwargs)
            if due:
                raise Died
            return answer

        return deadly


@pytest.mark.parametrize("kind", ["order", "refund"])
async def test_a_crash_at_any_step_ends_in_exactly_one_of_each(
    world: World, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaths = [Death(point, after=after) for point in range(1, POINTS + 1) for after in (False, True)]
    ids = _post(world, kind, [f"{number:02}" for number in range(len(deaths))])
    await world.sweep()
    await world.settle()
    world.change_settings(**HANDLING_SHIPS)
    for transaction_id, death in zip(ids, deaths, strict=True):
        await decided(world, transaction_id, "retry")
        await decided(world, transaction_id, "approve", settle=False)
        with monkeypatch.context() as patch:
            patch.setattr(GroupCommit, "commit", death.around(GroupCommit.commit))
            patch.setattr(TaxJarClient, "_send", death.around(TaxJarClient._send))
            with pytest.raises(Died):
                await world.work()
        # The host shows the message again, and the claim runs out.
        [record] = await world.connector.ledger.find(CONNECTION, world.company, transaction_id)
        await world.queue.put(CONNECTION, [record.key])
        world.clock.advance(minutes=10)
        await world.settle()
        document = await shown(world, transaction_id)
        assert (document["state"], document["audit_intact"]) == ("reported", True), death.steps
        assert [one.transaction_id for one in of_document(world, transaction_id)] == [
            transaction_id,
            f"{transaction_id}-reversal-1",
            f"{transaction_id}-1",
        ]
        sign = -1 if kind == "refund" else 1
        assert net(of_document(world, transaction_id))[:2] == (sign * 117, sign * 17)
    assert world.calls("PUT") == world.calls("DELETE") == 0


async def test_the_steps_of_a_correction_are_all_tried(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    [transaction_id] = _post(world, "order", ["1"])
    await world.sweep()
    await world.settle()
    world.change_settings(**HANDLING_SHIPS)
    await decided(world, transaction_id, "retry")
    await decided(world, transaction_id, "approve", settle=False)
    counter = Death(0, after=False)
    monkeypatch.setattr(GroupCommit, "commit", counter.around(GroupCommit.commit))
    monkeypatch.setattr(TaxJarClient, "_send", counter.around(TaxJarClient._send))
    await world.settle()
    assert counter.steps == POINTS


@pytest.mark.parametrize("path", ["*/refunds", "*/orders"])
@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=503, times=2),
        Fault(status=429, retry_after=60, times=1),
        Fault(drop=True, times=1),
        Fault(drop=True, after=True, times=1),
        Fault(status=500, after=True, times=1),
    ],
    ids=lambda fault: fault.name,
)
async def test_transient_trouble_only_delays_a_correction(world: World, path: str, fault: Fault) -> None:
    [transaction_id] = _post(world, "order", ["1"])
    await world.sweep()
    await world.settle()
    world.change_settings(**HANDLING_SHIPS)
    await decided(world, transaction_id, "retry")
    world.simulation.taxjar.faults.add(fault.model_copy(update={"path": path, "method": "POST"}))
    await decided(world, transaction_id, "approve")
    assert (await world.record("INV-1")).state is State.REPORTED
    assert len(of_document(world, transaction_id)) == 3
    assert net(of_document(world, transaction_id))[:2] == (117, 17)


async def test_a_correction_that_failed_after_seven_days_is_brought_to_its_end_by_a_retry(world: World) -> None:
    [transaction_id] = _post(world, "order", ["1"])
    await world.sweep()
    await world.settle()
    world.change_settings(**HANDLING_SHIPS)
    await decided(world, transaction_id, "retry")
    world.simulation.taxjar.faults.add(Fault(method="POST", path="*/orders", drop=True, after=True))
    world.simulation.taxjar.faults.add(Fault(method="GET", path="*/orders/*", status=503))
    await decided(world, transaction_id, "approve", settle=False)
    await world.work()
    world.clock.advance(days=8)
    await world.work()
    assert (await world.record("INV-1")).state is State.FAILED
    world.simulation.taxjar.faults.clear()
    world.change_settings(shipping_charge_codes=["HANDLING"])
    await decided(world, transaction_id, "retry")
    assert (await world.record("INV-1")).state is State.REPORTED
    assert net(of_document(world, transaction_id))[:2] == (117, 17)


async def test_an_approval_whose_message_was_lost_is_found_by_the_nightly_sweep(world: World) -> None:
    [transaction_id] = _post(world, "order", ["1"])
    await world.sweep()
    await world.settle()
    world.clock.advance(days=60)
    world.change_settings(**HANDLING_SHIPS)
    await decided(world, transaction_id, "retry")
    await decided(world, transaction_id, "approve", settle=False)
    world.queue.waiting.clear()
    await world.sweep()
    await world.settle()
    assert (await world.record("INV-1")).state is State.REPORTED
    assert len(of_document(world, transaction_id)) == 3


def _post(world: World, kind: str, suffixes: list[str]) -> list[str]:
    """Documents of a closed month; their ids in TaxJar."""
    for suffix in suffixes:
        invoice = world.posting.invoice(sale(f"INV-{suffix}", LAST_MONTH - timedelta(days=1)))
        if kind == "refund":
            world.posting.credit_note(invoice, f"CRN-{suffix}", LAST_MONTH)
    if kind == "refund":
        return [f"USMF-CRN-{suffix}-refund" for suffix in suffixes]
    return [f"USMF-INV-{suffix}" for suffix in suffixes]
