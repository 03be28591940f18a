"""How the connector stands, and what a person should do next (design 3.1, ``show_status``)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict

from shared import key_vault
from shared.connector import Company, Connection, Connector
from shared.flows.operations.delays import delays
from shared.flows.operations.next_steps import next_steps
from shared.flows.operations.open_work import open_work_of
from shared.flows.operations.settings_shown import settings_shown
from shared.flows.reconciliation.losses import loss_of
from shared.flows.work.fence import refusal_of
from shared.flows.work.run import today_of
from shared.ledger.last_runs import LastRun
from shared.ledger.seals import SealState
from shared.queues import BACKFILL_QUEUE, DOCUMENTS_QUEUE
from shared.remote.gate import Gate
from shared.version import VERSION
from shared.web import instant

RUNS: Mapping[str, timedelta] = {
    "poll_posted_invoices": timedelta(hours=2),
    "sweep_posted_invoices": timedelta(days=2),
    "sync_exempt_customers": timedelta(hours=6),
    "pull_nexus_regions": timedelta(days=2),
    "reconcile_nightly": timedelta(days=2),
}
"""Each timer, and the age from which its last complete run is one too few."""
_BY_COMPANY = frozenset({"reconcile_nightly"})
_SEALED = timedelta(days=2)


class StatusQuery(BaseModel):
    """The query of ``show_status``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    detail: bool = False
    """Also the settings in force, and how long documents took."""


async def show_status(connector: Connector, query: StatusQuery | None = None) -> dict[str, Any]:
    """Connections, companies, runs, pauses, queues, open work, the audit's seals, and what to do next.

    It costs a few reads per connection and company and the rows of the open work.
    """
    query, now = query or StatusQuery(), connector.clock()
    found = list(connector.connections.values())
    connections, runs, seals, queues = await asyncio.gather(
        asyncio.gather(*(_connection(connector, each) for each in found)),
        asyncio.gather(*(_runs(connector, each, now) for each in found)),
        asyncio.gather(*(_seal_state(connector, each.name, company) for each in found for company in each.companies)),
        _queues(connector),
    )
    places = [(each.name, company) for each in found for company in each.companies]
    states = dict(zip(places, seals, strict=True))
    status: dict[str, Any] = {
        "checked_at": instant(now),
        "version": VERSION,
        "connections": [shown for shown, _ in connections],
        "runs": [*(run for some in runs for run in some), *_seal_runs(states, now)],
        "queues": queues,
        "audit": _audit(states, [broken for _, some in connections for broken in some]),
    }
    if query.detail:
        status["settings"] = settings_shown(connector)
        status["delays"] = await delays(connector)
    status["next_steps"] = next_steps(status, now)
    return status


async def _connection(connector: Connector, connection: Connection) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """The connection as shown, and its documents whose chain was found broken."""
    pauses, without, waited_for, *companies = await asyncio.gather(
        _pauses(connection, connector.clock()),
        connection.reader.sets_done_without(),
        connection.reader.sets_waited_for(),
        *(_company(connector, connection, company) for company in connection.companies.values()),
    )
    for company, _ in companies:
        for missed in company["read_without"]:
            if not missed["job"]:
                documents = f"documents of {company['id'].upper()} dated {missed['from']} to {missed['to']}"
                without.setdefault(missed["set"], f"{documents} were read without it")
    shown = {
        "name": connection.name,
        "dynamics_url": connection.settings.dynamics.url,
        "pauses": pauses,
        "sets_done_without": sorted(without),
        "sets_done_without_reasons": without,
        "sets_waited_for": waited_for,
        "unresolved_secrets": key_vault.unresolved(connection.name, connection.settings),
        "companies": [company for company, _ in companies],
    }
    broken = [
        {"connection": connection.name, "company": company["id"], "transaction_id": transaction_id}
        for company, some in companies
        for transaction_id in some
    ]
    return shown, broken


async def _company(
    connector: Connector, connection: Connection, company: Company
) -> tuple[dict[str, Any], tuple[str, ...]]:
    work, missed, fenced, loss = await asyncio.gather(
        open_work_of(connector, connection.name, company.id),
        connector.read_without.of_company(connection.name, company.id, anew=True),
        refusal_of(connector, connection, company),
        loss_of(connector, connection.name, company.id),
    )
    settings = company.settings
    shown = {
        "id": company.id,
        "today": today_of(connector, settings).isoformat(),
        "time_zone": settings.time_zone,
        "report_from": settings.report_from.isoformat(),
        "filing_lock_day": settings.filing_lock_day,
        "reporting": settings.reporting,
        "fenced": fenced or None,
        "missing_in_taxjar": loss.shown() if loss else None,
        "open_work": [group.shown() for group in work.groups],
        "read_without": [
            {
                "set": each.set,
                "from": each.since.isoformat(),
                "to": each.until.isoformat(),
                "job": each.job or None,
            }
            for _, each in sorted(missed.items())
        ],
    }
    return shown, work.broken


