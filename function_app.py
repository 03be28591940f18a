"""Triggers of the function app: bind, call one flow, answer."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from functools import wraps

import azure.functions as func

from shared.backfill_messages import parse_backfill_message
from shared.bootstrap import build_connector
from shared.connector import Connector
from shared.flows import (
    backfill,
    backfill_steps,
    bury,
    completeness,
    customers,
    decide,
    documents,
    filing_periods,
    nexus,
    ping,
    poll,
    rates,
    receive,
    reconciliation,
    report,
    taxes,
)
from shared.flows.trouble import problem_of
from shared.ledger.audit import Actor
from shared.queues import BACKFILL_QUEUE, DOCUMENTS_QUEUE, POISON_SUFFIX, parse_message
from shared.settings import load_settings
from shared.taxjar.taxes import TaxRequest
from shared.version import VERSION
from shared.web import Answer, check_size, read_json, read_query

STORAGE = "AzureWebJobsStorage"

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
_settings = load_settings()
_building = asyncio.Lock()
_built: list[Connector] = []


async def connector(*, even_without_storage: bool = False) -> Connector:
    """The object graph, built by the first function that runs; its table and queues are there unless said otherwise."""
    async with _building:
        if not _built:
            _built.append(await build_connector(_settings, even_without_storage=True))
    if not even_without_storage:
        await _built[0].storage.prepare()
    return _built[0]


def schedule(setting: str, default: str) -> str:
    """The timer schedule of ``setting``; the host resolves ``%NAME%`` and fails on a name that is not set."""
    given = {name.upper() for name, value in os.environ.items() if value}
    return f"%{setting}%" if setting in given else default


def answering(
    handler: Callable[[func.HttpRequest], Awaitable[Answer]],
) -> Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]:
    """Turn a handler's answer or problem into the response of the Functions SDK."""

    # Without the handler's annotations: Azure's worker loads no function that says it returns anything but a response.
    @wraps(handler, assigned=("__module__", "__name__", "__qualname__", "__doc__"))
    async def function(req: func.HttpRequest) -> func.HttpResponse:
        try:
            check_size(req.get_body())
            answer = await handler(req)
        except Exception as failure:
            answer = problem_of(failure, handler.__name__).answer()
        return func.HttpResponse(
            answer.text(), status_code=answer.status, headers=dict(answer.headers), mimetype=answer.content_type
        )

    return function


@app.timer_trigger("timer", schedule("POLL_SCHEDULE", "0 */5 * * * *"), run_on_startup=False)
async def poll_posted_invoices(timer: func.TimerRequest) -> None:
    """Find newly posted documents in the short window."""
    await poll.poll_posted_invoices(await connector(), by="schedule")


@app.timer_trigger("timer", schedule("SWEEP_SCHEDULE", "0 30 2 * * *"), run_on_startup=False)
async def sweep_posted_invoices(timer: func.TimerRequest) -> None:
    """Find back-dated postings and lost messages in the long window."""
    await poll.sweep_posted_invoices(await connector(), by="schedule")


@app.timer_trigger("timer", schedule("RECONCILE_SCHEDULE", "0 30 4 * * *"), run_on_startup=False)
async def reconcile_nightly(timer: func.TimerRequest) -> None:
    """Compare F&O with TaxJar over the long window, and enqueue what is missing."""
    await reconciliation.reconcile_nightly(await connector(), by="schedule")


@app.route("business-events/{connection}", methods=["POST"])
@answering
async def receive_business_event(req: func.HttpRequest) -> Answer:
    """Note which documents business events name."""
    graph = await connector(even_without_storage=True)
    return await receive.receive_business_event(graph, req.route_params["connection"], req.get_body())


@app.queue_trigger("message", DOCUMENTS_QUEUE, STORAGE)
async def report_documents(message: func.QueueMessage) -> None:
    """Report the documents that a message names."""
    graph = await connector()
    actor = Actor(function="report_documents", by="queue")
    await report.report_documents(graph, parse_message(message.get_body()), actor, queue=graph.documents_queue)


