"""Reconciliations as jobs: month by month on the queue, resumable, with a stored result (design 3.1, 4.7)."""

from __future__ import annotations

import csv
import zipfile
from datetime import date, timedelta
from decimal import Decimal
from io import BytesIO, StringIO
from typing import Any

import pytest

from local.simulation import Simulation
from local.simulators.dynamics.specs import AddressSpec
from local.simulators.faults import Fault
from shared.backfill_messages import ReconciliationStep, parse_backfill_message
from shared.connector import NotFound
from shared.flows.operations.bury import bury_poisoned
from shared.flows.operations.nightly import reconcile_and_tell
from shared.flows.reconciliation import jobs, long_ranges, steps
from shared.flows.reconciliation.completeness import CompletenessQuery, show_completeness
from shared.flows.reconciliation.result import ResultQuery, show_reconciliation
from shared.flows.work.jobs import Cancellation, JobsQuery
from shared.flows.work.problems import Conflict
from shared.ledger.audit import Actor
from shared.ledger.records import State
from shared.queues import encode
from shared.web import Answer
from tests.conftest import CERTIFICATES
from tests.reconciling import (
    ask,
    edit_in_taxjar,
    findings,
    invoice,
    lose_in_taxjar,
    plant,
    remove_from_dynamics,
    statuses,
    sweep,
)
from tests.workbooks import names, sheets_of
from tests.world import TODAY, Clock, World, connected, furnished

NEW_YORK = AddressSpec("350 5th Ave", "New York", "NY", "10118")
SINCE = date(2026, 8, 10)
RANGE: dict[str, Any] = {"from": SINCE.isoformat(), "to": TODAY.isoformat()}


async def start(world: World, **body: Any) -> str:
    request = jobs.ReconciliationRequest.model_validate({**RANGE, "by": "Pat", **body})
    return str((await jobs.start_reconciliation(world.connector, "main", world.company, request))["job"])


async def answer_of(world: World, job: str, **query: Any) -> Answer:
    asked = ResultQuery.model_validate(query)
    return await show_reconciliation(world.connector, "main", world.company, job, asked)


async def show(world: World, job: str, **query: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await answer_of(world, job, **query)).body
    return found


async def listed(world: World, **query: Any) -> dict[str, Any]:
    return await jobs.list_reconciliations(world.connector, "main", world.company, JobsQuery(**query))


async def compared(world: World, **body: Any) -> dict[str, Any]:
    job = await start(world, **body)
    await world.settle()
    return await show(world, job)


def post(world: World, count: int = 12) -> None:
    """An invoice every ten days, of two states, and what is skipped and held."""
    for number in range(count):
        day = TODAY - timedelta(days=10 * number)
        world.posting.invoice(invoice(f"INV-{number:02d}", day, **({"ship_to": NEW_YORK} if number % 3 == 0 else {})))
    world.posting.invoice(invoice("PROFORMA", TODAY, is_proforma=True, tax_rate=Decimal(0)))
    world.posting.invoice(invoice("=ASTRAY", TODAY, ship_to=AddressSpec("1 Main St", "Austin", "NY", "78704")))


@pytest.fixture
async def differing(world: World) -> World:
    post(world)
    await sweep(world)
    lose_in_taxjar(world, "USMF-INV-01")
    edit_in_taxjar(world, "USMF-INV-05", sales_tax=Decimal("1.00"))
    remove_from_dynamics(world, "INV-07")
    plant(world, "USMF-STRANGER")
    plant(world, "114-5551", provider="amazon")
    return world


async def test_a_job_finds_what_one_look_at_the_whole_range_finds(differing: World) -> None:
    at_once = await findings(differing, deep=True, **RANGE)
    shown = await compared(differing, deep=True)
    assert (shown["state"], shown["progress"]) == ("finished", {"done": 4, "total": 4, "now": None})
    for name in ("counts", "totals", "documents", "skipped_by_reason", "skipped"):
        assert shown[name] == at_once[name], name
    for name in ("late", "foreign", "untaxed_without_reason", "tax_without_nexus", "left_out"):
        assert shown[name]["documents"] == at_once[name], name
        assert shown[name]["count"] == len(at_once[name])
    assert statuses(shown)["USMF-INV-05"] == "tax_mismatch"


async def test_a_job_says_what_completeness_says_of_the_same_days(differing: World) -> None:
    asked = CompletenessQuery.model_validate(RANGE)
    whole = (await show_completeness(differing.connector, "main", differing.company, asked)).body
    for body in ({}, {"compare": False}):
        shown = await compared(differing, **body)
        for name in (
            "seen",
            "reported",
            "held",
            "dynamics",
            "accounted",
            "states",
            "by_reason",
            "days",
            "why",
            "table",
        ):
            assert shown["completeness"][name] == whole[name], name
        assert bool(shown["counts"]) is (body == {})


