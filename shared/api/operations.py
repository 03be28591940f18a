"""Handlers about the connector itself, its two sides, and what comes in from F&O."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from shared.api.route import Anything, Call, Nothing
from shared.flows.audit import export
from shared.flows.finding import receive
from shared.flows.live import nexus, rates, taxes
from shared.flows.operations import ping
from shared.flows.review.decide import Why
from shared.flows.work import fence as fences
from shared.flows.work import moves
from shared.flows.work.problems import trouble_as_problem
from shared.flows.work.run import Run
from shared.ledger.audit import Actor
from shared.taxjar.taxes import TaxRequest
from shared.version import VERSION
from shared.web import Answer, Problem, read_query


class PlaceQuery(BaseModel):
    """The query of ``look_up_rate``; what it says is checked together with the ZIP code of the path."""

    model_config = ConfigDict(extra="allow", frozen=True)

    company: str = ""
    country: str = "US"
    state: str | None = None
    city: str | None = None
    street: str | None = None


_HANDSHAKE_ORIGIN = "webhook-request-origin"


async def receive_business_event(call: Call[Anything, Anything]) -> Answer:
    """Note which documents business events name."""
    if call.request.method == "OPTIONS":
        return _handshake(call)
    return await receive.receive_business_event(call.connector, call.connection, call.request.body)


def _handshake(call: Call[Anything, Anything]) -> Answer:
    """CloudEvents' validation of a web hook: whoever asks may send events, as fast as they come."""
    call.connector.connection(call.connection)
    origin = call.request.headers.get(_HANDSHAKE_ORIGIN, "")
    headers = {"Allow": "POST, OPTIONS"}
    if origin:
        headers |= {"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*"}
    return Answer(headers=headers, body={})


async def list_nexus_regions(call: Call[nexus.NexusQuery, Nothing]) -> Answer:
    """The regions as pulled last, as JSON or CSV."""
    return await nexus.list_nexus_regions(call.connector, call.connection, call.query)


async def calculate_tax(call: Call[taxes.TaxQuery, TaxRequest]) -> Answer:
    """TaxJar's tax for a sale; nothing is stored."""
    return Answer(body=await taxes.calculate_tax(call.connector, call.connection, call.body, call.query))


async def look_up_rate(call: Call[PlaceQuery, Nothing]) -> Answer:
    """The sales tax rates of a place, at most a day old while TaxJar answers."""
    query = read_query({**call.request.query, "zip": call.request.route["zip"]}, rates.RateQuery)
    return Answer(body=await rates.look_up_rate(call.connector, call.connection, query))


async def ping_connection(call: Call[Nothing, Anything]) -> Answer:
    """Whether everything that a connection needs works."""
    return Answer(body=await ping.ping_connection(call.connector, call.connection, call.caller.name))


async def health(call: Call[Anything, Anything]) -> Answer:
    """Whether the app is alive, and its version."""
    if wrong := await fences.second_deployment(call.connector):
        raise Problem(503, "wrong_settings", "\n".join(wrong))
    return Answer(body={"status": "ok", "version": VERSION})


async def confirm_move(call: Call[Nothing, Why]) -> Answer:
    """A person confirms that a company is reported from this environment, to this account, from now on."""
    connection = call.connector.connection(call.connection)
    company = connection.company(call.company)
    actor = Actor(function="confirm_move", by=call.body.by)
    run = Run(call.connector, connection, company, actor, call.connector.documents_queue)
    async with trouble_as_problem(run):
        fence = await moves.confirm_move(call.connector, connection, company, actor, call.body.reason)
    return Answer(202, {"connection": connection.name, "company": company.id, "host": fence.host})


async def export_audit(call: Call[export.ExportQuery, Nothing]) -> Answer:
    """The audit with its journal and signed roots, as JSON lines in pages."""
    return await export.export_audit(call.connector, call.connection, call.company, call.query)
