"""Try everything that a connection needs, one line for each, with what to do about what does not work (design 3.1).

What is paused because of a 429 is left alone. A pause because of refused access ends when the call goes through.
Without storage no pause is known, and the remote sides are tried all the same.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Collection, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from azure.core.exceptions import AzureError

from shared.connector import Company, Connection, Connector, TaxJarAccount
from shared.dynamics.checks import REQUIRED, entity_sets
from shared.dynamics.entities import CUSTOMER_ADDRESSES, Entity
from shared.dynamics.errors import CredentialMissing, DynamicsError, Throttled
from shared.dynamics.project_entities import PROJECT_SETS
from shared.flows.finding.overdue import resume
from shared.flows.work.fence import Fenced, check_fence
from shared.key_vault import REMEDY
from shared.ledger.audit import Actor, AuditEntry
from shared.ledger.keys import partition
from shared.queues import BACKFILL_QUEUE, DOCUMENTS_QUEUE, DocumentQueue
from shared.remote.gate import Gate
from shared.remote.pauses import Pause, Paused
from shared.taxjar import errors as taxjar

logger = logging.getLogger(__name__)

_CREDENTIAL = "Correct TENANT_ID, CLIENT_ID and the credential of this connection, or renew the expired secret."
_ENVIRONMENT = "Put right what the message says, then ping again."
_WAIT = "Wait; the connector goes on by itself."
_REFINES = "Documents are reported without it as long as it was never readable, from what the other sets say."
_PROJECTS = "Project invoices cannot be reported without it: publish it, or switch PROJECT_INVOICES off."
_CARRIES = "No document can be reported without it."
_ACCOUNT = "Correct TAXJAR__TOKEN, and check in TaxJar that the plan includes the API."
_VERSION = "Set TAXJAR__API_VERSION to a version that TaxJar serves."
_PROJECT_SETS = {entity.name for entity in PROJECT_SETS}
_STORAGE = (
    "Check AzureWebJobsStorage; with an identity, its roles Storage Queue Data Contributor and"
    " Storage Table Data Contributor."
)
_Answer = TypeVar("_Answer")
PATIENCE = 10.0
"""Seconds for each answer of the storage account; its SDK alone would try for a minute and a half."""
_NO_STORAGE = (AzureError, TimeoutError)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must work. ``hint`` says what to do when it does not."""

    name: str
    ok: bool
    message: str
    hint: str = ""


async def ping_connection(connector: Connector, name: str, by: str) -> dict[str, Any]:
    """``{"ok", "checks"}`` of the connection. Raises ``NotFound`` for one that the settings do not have."""
    connection = connector.connection(name)
    *queues, tables = await _storage(connector, connection, by)
    refused = await _refused(connection) if tables.ok else set()
    checks = [check async for check in _dynamics(connection, pauses_known=tables.ok)]
    for name, account in _accounts(connection):
        checks.append(await _taxjar(connector, name, account, pauses_known=tables.ok))
    if refused:
        await _resume(connector, connection, refused - await _refused(connection))
    if tables.ok:
        checks += [await _fence(connector, connection, company, by) for company in connection.companies.values()]
    checks += [*queues, tables]
    return {"ok": all(check.ok for check in checks), "checks": [asdict(check) for check in checks]}


async def _refused(connection: Connection) -> set[str]:
    """The companies that wait because their environment or TaxJar account refused access."""
    environment = await _is_refused(connection.gate)
    return {
        company.id
        for company in connection.companies.values()
        if environment or await _is_refused(company.account.gate)
    }


async def _is_refused(gate: Gate) -> bool:
    try:
        pause = await _soon(gate.pause(fresh=True))
    except _NO_STORAGE:
        return False
    return pause is not None and pause.denied


async def _resume(connector: Connector, connection: Connection, companies: Collection[str]) -> None:
    """What waited for the end of a pause is enqueued at once; where that fails, its messages come back later."""
    try:
        await resume(connector, connection, companies)
    except AzureError as error:
        logger.warning("%s: what waits could not be enqueued: %s", connection.name, type(error).__name__)


async def _fence(connector: Connector, connection: Connection, company: Company, by: str) -> Check:
    """Whether the ledger of a company belongs to this environment and account."""
    name = f"ledger of {company.id}"
    try:
        await check_fence(connector, connection, company, Actor(function="ping_connection", by=by), anew=True)
    except Fenced as fenced:
        return Check(name, False, str(fenced), "Correct the setting, or confirm the move (confirm_move).")
    except (taxjar.TaxJarError, Paused) as trouble:
        return Check(name, True, f"Not checked: {trouble}")
    return Check(name, True, "It belongs to this environment and this TaxJar account.")


