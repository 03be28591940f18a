"""A dry run says what a backfill would do, and does nothing (design 3.1)."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from local.simulators.dynamics.cases import CASES
from local.simulators.dynamics.events import posted_event
from local.simulators.dynamics.posting import Posting
from local.simulators.dynamics.retail_company import RETAIL_SETTINGS, open_retail_company
from local.simulators.dynamics.simulator import DynamicsSimulator
from local.simulators.dynamics.specs import AddressSpec, InvoiceSpec, LineSpec
from local.simulators.faults import Fault
from shared.backfill_messages import DryRunMessage, dry_run_messages
from shared.flows.backfill.start import BackfillRequest, show_backfill, start_backfill
from shared.flows.operations import bury
from shared.ledger.audit import Actor
from shared.queues import encode
from tests import filing
from tests.conftest import CERTIFICATES
from tests.world import TODAY, World, running_world

SPRING, JUNE = date(2026, 3, 1), date(2026, 6, 30)
FIGURES = ("seen", "would_send", "would_change", "reported", "skipped", "held", "failed", "remaining")


def invoice(number: str, day: date = SPRING, **changes: object) -> InvoiceSpec:
    return replace(InvoiceSpec(number, day, tax_rate=Decimal("0.0825")), **changes)  # type: ignore[arg-type]


async def run_dry(
    world: World, since: date = SPRING, until: date = date(2026, 6, 30), **options: Any
) -> dict[str, Any]:
    job = await start(world, since, until, dry_run=True, **options)
    await world.settle()
    return await show(world, job)


async def start(world: World, since: date = SPRING, until: date = JUNE, **options: Any) -> str:
    request = {"company": "usmf", "from": since, "to": until, **options}
    asked = BackfillRequest.model_validate(request)
    return str((await start_backfill(world.connector, "main", asked))["job"])


async def show(world: World, job: str) -> dict[str, Any]:
    return await show_backfill(world.connector, "main", job)


def figures(answer: dict[str, Any]) -> dict[str, int]:
    return {name: answer[name] for name in FIGURES if answer.get(name)}


async def test_it_tells_what_would_be_sent_skipped_and_held_with_totals_per_state(world: World) -> None:
    world.posting.invoice(invoice("INV-1"))
    world.posting.invoice(invoice("INV-2", lines=[LineSpec(price=50)]))
    world.posting.invoice(invoice("INV-3", ship_to=AddressSpec("1 Market St", "San Francisco", "CA", "94105")))
    world.posting.invoice(invoice("PROFORMA", is_proforma=True, tax_rate=Decimal(0)))
    world.posting.invoice(invoice("ASTRAY", ship_to=AddressSpec("1 Main St", "Austin", "NY", "78704")))
    answer = await run_dry(world)
    assert answer["state"] == "finished"
    assert figures(answer) == {"seen": 5, "would_send": 3, "skipped": 1, "held": 1}
    assert answer["taxjar_transactions"] == 3
    assert answer["totals"] == {
        "CA": {"documents": 1, "amount": "100.00", "sales_tax": "8.25"},
        "TX": {"documents": 2, "amount": "150.00", "sales_tax": "12.38"},
    }
    assert answer["reasons"] == {"held": {"zip_state_mismatch": 1}, "skipped": {"proforma": 1}}


async def test_it_changes_nothing_in_taxjar_nor_in_the_ledger(world: World) -> None:
    world.posting.invoice(invoice("KNOWN"))
    await start(world)
    await world.settle()
    world.posting.invoice(invoice("NEW"))
    before = await world.records(), dict(world.taxjar.transactions), dict(world.taxjar.customers), world.calls()
    await run_dry(world)
    await run_dry(world, force=True)
    after = await world.records(), dict(world.taxjar.transactions), dict(world.taxjar.customers), world.calls()
    assert after == before


async def test_what_is_settled_is_counted_as_it_is(world: World) -> None:
    world.posting.invoice(invoice("KNOWN"))
    world.posting.invoice(invoice("ASTRAY", ship_to=AddressSpec("1 Main St", "Austin", "NY", "78704")))
    await start(world)
    await world.settle()
    world.posting.invoice(invoice("NEW"))
    assert figures(await run_dry(world)) == {"seen": 3, "would_send": 1, "reported": 1, "held": 1}


@pytest.mark.company(product_tax_codes={"items": {"P-1000": "20010"}})
async def test_by_force_it_tells_what_another_mapping_would_change_in_open_and_closed_periods(world: World) -> None:
    world.posting.invoice(invoice("CLOSED"))
    world.posting.invoice(invoice("OPEN", TODAY))
    world.posting.invoice(invoice("UNTOUCHED", TODAY, lines=[LineSpec("P-2000")]))
    await start(world, until=TODAY)
    await world.settle()
    world.change_settings(product_tax_codes={"items": {"P-1000": "40030"}})
    answer = await run_dry(world, until=TODAY, force=True)
    assert figures(answer) == {"seen": 3, "would_change": 1, "reported": 1, "held": 1}
    assert answer["reasons"] == {"held": {"filed_transaction_changed": 1}}
    await start(world, until=TODAY, force=True)
    await world.settle()
    assert world.taxjar.orders["USMF-OPEN"].line_items[0].product_tax_code == "40030"
    assert (await world.record("CLOSED")).reason == "filed_transaction_changed"


async def test_by_force_it_counts_what_is_older_than_the_start(world: World) -> None:
    world.posting.invoice(invoice("OLD", date(2025, 12, 31)))
    since = date(2025, 12, 1)
    assert figures(await run_dry(world, since)) == {"seen": 1, "skipped": 1}
    assert figures(await run_dry(world, since, force=True)) == {"seen": 1, "would_send": 1}


async def test_two_documents_of_one_number_would_both_be_sent(world: World) -> None:
    world.posting.invoice(invoice("INV-1", voucher="V-1"))
    world.posting.invoice(invoice("INV-1", SPRING + timedelta(days=1), voucher="V-2"))
    answer = await run_dry(world)
    assert figures(answer) == {"seen": 2, "would_send": 2}
    assert answer["taxjar_transactions"] == 2
    await start(world)
    await world.settle()
    assert len(world.taxjar.orders) == 2


async def test_a_document_of_two_states_counts_in_both(world: World) -> None:
    lines = [
        LineSpec(price=100),
        LineSpec(price=50, ship_to=AddressSpec("1 Market St", "San Francisco", "CA", "94105")),
    ]
    world.posting.invoice(invoice("INV-1", lines=lines))
    answer = await run_dry(world)
    assert figures(answer) == {"seen": 1, "would_send": 1}
    assert answer["taxjar_transactions"] == 2
    assert {state: (total["documents"], total["amount"]) for state, total in answer["totals"].items()} == {
        "CA": (1, "50.00"),
        "TX": (1, "100.00"),
    }


async def test_a_dismissed_change_would_be_kept_in_a_closed_period_and_sent_in_one_that_is_open_again(
    world: World,
) -> None:
    await filing.held_change(world, "order", "closed by person")
    await filing.decided(world, "USMF-INV-1", "dismiss")
    forced: dict[str, Any] = {"since": TODAY - timedelta(days=7), "until": TODAY, "force": True}
    assert figures(await run_dry(world, **forced)) == {"seen": 1, "reported": 1}
    await filing.close(world, "TX", TODAY - timedelta(days=7), reopen=True)
    assert figures(await run_dry(world, **forced)) == {"seen": 1, "would_change": 1}
    await start(world, **forced)
    await world.settle()
    assert world.taxjar.orders["USMF-INV-1"].shipping == Decimal("17.00")


async def test_a_dismissed_withdrawal_would_be_kept(world: World) -> None:
    world.posting.invoice(invoice("INV-1", TODAY, tax_rate=Decimal(0)))
    await world.run()
    in_euros(world)
    assert figures(await run_dry(world, until=TODAY, force=True)) == {"seen": 1, "held": 1}
    await filing.decided(world, "USMF-INV-1", "retry")
    await filing.decided(world, "USMF-INV-1", "dismiss")
    assert figures(await run_dry(world, until=TODAY, force=True)) == {"seen": 1, "reported": 1}
    job = await start(world, until=TODAY, force=True)
    await world.settle()
    assert figures(await show(world, job)) == {"seen": 1, "reported": 1}


async def test_what_dynamics_shows_again_would_be_sent(world: World) -> None:
    world.posting.invoice(invoice("INV-1", TODAY))
    await world.poll()
    store = world.simulation.dynamics.store
    [row] = store.rows("SalesInvoiceHeadersV2")
    store.remove("SalesInvoiceHeadersV2", row)
    await world.settle()
    assert (await world.record("INV-1")).reason == "not_found_in_dynamics"
    assert figures(await run_dry(world, until=TODAY)) == {"seen": 1, "held": 1}
    store.add("SalesInvoiceHeadersV2", row)
    assert figures(await run_dry(world, until=TODAY)) == {"seen": 1, "would_send": 1}
    job = await start(world, until=TODAY)
    await world.settle()
    assert figures(await show(world, job)) == {"seen": 1, "reported": 1}


async def test_what_stood_in_for_a_document_would_give_way_to_it(world: World) -> None:
    elsewhere = Posting(DynamicsSimulator("", lambda _: None, clock=world.clock, default_company="usmf"), "usmf")
    await world.deliver(posted_event(elsewhere.invoice(invoice("INV-1", TODAY)), 1, world.clock()))
    await world.settle()
    assert (await world.record("INV-1")).reason == "not_found_in_dynamics"
    world.posting.invoice(invoice("INV-1", TODAY))
    told = await run_dry(world, until=TODAY)
    assert figures(told) == {"seen": 2, "would_send": 1, "skipped": 1}
    job = await start(world, until=TODAY)
    await world.settle()
    done = await show(world, job)
    assert (figures(done), done["reasons"]) == ({"seen": 2, "reported": 1, "skipped": 1}, told["reasons"])


async def test_the_run_that_follows_does_what_was_told(azurite: str) -> None:
    def retail(posting: Posting) -> Posting:
        return open_retail_company(posting.simulator, posting.company)

    async with running_world(azurite, CERTIFICATES, settings=RETAIL_SETTINGS, furnish=retail) as world:
        for case in CASES.values():
            case.post(world.posting, SPRING)
        told = await run_dry(world)
        assert world.taxjar.transactions == {}
        job = await start(world)
        await world.settle()
        done = await show(world, job)
        assert told["would_send"] == done["reported"]
        assert told["taxjar_transactions"] == len(world.taxjar.transactions)
        assert {name: told[name] for name in ("seen", "skipped", "held", "reasons")} == {
            name: done[name] for name in ("seen", "skipped", "held", "reasons")
        }


async def test_a_message_that_comes_twice_counts_once(world: World) -> None:
    world.posting.invoice(invoice("INV-1"))
    job = await start(world, dry_run=True)
    await world.work_on_one()
    [message] = [body for _, _, body in world.history.waiting if b"keys" in _decoded(body)]
    world.history.waiting.append((world.clock(), -1, message))
    await world.settle()
    assert figures(await show(world, job)) == {"seen": 1, "would_send": 1}


async def test_trouble_with_dynamics_delays_it(world: World) -> None:
    world.posting.invoice(invoice("INV-1"))
    job = await start(world, dry_run=True)
    await world.work_on_one()
    world.simulation.dynamics.faults.add(Fault(status=429, retry_after=60, times=1))
    before = world.clock()
    await world.settle()
    assert figures(await show(world, job)) == {"seen": 1, "would_send": 1}
    assert world.clock() >= before + timedelta(seconds=60)


async def test_documents_of_a_poisoned_message_count_as_failed(world: World) -> None:
    world.posting.invoice(invoice("INV-1"))
    job = await start(world, dry_run=True)
    await world.work_on_one()
    message = _only_dry_run_message(world, job)
    world.history.waiting[:] = [entry for entry in world.history.waiting if b"keys" not in _decoded(entry[2])]
    actor = Actor(function="bury_poisoned_backfill", by="queue")
    await bury.bury_poisoned(world.connector, encode(message).encode(), "message-1", actor)
    await world.settle()
    answer = await show(world, job)
    assert (answer["state"], figures(answer)) == ("finished", {"seen": 1, "failed": 1})
    assert await world.records() == []


def in_euros(world: World) -> None:
    """Every document is in another currency by now."""
    for name in world.simulation.dynamics.store.visible_sets():
        for row in world.simulation.dynamics.rows(name):
            if "CurrencyCode" in row:
                row["CurrencyCode"] = "EUR"


def _decoded(body: bytes) -> bytes:
    return base64.b64decode(body)


def _only_dry_run_message(world: World, job: str) -> DryRunMessage:
    [key] = [
        DryRunMessage.model_validate_json(_decoded(body)).document_keys()[0]
        for _, _, body in world.history.waiting
        if b"keys" in _decoded(body)
    ]
    [message] = dry_run_messages("main", job, "usmf", [key])
    return message
