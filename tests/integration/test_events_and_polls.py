"""Events and polls, in any order and any number, end like one undisturbed poll."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from local.simulators.dynamics.events import event_grid_envelope, posted_event
from local.simulators.dynamics.posting import Posting
from local.simulators.dynamics.simulator import DynamicsSimulator
from local.simulators.dynamics.specs import AddressSpec, ChargeSpec, InvoiceSpec, PostedInvoice
from tests.conftest import CERTIFICATES
from tests.world import COMPANY, NOW, TODAY, World, furnished, running_world

TEXAS = Decimal("0.0825")


def post_sale(posting: Posting) -> list[PostedInvoice]:
    """A sale, its credit note under the same number, a document to be held, one to be skipped, one before the start."""
    sale = posting.invoice(InvoiceSpec("INV-1", TODAY, charges=[ChargeSpec()], tax_rate=TEXAS))
    nowhere = AddressSpec("1 Main St", "Austin", "NY", "78704")
    return [
        sale,
        posting.credit_note(sale, "INV-1", TODAY + timedelta(days=1)),
        posting.invoice(InvoiceSpec("INV-2", TODAY, ship_to=nowhere, tax_rate=TEXAS)),
        posting.invoice(InvoiceSpec("INV-3", TODAY, is_proforma=True)),
        posting.invoice(InvoiceSpec("INV-4", TODAY - timedelta(days=3), tax_rate=TEXAS)),
    ]


def scratch() -> list[PostedInvoice]:
    """The same documents in an F&O that the connector does not see: their events may come first."""
    simulator = DynamicsSimulator("", lambda _: None, clock=lambda: NOW, default_company=COMPANY)
    return post_sale(furnished(Posting(simulator, COMPANY)))


EVENTS = [posted_event(posted, number, NOW) for number, posted in enumerate(scratch())]
STEPS = st.lists(
    st.one_of(
        st.sampled_from(["post", "poll", "sweep", "work", "wait"]),
        st.lists(st.integers(0, len(EVENTS) - 1), min_size=1, max_size=4).map(tuple),
    ),
    max_size=12,
)


async def end_state(world: World) -> Any:
    """What TaxJar and the ledger hold, without times; no stand-in may be left unsettled."""
    records = [
        (str(record.key), record.state, record.reason, record.filing.owns_id, record.filing.amount)
        for record in await world.records()
        if record.reason != "superseded"
    ]
    account = world.taxjar
    return sorted(records), account.orders, account.refunds, world.calls()


async def play(azurite: str, steps: list[Any]) -> Any:
    async with running_world(azurite, CERTIFICATES) as world:
        posted = False
        for step in [*steps, "post", "sweep"]:
            match step:
                case "post" if not posted:
                    post_sale(world.posting)
                    posted = True
                case "poll":
                    await world.poll()
                case "sweep":
                    await world.sweep()
                case "work":
                    await world.work()
                case "wait":
                    await world.settle(within=timedelta(days=2))
                case (int(), *_):
                    bodies = [EVENTS[number] for number in step]
                    await world.deliver(*(event_grid_envelope(bodies[0]) if len(bodies) == 1 else bodies))
        await world.settle()
        await world.sweep()
        await world.settle()
        return await end_state(world)


@pytest.fixture(scope="module")
def undisturbed(azurite: str) -> Any:
    return asyncio.run(play(azurite, []))


@settings(max_examples=5)
@example(steps=[(0, 1, 2, 3, 4), "wait", "post", "poll"])
@example(steps=[(0, 0), "work", "post", "poll", (1, 0), "work", "poll", (4,)])
@given(steps=STEPS)
def test_events_and_polls_in_any_order_end_like_one_poll(azurite: str, undisturbed: Any, steps: list[Any]) -> None:
    assert asyncio.run(play(azurite, steps)) == undisturbed
