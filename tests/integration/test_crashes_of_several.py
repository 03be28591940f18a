"""A document of three transactions is sent once each, wherever the process dies (design 4.2, 4.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from uuid import uuid4

import pytest

from local.simulation import TAXJAR_ACCOUNT, Simulation
from local.simulators.certificates import Certificates
from local.simulators.dynamics.specs import ChargeSpec
from tests.holdings import CA_LINE, NY_LINE, TX_LINE, invoice, taxed
from tests.integration.test_crashes import Stage
from tests.mortal import Life
from tests.world import COMPANY, Clock, QueueInMemory, furnished

IDS = {"USMF-INV-1", "USMF-INV-1-part-2", "USMF-INV-1-part-3", "USMF-EXC-1", "USMF-EXC-1-part-2", "USMF-EXC-1-refund"}


@pytest.fixture
def simulation(certificates: Certificates) -> Iterator[Simulation]:
    """An invoice to three states, and an exchange over two."""
    with Simulation(certificates, clock=Clock()) as running:
        desk = furnished(running.posting(COMPANY))
        freight = ChargeSpec("FREIGHT", 27, Decimal("2.30"))
        desk.invoice(invoice("INV-1", lines=[TX_LINE, NY_LINE, CA_LINE], charges=[freight]))
        sold = [replace(TX_LINE, lot=None), replace(NY_LINE, lot=None)]
        desk.invoice(invoice("EXC-1", lines=[*sold, taxed(-50, "-4.13")]))
        yield running


@pytest.fixture
def stage(simulation: Simulation, azurite: str) -> Callable[[], Stage]:
    """A fresh storage and an empty TaxJar account for each run."""

    def fresh() -> Stage:
        simulation.taxjar.account(TAXJAR_ACCOUNT).transactions.clear()
        simulation.taxjar.calls.clear()
        clock = Clock()
        return Stage(simulation, azurite, clock, QueueInMemory(clock), f"ledger{uuid4().hex}")

    return fresh


async def test_wherever_the_process_dies_each_transaction_is_there_once(stage: Callable[[], Stage]) -> None:
    undisturbed, life = stage(), Life()
    assert not await undisturbed.live(life)
    expected = await undisturbed.end_state()
    assert {transaction_id for _, transaction_id in expected["taxjar"]} == IDS
    assert sum(expected["effects"].values()) == len(IDS)
    wrong = {}
    for step, name in enumerate(life.steps):
        disturbed = stage()
        assert await disturbed.live(Life(dies_at=step)), f"no death at step {step}, {name}"
        disturbed.clock.advance(minutes=1)
        assert not await disturbed.live(Life())
        if (found := await disturbed.end_state()) != expected:
            wrong[f"{step} {name}"] = {part: found[part] for part in found if found[part] != expected[part]}
    assert not wrong


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