async def _dynamics(connection: Connection, *, pauses_known: bool) -> AsyncIterator[Check]:
    """Sign-in, environment, entity sets, companies. After a refusal the rest cannot be tried and is left out."""
    url = connection.settings.dynamics.url
    try:
        await connection.checks.sign_in()
    except CredentialMissing as error:
        yield Check("sign-in", False, str(error), REMEDY)
        return
    except DynamicsError as error:
        yield Check("sign-in", False, str(error), _CREDENTIAL)
        return
    yield Check("sign-in", True, f"Entra ID gives tokens for {url}.")
    try:
        if pauses_known and (pause := await _pause_of(connection.gate)):
            yield _paused("environment", pause, _ENVIRONMENT)
            return
        for entity in _sets_in_use(connection):
            problem = await connection.checks.set_problem(entity)
            hint = _CARRIES if entity.name in REQUIRED else _PROJECTS if entity.name in _PROJECT_SETS else _REFINES
            yield _verdict(f"entity set {entity.name}", problem, "The app's user may read it.", hint)
        for company in connection.companies:
            problem = await connection.checks.company_problem(company, anew=True)
            hint = "Correct the company id, or what the app's user may see."
            yield _verdict(f"company {company}", problem, "F&O shows documents or customers of it.", hint)
    except Throttled as error:
        yield await _throttled("environment", connection.gate, error)
    except DynamicsError as error:
        yield Check("environment", False, str(error), _ENVIRONMENT)


def _sets_in_use(connection: Connection) -> list[Entity]:
    """The sets that are read with these settings."""
    companies = [company.settings for company in connection.companies.values()]
    unused: set[str] = set()
    if not any(company.exempt_regions_from_addresses for company in companies):
        unused.add(CUSTOMER_ADDRESSES.name)
    if not any(company.project_invoices for company in companies):
        unused.update(entity.name for entity in PROJECT_SETS)
    return [entity for entity in entity_sets() if entity.name not in unused]


def _accounts(connection: Connection) -> Iterator[tuple[str, TaxJarAccount]]:
    """Each company's account, and the connection's own where no company reports to it: live calls use it."""
    for company in connection.companies.values():
        yield f"TaxJar account of {company.id}", company.account
    if connection.account and all(company.settings.taxjar.token for company in connection.companies.values()):
        yield "TaxJar account of the connection", connection.account


async def _taxjar(connector: Connector, name: str, account: TaxJarAccount, *, pauses_known: bool) -> Check:
    """The account's token, and whether TaxJar applies the API version that is asked for."""
    if account.client.missing:
        return Check(name, False, account.client.missing, REMEDY)
    try:
        if pauses_known and (pause := await _pause_of(account.gate)):
            return _paused(name, pause, _ACCOUNT)
        answer = await account.unguarded.try_token(connector.clock().date())
    except taxjar.Throttled as error:
        return await _throttled(name, account.gate, error)
    except taxjar.AccessDenied as error:
        return Check(name, False, str(error), _ACCOUNT)
    except taxjar.TaxJarError as error:
        return Check(name, False, str(error), "Try again later.")
    asked, echo = account.client.api_version, answer.api_version_echo
    if echo and echo != asked:
        return Check(name, False, f"The token is good, but TaxJar applies version {echo}, not {asked}.", _VERSION)
    return Check(name, True, f"The token is good{f', version {echo} applies' if echo else ''}.")


async def _storage(connector: Connector, connection: Connection, by: str) -> tuple[Check, ...]:
    """Queues and then tables, asked at once: they are silent together."""
    with suppress(*_NO_STORAGE):
        await _soon(connector.storage.prepare())
    return await asyncio.gather(
        _queue(DOCUMENTS_QUEUE, connector.documents_queue),
        _queue(BACKFILL_QUEUE, connector.backfill_queue),
        _tables(connector, connection, by),
    )


async def _queue(name: str, queue: DocumentQueue) -> Check:
    try:
        return Check(f"queue {name}", True, f"About {await _soon(queue.length())} messages.")
    except _NO_STORAGE as error:
        return Check(f"queue {name}", False, _trouble(error), _STORAGE)


async def _tables(connector: Connector, connection: Connection, by: str) -> Check:
    """Table Storage, by writing down who pinged."""
    entry = AuditEntry(
        at=connector.clock(),
        actor=Actor(function="ping_connection", by=by),
        subject=f"connection {connection.name}",
        decision="ping",
    )
    try:
        await _soon(connector.subjects.write(partition("connector", "pings"), "ping", connection.name, entry))
    except _NO_STORAGE as error:
        return Check("tables", False, _trouble(error), _STORAGE)
    return Check("tables", True, "The ledger can be read and written.")


async def _soon(answer: Awaitable[_Answer]) -> _Answer:
    async with asyncio.timeout(PATIENCE):
        return await answer


def _trouble(error: Exception) -> str:
    return f"No answer within {PATIENCE:.0f} s." if isinstance(error, TimeoutError) else type(error).__name__


async def _pause_of(gate: Gate) -> Pause | None:
    """The pause of one side, after a probe if it is one that a probe can end; ``None`` when it cannot be read."""
    try:
        pause = await _soon(gate.pause(fresh=True))
        return None if pause and pause.denied and await gate.probe() else pause
    except _NO_STORAGE:
        return None


async def _throttled(name: str, gate: Gate, error: Throttled | taxjar.Throttled) -> Check:
    """What the 429 has paused, if that is known."""
    with suppress(*_NO_STORAGE):
        if pause := await _soon(gate.pause()):
            return _paused(name, pause, _WAIT)
    return Check(name, False, str(error), _WAIT)


def _verdict(name: str, problem: str, good: str, hint: str) -> Check:
    return Check(name, not problem, problem or good, hint if problem else "")


def _paused(name: str, pause: Pause, hint: str) -> Check:
    if pause.denied:
        return Check(name, False, f"Paused: {pause.message}", hint)
    return Check(name, False, f"Paused until {pause.until.isoformat(timespec='seconds')}: {pause.message}.", _WAIT)