@app.queue_trigger("message", BACKFILL_QUEUE, STORAGE)
async def report_backfill(message: func.QueueMessage) -> None:
    """Work on a backfill and its documents, so that history never delays today."""
    graph = await connector()
    actor = Actor(function="report_backfill", by="queue")
    work = parse_backfill_message(message.get_body())
    await backfill_steps.report_backfill(graph, work, actor, queue=graph.backfill_queue)


@app.queue_trigger("message", DOCUMENTS_QUEUE + POISON_SUFFIX, STORAGE)
async def bury_poisoned(message: func.QueueMessage) -> None:
    """Mark the documents of a poisoned message as failed."""
    actor = Actor(function="bury_poisoned", by="queue")
    await bury.bury_poisoned(await connector(), message.get_body(), message.id or "", actor)


@app.queue_trigger("message", BACKFILL_QUEUE + POISON_SUFFIX, STORAGE)
async def bury_poisoned_backfill(message: func.QueueMessage) -> None:
    """Mark the documents of a poisoned backfill message as failed."""
    actor = Actor(function="bury_poisoned_backfill", by="queue")
    await bury.bury_poisoned(await connector(), message.get_body(), message.id or "", actor)


@app.timer_trigger("timer", schedule("CUSTOMER_SCHEDULE", "0 15 * * * *"), run_on_startup=False)
async def sync_exempt_customers(timer: func.TimerRequest) -> None:
    """Bring the exemptions of customers in TaxJar up to date."""
    await customers.sync_exempt_customers(await connector(), by="schedule")


@app.timer_trigger("timer", schedule("NEXUS_SCHEDULE", "0 45 3 * * *"), run_on_startup=False)
async def pull_nexus_regions(timer: func.TimerRequest) -> None:
    """Keep the regions in which the TaxJar accounts have nexus."""
    await nexus.pull_nexus_regions(await connector(), by="schedule")


@app.route("nexus/{connection}", methods=["GET"])
@answering
async def list_nexus_regions(req: func.HttpRequest) -> Answer:
    """The regions as pulled last, as JSON or CSV."""
    query = read_query(req.params, nexus.NexusQuery)
    return await nexus.list_nexus_regions(await connector(), req.route_params["connection"], query)


@app.route("taxes/{connection}", methods=["POST"])
@answering
async def calculate_tax(req: func.HttpRequest) -> Answer:
    """TaxJar's tax for a sale; nothing is stored."""
    query = read_query(req.params, taxes.TaxQuery)
    request = read_json(req.get_body(), TaxRequest)
    return Answer(body=await taxes.calculate_tax(await connector(), req.route_params["connection"], request, query))


@app.route("rates/{connection}/{zip}", methods=["GET"])
@answering
async def look_up_rate(req: func.HttpRequest) -> Answer:
    """The sales tax rates of a place, at most a day old while TaxJar answers."""
    query = read_query({**req.params, "zip": req.route_params["zip"]}, rates.RateQuery)
    return Answer(body=await rates.look_up_rate(await connector(), req.route_params["connection"], query))


@app.route("documents/{connection}/{company}", methods=["GET"])
@answering
async def list_documents(req: func.HttpRequest) -> Answer:
    """Documents by state, reason and invoice date, in pages."""
    query = read_query(req.params, documents.DocumentFilter)
    connection, company = req.route_params["connection"], req.route_params["company"]
    return Answer(body=await documents.list_documents(await connector(), connection, company, query))


@app.route("documents/{connection}/{company}/{transaction_id}", methods=["GET"])
@answering
async def show_document(req: func.HttpRequest) -> Answer:
    """One document with its payload and its whole audit."""
    connection, company = req.route_params["connection"], req.route_params["company"]
    transaction_id, chosen = req.route_params["transaction_id"], read_query(req.params, documents.Chosen)
    return Answer(body=await documents.show_document(await connector(), connection, company, transaction_id, chosen))


