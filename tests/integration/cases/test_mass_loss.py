"""Much is missing in TaxJar at once: another account, or somebody at work. Nothing is sent again without a person."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from local.simulation import CONNECTION
from shared.flows.reconciliation.jobs import reconcile_nightly
from shared.ledger.records import State
from tests.app import App, running_app
from tests.filing import sale
from tests.reconciling import lose_in_taxjar
from tests.world import COMPANY, TODAY, World

BY_PAT = {"by": "Pat", "reason": "deleted by mistake"}


@pytest.fixture
def app(world: World, azurite: str) -> Iterator[App]:
    with running_app(world, azurite) as running:
        yield running


async def reported(world: World, count: int, on: date = TODAY) -> None:
    for number in range(count):
        world.posting.invoice(sale(f"INV-{number}", on))
    await world.sweep()
    await world.settle()
    assert len(world.taxjar.orders) == count


def lose(world: World, count: int) -> None:
    for number in range(count):
        lose_in_taxjar(world, f"USMF-INV-{number}")


async def night(world: World) -> None:
    await reconcile_nightly(world.connector, by="timer")
    await world.settle()


async def waiting(app: App) -> Any:
    status = (await app.call("show_status"))[1]
    return status["connections"][0]["companies"][0]["missing_in_taxjar"], [
        step["text"] for step in status["next_steps"] if "no longer has" in step["text"]
    ]


async def decisions(world: World) -> list[tuple[str, str]]:
    audit = await world.connector.subjects.audit(f"{CONNECTION}|{COMPANY}", "reconciliation", "missing_in_taxjar")
    assert audit[1]
    return [(entry["decision"], entry["by"]) for entry in audit[0]]


@pytest.mark.parametrize(("lost", "of"), [(21, 30), (6, 60)], ids=["more than 20", "more than 5 %"])
async def test_so_much_that_is_missing_is_told_once_and_not_sent_again(
    world: World, app: App, caplog: pytest.LogCaptureFixture, lost: int, of: int
) -> None:
    await reported(world, of)
    lose(world, lost)
    for _ in range(3):
        world.clock.advance(days=1)
        await night(world)
    assert len(world.taxjar.orders) == of - lost
    assert {record.state for record in await world.records()} == {State.REPORTED}
    told = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [f"no longer has {lost} of {of}" in record.getMessage() for record in told] == [True]
    assert await decisions(world) == [("not_sent_again", "timer")]
    loss, steps = await waiting(app)
    assert (loss["documents"], loss["of"], loss["since"][:10]) == (lost, of, "2026-11-21")
    assert len(steps) == 1


async def test_few_that_are_missing_are_sent_again_by_themselves(world: World, app: App) -> None:
    await reported(world, 60)
    lose(world, 3)
    await night(world)
    assert len(world.taxjar.orders) == 60
    assert await waiting(app) == (None, [])


async def test_one_decision_sends_everything_again(world: World, app: App) -> None:
    await reported(world, 25)
    lose(world, 22)
    await night(world)
    status, answer = await app.call("reconcile", {}, query={"confirm": "true"})
    assert (status, len(world.taxjar.orders)) == (400, 3)
    status, answer = await app.call("reconcile", BY_PAT, query={"confirm": "true"})
    assert (status, answer["enqueued"], answer["not_sent_again"]) == (200, 22, 0)
    await world.settle()
    assert len(world.taxjar.orders) == 25
    assert await decisions(world) == [("not_sent_again", "timer"), ("sent_again", "Pat")]
    assert await waiting(app) == (None, [])


async def test_what_lay_in_a_closed_period_is_held_one_by_one_after_the_decision(world: World, app: App) -> None:
    await reported(world, 22, date(2026, 10, 28))
    lose(world, 22)
    await night(world)
    assert {record.state for record in await world.records()} == {State.REPORTED}
    await app.call("reconcile", BY_PAT, query={"confirm": "true"})
    await world.settle()
    assert {(record.state, record.reason) for record in await world.records()} == {(State.HELD, "deleted_in_taxjar")}
    assert world.taxjar.orders == {}


async def test_what_is_there_again_by_itself_needs_no_decision(world: World, app: App) -> None:
    await reported(world, 25)
    kept = dict(world.taxjar.transactions)
    lose(world, 22)
    await night(world)
    world.taxjar.transactions.update(kept)
    posts = world.calls("POST")
    await night(world)
    assert world.calls("POST") == posts
    assert [decision for decision, _ in await decisions(world)] == ["not_sent_again", "found_again"]
    assert await waiting(app) == (None, [])
