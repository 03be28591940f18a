"""Triggers of the function app: bind, call one flow, answer."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import azure.functions as func

from shared.api.console import console_file
from shared.api.description import ALL_ROUTES
from shared.api.route import AnyRoute, Request
from shared.api.serve import Api
from shared.backfill_messages import parse_backfill_message
from shared.bootstrap import build_connector
from shared.connector import Connector
from shared.flows.audit import sealing
from shared.flows.backfill import steps
from shared.flows.customers import sync
from shared.flows.finding import poll
from shared.flows.live import nexus
from shared.flows.operations import bury, nightly
from shared.flows.reporting import message as reporting
from shared.flows.work.problems import problem_of
from shared.ledger.audit import Actor
from shared.people.door import Door, platform_signs_in
from shared.queues import BACKFILL_QUEUE, DOCUMENTS_QUEUE, POISON_SUFFIX, parse_message
from shared.settings import load_settings
from shared.settings_checks import SettingsError
from shared.telemetry_export import start_export
from shared.web import Answer, Problem

STORAGE = "AzureWebJobsStorage"
CONSOLE = Path(__file__).parent / "console"
PEOPLE_METHODS = ("GET", "POST", "PUT", "DELETE")

start_export()
wrong_settings: list[str] = []
"""A line for each mistake, as the local host prints them."""
try:
    _settings = load_settings()
except SettingsError as error:
    wrong_settings = error.lines


class _App(func.FunctionApp):
    """All the functions; with wrong settings ``health`` alone, which says what is wrong (design 3.2)."""

    def get_functions(self) -> list[Any]:
        functions = super().get_functions()
        if wrong_settings:
            logging.error("The settings are wrong:\n%s", "\n".join(wrong_settings))
        return [one for one in functions if not wrong_settings or one.get_function_name() == "health"]


app = _App(http_auth_level=func.AuthLevel.FUNCTION)
_building = asyncio.Lock()
_built: list[Connector] = []


async def connector(*, even_without_storage: bool = False) -> Connector:
    """The object graph, built by the first function that runs; its table and queues are there unless said otherwise."""
    async with _building:
        if not _built:
            _built.append(await build_connector(_settings, even_without_storage=True))
            # Modules and connector live as long as the process: no collection of garbage has to go through them.
            gc.freeze()
    if not even_without_storage:
        await _built[0].storage.prepare()
    return _built[0]


def schedule(setting: str, default: str) -> str:
    """The timer schedule of ``setting``; the host resolves ``%NAME%`` and fails on a name that is not set."""
    given = {name.upper() for name, value in os.environ.items() if value}
    return f"%{setting}%" if setting in given else default


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
    """Compare F&O with TaxJar over the long window, enqueue what is missing, and tell people how it stands."""
    await nightly.reconcile_and_tell(await connector(), by="schedule")


@app.queue_trigger("message", DOCUMENTS_QUEUE, STORAGE)
async def report_documents(message: func.QueueMessage) -> None:
    """Report the documents that a message names."""
    graph = await connector()
    actor = Actor(function="report_documents", by="queue")
    await reporting.report_documents(graph, parse_message(message.get_body()), actor, queue=graph.documents_queue)


@app.queue_trigger("message", BACKFILL_QUEUE, STORAGE)
async def report_backfill(message: func.QueueMessage) -> None:
    """Work on a backfill and its documents, so that history never delays today."""
    graph = await connector()
    actor = Actor(function="report_backfill", by="queue")
    work = parse_backfill_message(message.get_body())
    await steps.report_backfill(graph, work, actor, queue=graph.backfill_queue)


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
    await sync.sync_exempt_customers(await connector(), by="schedule")


@app.timer_trigger("timer", schedule("NEXUS_SCHEDULE", "0 45 3 * * *"), run_on_startup=False)
async def pull_nexus_regions(timer: func.TimerRequest) -> None:
    """Keep the regions in which the TaxJar accounts have nexus."""
    await nexus.pull_nexus_regions(await connector(), by="schedule")


@app.timer_trigger("timer", schedule("SEAL_SCHEDULE", "0 20 1 * * *"), run_on_startup=False)
async def seal_audit(timer: func.TimerRequest) -> None:
    """Seal the days of the audit that are over."""
    await sealing.seal_days(await connector(), by="schedule")


def respond(answer: Answer) -> func.HttpResponse:
    """An answer as the Functions SDK has it."""
    return func.HttpResponse(
        answer.text(), status_code=answer.status, headers=dict(answer.headers), mimetype=answer.content_type
    )


def as_request(req: func.HttpRequest) -> Request:
    """A request of the Functions SDK as the API has it."""
    headers = {name.lower(): value for name, value in req.headers.items()}
    return Request(req.method.upper(), req.url, headers, dict(req.params), req.get_body(), dict(req.route_params))


def answering(
    name: str, description: str, serve: Callable[[Request], Awaitable[Answer]]
) -> Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]:
    """The HTTP function ``name``: what ``serve`` answers, or the problem that it raises."""

    async def function(req: func.HttpRequest) -> func.HttpResponse:
        try:
            if wrong_settings:
                raise Problem(503, "wrong_settings", "\n".join(wrong_settings))
            return respond(await serve(as_request(req)))
        except Exception as failure:
            return respond(problem_of(failure, name).answer())

    function.__name__ = function.__qualname__ = name
    function.__doc__ = description
    return function


def publish(name: str, path: str, methods: Sequence[str], level: func.AuthLevel, function: Callable[..., Any]) -> None:
    """Make ``function`` answer ``methods`` at ``path`` below ``/api/``."""
    routed = app.route(path, methods=list(methods), auth_level=level)(function)
    app.function_name(name)(routed)


async def serve_people(request: Request) -> Answer:
    """The same routes for people who signed in; everybody else is refused."""
    return await api().serve_person(request.route.get("path", ""), request)


async def serve_console(request: Request) -> Answer:
    """The operator's page: static files only."""
    return console_file(CONSOLE, request.route.get("file", ""), request.headers)


def api() -> Api:
    """The API on the present object graph."""
    return Api(ALL_ROUTES, Door(_settings.people, platform_signs_in()), connector)


def keyed(route: AnyRoute) -> Callable[[Request], Awaitable[Answer]]:
    """How the function of ``route`` serves."""

    async def serve(request: Request) -> Answer:
        return await api().serve(route, request)

    return serve


for _route in ALL_ROUTES:
    _level = func.AuthLevel.FUNCTION if _route.needs_key else func.AuthLevel.ANONYMOUS
    _function = answering(_route.name, _route.summary, keyed(_route))
    publish(_route.name, _route.path, _route.methods, _level, _function)
for _name, _path, _methods, _serve in (
    ("people", "people/{*path}", PEOPLE_METHODS, serve_people),
    ("console", "console/{file?}", ("GET",), serve_console),
):
    _function = answering(_name, _serve.__doc__ or "", _serve)
    publish(_name, _path, _methods, func.AuthLevel.ANONYMOUS, _function)