@app.route("documents/{connection}/{company}/{transaction_id}/{decision}", methods=["POST"])
@answering
async def decide_document(req: func.HttpRequest) -> Answer:
    """A person retries a document, or approves or dismisses what is proposed for it."""
    connection, company = req.route_params["connection"], req.route_params["company"]
    transaction_id, decision = req.route_params["transaction_id"], req.route_params["decision"]
    chosen, why = read_query(req.params, documents.Chosen), read_json(req.get_body(), decide.Why)
    graph = await connector()
    return Answer(202, await decide.decide_document(graph, connection, company, transaction_id, decision, why, chosen))


@app.route("documents/{connection}/{company}/retry", methods=["POST"])
@answering
async def retry_documents(req: func.HttpRequest) -> Answer:
    """Re-drive all documents of a state or reason."""
    connection, company = req.route_params["connection"], req.route_params["company"]
    where, redrive = read_query(req.params, decide.RedriveFilter), read_json(req.get_body(), decide.Redrive)
    return Answer(
        202, {"retried": await decide.retry_documents(await connector(), connection, company, where, redrive)}
    )


@app.route("filing-periods/{connection}/{company}/{state}", methods=["PUT"])
@answering
async def close_filing_period(req: func.HttpRequest) -> Answer:
    """A person says through which day a state has its return."""
    connection, company = req.route_params["connection"], req.route_params["company"]
    state, closing = req.route_params["state"], read_json(req.get_body(), filing_periods.Closing)
    return Answer(body=await filing_periods.close_filing_period(await connector(), connection, company, state, closing))


@app.route("filing-periods/{connection}/{company}", methods=["GET"])
@answering
async def list_filing_periods(req: func.HttpRequest) -> Answer:
    """What is closed for a company."""
    connection, company = req.route_params["connection"], req.route_params["company"]
    return Answer(body=await filing_periods.list_filing_periods(await connector(), connection, company))


@app.route("connections/{connection}/ping", methods=["POST"])
@answering
async def ping_connection(req: func.HttpRequest) -> Answer:
    """Whether everything that a connection needs works."""
    graph = await connector(even_without_storage=True)
    return Answer(body=await ping.ping_connection(graph, req.route_params["connection"], "function key"))


@app.route("backfills/{connection}", methods=["POST"])
@answering
async def start_backfill(req: func.HttpRequest) -> Answer:
    """Report, or try out, the documents of a company and a range of days."""
    request = read_json(req.get_body(), backfill.BackfillRequest)
    return Answer(202, await backfill.start_backfill(await connector(), req.route_params["connection"], request))


@app.route("backfills/{connection}/{job}", methods=["GET"])
@answering
async def show_backfill(req: func.HttpRequest) -> Answer:
    """How far a backfill is."""
    connection, job = req.route_params["connection"], req.route_params["job"]
    return Answer(body=await backfill.show_backfill(await connector(), connection, job))


@app.route("reconciliations/{connection}/{company}", methods=["GET", "POST"])
@answering
async def reconcile(req: func.HttpRequest) -> Answer:
    """Compare F&O with TaxJar; POST also enqueues what is missing."""
    query = read_query(req.params, reconciliation.ReconcileQuery)
    connection, company = req.route_params["connection"], req.route_params["company"]
    return await reconciliation.reconcile(await connector(), connection, company, query, heal=req.method == "POST")


@app.route("completeness/{connection}/{company}", methods=["GET"])
@answering
async def show_completeness(req: func.HttpRequest) -> Answer:
    """Whether every document of F&O is accounted for, in figures."""
    query = read_query(req.params, completeness.CompletenessQuery)
    connection, company = req.route_params["connection"], req.route_params["company"]
    return Answer(body=await completeness.show_completeness(await connector(), connection, company, query))


@app.route("health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@answering
async def health(req: func.HttpRequest) -> Answer:
    """Whether the app is alive, and its version."""
    return Answer(body={"status": "ok", "version": VERSION})