async def _pauses(connection: Connection, now: datetime) -> list[dict[str, Any]]:
    """The paused sides; an account of the connection's own token is that of no single company."""
    gates: dict[str, tuple[str, str | None, Gate]] = {"": ("dynamics", None, connection.gate)}
    if connection.account:
        gates[connection.account.gate.target] = ("taxjar", None, connection.account.gate)
    for company in connection.companies.values():
        gates.setdefault(company.account.gate.target, ("taxjar", company.id, company.account.gate))
    found = []
    for side, company_id, gate in gates.values():
        if pause := await gate.pause():
            found.append(
                {
                    "side": side,
                    "company": company_id,
                    "kind": "refused" if pause.denied else "throttled",
                    "until": instant(pause.until) if pause.until > now else None,
                    "reason": pause.message,
                }
            )
    return found


async def _queues(connector: Connector) -> list[dict[str, Any]]:
    found = []
    for name, queue in ((DOCUMENTS_QUEUE, connector.documents_queue), (BACKFILL_QUEUE, connector.backfill_queue)):
        length, oldest = await asyncio.gather(queue.length(), queue.oldest_due())
        found.append({"name": name, "messages": length, "oldest_at": instant(oldest)})
    return found


async def _runs(connector: Connector, connection: Connection, now: datetime) -> list[dict[str, Any]]:
    """The last complete run of each timer, also of those that never had one."""
    noted = {(run.function, run.company): run for run in await connector.last_runs.all_of(connection.name)}
    shown = []
    for function, longest in RUNS.items():
        for company in connection.companies if function in _BY_COMPANY else ("",):
            shown.append(_run(function, connection.name, company, noted.get((function, company)), longest, now))
    return shown


def _run(
    function: str, connection: str, company: str, last: LastRun | None, longest: timedelta, now: datetime
) -> dict[str, Any]:
    ok, message = True, None
    if last is None:
        ok, message = False, "No run has been complete yet."
    elif now - last.complete_at > longest:
        ok, message = False, f"The last complete run was at {instant(last.complete_at)}."
    return {
        "function": function,
        "connection": connection,
        "company": company or None,
        "finished_at": instant(last.complete_at) if last else None,
        "by": (last.by or None) if last else None,
        "ok": ok,
        "message": message,
    }


async def _seal_state(connector: Connector, connection: str, company: str) -> SealState:
    return await connector.seals.state(connection, company)


def _seal_runs(states: Mapping[tuple[str, str], SealState], now: datetime) -> list[dict[str, Any]]:
    found = []
    for (connection, company), state in states.items():
        message = state.trouble or None
        if not message and state.checked_at is None:
            message = "No run has been complete yet."
        elif not message and state.checked_at and now - state.checked_at > _SEALED:
            message = f"The last complete run was at {instant(state.checked_at)}."
        found.append(
            {
                "function": "seal_audit",
                "connection": connection,
                "company": company,
                "finished_at": instant(state.checked_at),
                "by": None,
                "ok": message is None,
                "message": message,
            }
        )
    return found


def _audit(states: Mapping[tuple[str, str], SealState], broken: Sequence[dict[str, str]]) -> dict[str, Any]:
    """Whether the audit is as it was written, as far as sealing and reading have found."""
    rows = [
        {"connection": connection, "company": company, "row": row}
        for (connection, company), state in states.items()
        for row in state.broken
    ]
    return {
        "intact": not rows and not broken,
        "last_root": _last_root(states),
        "broken": [*broken, *rows],
        "seals": [
            {
                "connection": connection,
                "company": company,
                "sealed_through": state.sealed_through.isoformat() if state.sealed_through else None,
                "checked_at": instant(state.checked_at),
                "trouble": state.trouble or None,
                "broken_count": state.broken_count,
            }
            for (connection, company), state in states.items()
        ],
    }


def _last_root(states: Mapping[tuple[str, str], SealState]) -> dict[str, str | None] | None:
    """The newest signed root; ``None`` where no day is sealed yet."""
    sealed = [(state.sealed_through, place) for place, state in states.items() if state.sealed_through and state.root]
    if not sealed:
        return None
    day, place = max(sealed)
    state = states[place]
    return {
        "connection": place[0],
        "company": place[1],
        "day": day.isoformat(),
        "root": state.root,
        "signed_at": instant(state.sealed_at) if isinstance(state.sealed_at, datetime) else state.sealed_at or None,
        "key": state.key,
    }
