"""A document of three transactions is sent once each, wherever the process dies (design 4.2, 4.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from local.simulation import Simulation
from local.simulators.certificates import Certificates
from local.simulators.dynamics.specs import ChargeSpec
from tests.crash_stage import Stage, fresh_stages
from tests.holdings import NY_LINE, TX_LINE, invoice, taxed
from tests.mortal import Life
from tests.world import COMPANY, Clock, furnished

IDS = {"USMF-EXC-1", "USMF-EXC-1-part-2", "USMF-EXC-1-refund"}


@pytest.fixture
def simulation(certificates: Certificates) -> Iterator[Simulation]:
    """An exchange over two states."""
    with Simulation(certificates, clock=Clock()) as running:
        desk = furnished(running.posting(COMPANY))
        freight = ChargeSpec("FREIGHT", 27, Decimal("2.30"))
        sold = [replace(TX_LINE, lot=None), replace(NY_LINE, lot=None)]
        desk.invoice(invoice("EXC-1", lines=[*sold, taxed(-50, "-4.13")], charges=[freight]))
        yield running


@pytest.fixture
def stage(simulation: Simulation, azurite: str) -> Callable[[], Stage]:
    return fresh_stages(simulation, azurite)


@pytest.mark.parametrize("every_step", [False, pytest.param(True, marks=pytest.mark.thorough)])
async def test_wherever_the_process_dies_each_transaction_is_there_once(
    stage: Callable[[], Stage], every_step: bool
) -> None:
    undisturbed, life = stage(), Life()
    assert not await undisturbed.live(life)
    expected = await undisturbed.end_state()
    assert {transaction_id for _, transaction_id in expected["taxjar"]} == IDS
    assert sum(expected["effects"].values()) == len(IDS)
    wrong = {}
    steps = range(len(life.steps)) if every_step else life.ways_to_end()
    for step in (step for step in steps if step >= _claim(life)):
        disturbed = stage()
        assert await disturbed.live(Life(dies_at=step)), f"no death at step {step}, {life.steps[step]}"
        disturbed.clock.advance(minutes=1)
        assert not await disturbed.live(Life())
        if (found := _facts(await disturbed.end_state())) != _facts(expected):
            wrong[f"{step} {life.steps[step]}"] = found
    assert not wrong


def _claim(life: Life) -> int:
    """The step from which on the document's transactions are at stake: the last few before the first of them."""
    return life.steps.index("before POST /v2/transactions/orders") - 8


def _facts(end: dict[str, Any]) -> dict[str, Any]:
    """What was reported; how many entries tell of it depends on where the process died."""
    [(record, decisions, intact)] = end["records"]
    return {
        "taxjar": end["taxjar"],
        "effects": end["effects"],
        "record": (record["state"], record["filing"], decisions[-1], intact),
    }


async def test_a_process_that_dies_again_when_it_finds_out_what_was_sent_sends_nothing_twice(
    stage: Callable[[], Stage],
) -> None:
    undisturbed, life = stage(), Life()
    await undisturbed.live(life)
    expected = await undisturbed.end_state()
    sent = [step for step, name in enumerate(life.steps) if name.startswith("after POST /v2/transactions")]
    assert len(sent) == len(IDS)
    for first in sent:
        rehearsal, disturbed = Life(), stage()
        for lives in (rehearsal, Life()):
            disturbed = stage()
            assert await disturbed.live(Life(dies_at=first))
            disturbed.clock.advance(minutes=3)
            asks = [step for step, name in enumerate(rehearsal.steps) if "/v2/transactions" in name]
            lives.dies_at = asks[-1] if asks else None
            await disturbed.live(lives)
        disturbed.clock.advance(minutes=3)
        assert not await disturbed.live(Life())
        found = await disturbed.end_state()
        assert found["taxjar"] == expected["taxjar"], first
        assert found["effects"] == expected["effects"], first
