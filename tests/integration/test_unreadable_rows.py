"""A row that F&O cannot show is one document's trouble in backfills, completeness and reconciliation too (case R6)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
import stamina

from local.simulation import CONNECTION
from local.simulators.dynamics.specs import InvoiceSpec
from shared.flows.backfill.start import BackfillRequest, show_backfill, start_backfill
from shared.flows.reconciliation.completeness import CompletenessQuery, show_completeness
from shared.flows.reconciliation.jobs import reconcile_nightly
from tests.world import COMPANY, TODAY, World

HEADERS = "SalesInvoiceHeadersV2"
FIRST = TODAY - timedelta(days=6)


@pytest.fixture(autouse=True)
def _retries_do_not_wait() -> Iterator[None]:
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


@pytest.fixture
def world_with_a_bad_row(world: World) -> World:
    for back in range(6):
        day = TODAY - timedelta(days=back)
        world.posting.invoice(InvoiceSpec(f"INV-{back}", day, tax_rate=Decimal("0.0825")))
    world.simulation.dynamics.row_faults.refuse(HEADERS, InvoiceNumber="INV-3")
    return world


def expected() -> set[str]:
    return {f"USMF-INV-{back}" for back in (0, 1, 2, 4, 5)}


async def test_a_backfill_goes_on(world_with_a_bad_row: World) -> None:
    world = world_with_a_bad_row
    request = BackfillRequest.model_validate({"company": COMPANY, "from": FIRST, "to": TODAY})
    job = (await start_backfill(world.connector, CONNECTION, request))["job"]
    await world.settle()
    assert set(world.taxjar.orders) == expected()
    assert (await show_backfill(world.connector, CONNECTION, job))["state"] == "finished"


async def test_completeness_counts_the_others_and_is_not_ready_to_file(world_with_a_bad_row: World) -> None:
    world = world_with_a_bad_row
    await world.run()
    assert set(world.taxjar.orders) == expected()
    query = CompletenessQuery.model_validate({"from": FIRST, "to": TODAY})
    answer = await show_completeness(world.connector, CONNECTION, COMPANY, query)
    assert answer.body["ready_to_file"] is False, answer.body


async def test_the_nightly_run_goes_on(world_with_a_bad_row: World) -> None:
    world = world_with_a_bad_row
    await reconcile_nightly(world.connector, by="test")
    await world.settle()
    assert set(world.taxjar.orders) == expected()