async def test_a_completeness_job_asks_taxjar_only_for_what_is_not_ours(differing: World) -> None:
    before = len(differing.simulation.taxjar.calls)
    shown = await compared(differing, compare=False)
    asked = [call.path for call in differing.simulation.taxjar.calls[before:] if "/orders/" in call.path]
    assert sorted(path.rpartition("/")[2] for path in asked) == ["114-5551", "USMF-STRANGER"]
    assert [row["amount"] for row in shown["foreign"]["documents"]] == ["100.00", "100.00"]


async def test_it_goes_month_by_month_and_tells_how_far_it_is(differing: World) -> None:
    job = await start(differing)
    seen = []
    while (shown := await show(differing, job))["state"] == "running":
        seen.append((shown["progress"]["done"], shown["progress"]["now"], sum(shown["counts"].values())))
        assert shown["finished_at"] is None
        await differing.work_on_one()
    assert seen == [
        (0, "2026-08", 0),
        (1, "2026-09", 2),
        (2, "2026-10", 5),
        (3, "2026-11", 9),
        (4, None, 12),
    ]


async def test_a_step_that_takes_long_ends_with_the_day(differing: World, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = await compared(differing)
    monkeypatch.setattr(steps, "_MANY", 1)
    job = await start(differing)
    taken = 0
    while (await show(differing, job))["state"] == "running":
        taken += await differing.work_on_one()
    shown = await show(differing, job)
    assert taken > 10
    for name in ("counts", "totals", "documents", "foreign", "late"):
        assert shown[name] == whole[name], name
    assert shown["completeness"]["table"] == whole["completeness"]["table"]


async def test_a_step_that_comes_twice_counts_once(differing: World) -> None:
    whole = await compared(differing)
    job = await start(differing)
    while await differing.work_on_one():
        again = await differing.connector.reconciliations.get("main", job)
        assert again
        if again.state == "running":
            await differing.history.send(jobs.step_of(again))
            await differing.work_on_one()
    await differing.settle()
    shown = await show(differing, job)
    for name in ("counts", "totals", "documents", "foreign", "late"):
        assert shown[name] == whole[name], name


async def test_it_goes_on_where_it_was_after_trouble(differing: World) -> None:
    whole = await compared(differing)
    job = await start(differing)
    await differing.work_on_one()
    differing.simulation.taxjar.faults.add(Fault(path="*/transactions/*", status=503, times=9))
    await differing.work_on_one()
    assert (await show(differing, job))["progress"]["done"] == 1
    await differing.settle()
    shown = await show(differing, job)
    assert (shown["state"], shown["counts"]) == ("finished", whole["counts"])


async def test_rows_are_chosen_and_come_in_pages(differing: World) -> None:
    job = (await compared(differing))["job"]
    first = await show(differing, job, limit=2)
    assert (len(first["documents"]), first["count"]) == (2, 3)
    assert first["next"] == f"/api/reconciliation-jobs/main/usmf/{job}?limit=2&after=2"
    second = await show(differing, job, limit=2, after=2)
    assert second["next"] is None
    assert "late" not in second
    ids = [row["transaction_id"] for row in (*first["documents"], *second["documents"])]
    assert ids == ["USMF-INV-07", "USMF-INV-01", "USMF--ASTRAY-e9de9a1b"]
    lost = await show(differing, job, status="missing_in_taxjar")
    assert ([row["transaction_id"] for row in lost["documents"]], lost["count"]) == (ids[1:], 2)
    late = await show(differing, job, status="late", to_state="NY", limit=1)
    assert ([row["number"] for row in late["documents"]], late["count"]) == (["INV-09"], 3)
    behind = await show(differing, job, status="late", to_state="NY", limit=1, after=2)
    assert [row["number"] for row in behind["documents"]] == ["INV-06"]
    held = await show(differing, job, status="held")
    assert [(row["number"], row["reason"]) for row in held["documents"]] == [("=ASTRAY", "zip_state_mismatch")]
    skipped = await show(differing, job, status="skipped")
    assert [(row["number"], row["reason"], row["dynamics"]["amount"]) for row in skipped["documents"]] == [
        ("PROFORMA", "proforma", "100.00")
    ]


async def test_the_csv_has_what_the_csv_of_one_look_has(differing: World) -> None:
    job = (await compared(differing))["job"]
    answer = await answer_of(differing, job, format="csv")
    assert (
        answer.headers["Content-Disposition"] == 'attachment; filename="reconciliation-usmf-2026-08-10-2026-11-20.csv"'
    )
    at_once = await ask(differing, format="csv", **RANGE)
    rows = list(csv.DictReader(StringIO(answer.body)))
    assert rows == list(csv.DictReader(StringIO(at_once.body)))
    assert {"missing_in_taxjar", "foreign", "late"} <= {row["status"] for row in rows}


async def test_the_workbook_has_sheets_for_an_accountant_and_no_formulas(differing: World) -> None:
    job = (await compared(differing, deep=True))["job"]
    answer = await answer_of(differing, job, format="xlsx")
    assert answer.content_type.endswith("spreadsheetml.sheet")
    book = sheets_of(answer.body)
    assert list(book)[:5] == ["By state", "Differences", "Held", "Late", "Skipped"]
    assert list(book)[-1] == "Evidence"
    assert [row["transaction id"] for row in book["Differences"]][:3] == ["USMF-INV-07", "USMF-INV-05", "USMF-INV-01"]
    assert [(row["number"], row["reason"], row["amount"]) for row in book["Held"]] == [
        ("=ASTRAY", "zip_state_mismatch", "100")
    ]
    assert [row["reason"] for row in book["Skipped"]] == ["proforma"]
    texas = next(row for row in book["By state"] if row["state"] == "TX")
    assert (texas["documents"], texas["difference sales tax"]) == ("7", "7.25")
    facts = {row["what"]: row.get("value", "") for row in book["Evidence"]}
    assert (facts["by"], facts["first day"], facts["ties to the cent"]) == ("Pat", "2026-08-10", "yes")
    assert b"<f>" not in b"".join(zipfile.ZipFile(BytesIO(answer.body)).read(name) for name in names(answer.body))


async def test_a_job_that_heals_sends_again_and_holds(differing: World) -> None:
    shown = await compared(differing, heal=True)
    assert (shown["enqueued"], shown["held"]) == (1, 1)
    assert "USMF-INV-01" in differing.taxjar.orders
    assert (await differing.record("INV-07")).reason == "missing_in_dynamics"


async def test_too_much_lost_over_all_months_is_sent_again_by_nobody_until_a_person_confirms(world: World) -> None:
    for number in range(24):
        world.posting.invoice(invoice(f"INV-{number:02d}", TODAY - timedelta(days=number)))
    await sweep(world)
    for transaction_id in list(world.taxjar.orders):
        lose_in_taxjar(world, transaction_id)
    shown = await compared(world, heal=True)
    assert (shown["not_sent_again"], shown["enqueued"], world.taxjar.orders) == (24, 0, {})
    assert "until a person confirms" in shown["message"]
    confirmed = await compared(world, heal=True, confirm=True, reason="deleted by mistake")
    assert (confirmed["not_sent_again"], confirmed["enqueued"]) == (0, 24)
    # Those of November; what a state may have received is held.
    assert len(world.taxjar.orders) == 20


async def test_a_cancelled_job_goes_no_further_and_what_it_found_stays(differing: World) -> None:
    job = await start(differing)
    await differing.work_on_one()
    stop = Cancellation(reason="wrong year", by="Ann")
    cancelled = await jobs.cancel_reconciliation(differing.connector, "main", differing.company, job, stop)
    assert (cancelled["state"], cancelled["message"]) == ("cancelled", "Cancelled, Ann: wrong year.")
    await differing.settle()
    shown = await show(differing, job)
    assert (shown["state"], shown["progress"]["done"], sum(shown["counts"].values())) == ("cancelled", 1, 2)
    with pytest.raises(Conflict, match="cancelled already"):
        await jobs.cancel_reconciliation(differing.connector, "main", differing.company, job, stop)


async def test_the_night_starts_one_job_per_company_and_it_is_listed(differing: World) -> None:
    await jobs.reconcile_nightly(differing.connector, by="schedule")
    await jobs.reconcile_nightly(differing.connector, by="schedule")
    assert await differing.history.length() == 1
    await differing.settle()
    [night] = (await listed(differing))["jobs"]
    assert (night["state"], night["by"], night["heal"], night["nightly"]) == ("finished", "schedule", True, True)
    assert night["counts"]["missing_in_taxjar"] == 2
    runs = await differing.connector.last_runs.all_of("main")
    assert [run.company for run in runs if run.function == "reconcile_nightly"] == [differing.company]
    assert len((await show(differing, night["job"]))["documents"]) == 2


async def test_a_step_that_got_lost_is_put_on_the_queue_again_by_the_next_night(differing: World) -> None:
    job = await start(differing)
    assert differing.history.take()
    differing.clock.advance(hours=12)
    await reconcile_and_tell(differing.connector, by="schedule")
    await differing.settle()
    assert (await show(differing, job))["state"] == "finished"


async def test_a_step_that_waits_for_f_and_o_is_not_taken_for_lost(differing: World) -> None:
    await start(differing)
    await differing.connector.connections["main"].gate.throttle(30 * 3600)
    await differing.work()
    differing.clock.advance(hours=12)
    await reconcile_and_tell(differing.connector, by="schedule")
    waiting = [parse_backfill_message(body) for _, _, body in differing.history.waiting]
    assert len([step for step in waiting if isinstance(step, ReconciliationStep)]) == 2, "this one and the night's"


async def test_companies_take_turns(azurite: str) -> None:
    with Simulation(CERTIFICATES, clock=(clock := Clock())) as simulation:
        begin = {"report_from": "2026-01-01"}
        connections: dict[str, Any] = {"main": simulation.settings({"usmf": begin, "usrt": begin})}
        # A limit would wait in real time.
        connections["main"]["taxjar"]["max_calls_per_minute"] = 10_000_000
        async with connected(azurite, simulation, clock, connections) as world:
            furnished(world.posting)
            for company in ("usmf", "usrt"):
                request = jobs.ReconciliationRequest.model_validate(RANGE)
                await jobs.start_reconciliation(world.connector, "main", company, request)
            clock.advance(seconds=1)
            done = []
            while await world.work_on_one():
                all_jobs = await world.connector.reconciliations.listing("main", clock(), limit=10)
                done.append(max((job.touched_at, job.company) for job in all_jobs)[1])
                clock.advance(seconds=1)
            assert done[:8] == ["usmf", "usrt"] * 4


async def test_other_providers_are_asked_about_once_per_month(differing: World) -> None:
    before = len(differing.simulation.taxjar.calls)
    await compared(differing)
    asked = [call for call in differing.simulation.taxjar.calls[before:] if "provider=ebay" in str(call.query)]
    assert len(asked) == 2 * 4


async def test_a_step_that_the_connector_fails_on_ends_its_job(differing: World) -> None:
    job = await start(differing)
    body = differing.history.take()
    assert body
    await bury_poisoned(differing.connector, body, "1", Actor(function="bury_poisoned_backfill", by="queue"))
    shown = await show(differing, job)
    assert (shown["state"], "again and again" in shown["message"]) == ("failed", True)


async def test_a_row_that_f_and_o_cannot_render_is_listed_and_its_document_is_not_gone(differing: World) -> None:
    store = differing.simulation.dynamics.store
    [row] = [row for row in store.rows("SalesInvoiceHeadersV2") if row["InvoiceNumber"] == "INV-03"]
    store.update("SalesInvoiceHeadersV2", row, {"TotalTaxAmount": None})
    shown = await compared(differing, heal=True)
    assert [(each["number"], each["transaction_id"]) for each in shown["unreadable"]["documents"]] == [
        ("INV-03", "USMF-INV-03")
    ]
    assert (await differing.record("INV-03")).state is State.REPORTED
    assert shown["completeness"]["dynamics"]["unreadable"] == 1
    assert "1 row of F&O cannot be read." in shown["completeness"]["why"]


async def test_a_range_that_nobody_can_wait_for_is_left_to_a_job(
    differing: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_ranges, "MANY", 5)
    for asked in (
        findings(differing, **RANGE),
        show_completeness(differing.connector, "main", differing.company, CompletenessQuery.model_validate(RANGE)),
    ):
        with pytest.raises(Conflict, match="POST /api/reconciliation-jobs/main/usmf") as refused:
            await asked
        assert refused.value.code == "too_long"
    october = await findings(differing, **RANGE | {"from": "2026-10-01", "to": "2026-10-31"})
    assert october["counts"]["reconciled"] == 4


async def test_a_job_belongs_to_its_company(differing: World) -> None:
    job = await start(differing)
    with pytest.raises(NotFound):
        await show_reconciliation(differing.connector, "main", "usrt", job, ResultQuery())
    with pytest.raises(NotFound, match="no reconciliation"):
        await show(differing, "none")


def test_a_message_of_a_step_fits_its_queue() -> None:
    step = ReconciliationStep(connection="main", reconciliation="20261120T150000-00000000", day=TODAY)
    assert len(encode(step)) < 400
