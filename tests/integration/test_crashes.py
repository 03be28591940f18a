"""Wherever the process dies, the end is that of an undisturbed run, with one effect per document (design 4.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest

from local.simulation import Simulation
from local.simulators.certificates import Certificates
from local.simulators.dynamics.specs import AddressSpec, ChargeSpec, InvoiceSpec, LineSpec
from tests.crash_stage import Stage, fresh_stages
from tests.mortal import Life
from tests.world import COMPANY, TODAY, Clock, furnished


@pytest.fixture
def simulation(certificates: Certificates) -> Iterator[Simulation]:
    """One document of each end: an order, a refund, a held and a skipped one."""
    clock = Clock()
    with Simulation(certificates, clock=clock) as running:
        desk = furnished(running.posting(COMPANY))
        rate = Decimal("0.0825")
        sold = desk.invoice(
            InvoiceSpec("INV-1", TODAY, tax_rate=rate, lines=[LineSpec(quantity=3)], charges=[ChargeSpec()])
        )
        desk.credit_note(sold, "CRN-1", TODAY)
        desk.invoice(InvoiceSpec("INV-2", TODAY, ship_to=AddressSpec("1 Main St", "Austin", "NY", "78704")))
        desk.invoice(InvoiceSpec("INV-3", TODAY, is_proforma=True))
        yield running


@pytest.fixture
def stage(simulation: Simulation, azurite: str) -> Callable[[], Stage]:
    return fresh_stages(simulation, azurite)


@pytest.mark.parametrize("every_step", [False, pytest.param(True, marks=pytest.mark.thorough)])
async def test_wherever_the_process_dies_the_end_is_that_of_an_undisturbed_run(
    stage: Callable[[], Stage], every_step: bool
) -> None:
    undisturbed, life = stage(), Life()
    assert not await undisturbed.live(life)
    expected = await undisturbed.end_state()
    assert len(expected["taxjar"]) == 2
    assert len(expected["records"]) == 4
    wrong = {}
    for step in range(len(life.steps)) if every_step else life.ways_to_end():
        name, disturbed = life.steps[step], stage()
        assert await disturbed.live(Life(dies_at=step)), f"no death at step {step}, {name}"
        disturbed.clock.advance(minutes=1)
        assert not await disturbed.live(Life())
        if (found := await disturbed.end_state()) != expected:
            wrong[f"{step} {name}"] = {part: found[part] for part in found if found[part] != expected[part]}
    assert not wrong, list(wrong.items())[:3]
