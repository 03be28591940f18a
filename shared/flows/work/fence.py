"""Nothing is sent from another F&O environment, or to another TaxJar account, than the ledger knows (design 4.2).

A new token is accepted by itself once a transaction that the ledger knows as reported is found with it under the same
account. Everything else waits until a person confirms the move (:mod:`shared.flows.work.moves`).
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

from azure.core.exceptions import AzureError

from shared.connector import Company, Connection, Connector
from shared.filing import FiledTransaction
from shared.ledger.audit import Actor, AuditEntry
from shared.ledger.fences import Fence
from shared.ledger.newest import newest_first
from shared.ledger.records import State
from shared.transactions import Kind

logger = logging.getLogger(__name__)

_SENDING, _READING = timedelta(minutes=1), timedelta(hours=1)
"""How long this process trusts what it has found, before it sends and before it only reads F&O."""
_TRIED = 5
"""How many reported transactions are looked for with a new token, besides the first one known."""
_AHEAD = timedelta(days=366)
"""Documents may be dated ahead of today."""
_PATIENCE = 2.0
"""Seconds that ``health`` waits for storage."""


class Fenced(Exception):
    """The ledger belongs to another environment or account; the sentence says what to do."""


async def check_fence(
    connector: Connector, connection: Connection, company: Company, actor: Actor, *, anew: bool = False
) -> Fence:
    """The fence, within which this deployment may report ``company``. Raises :class:`Fenced`, and what TaxJar raises.

    Storage is asked once a minute, with ``anew`` now; TaxJar only about a new token.
    """
    here = here_of(connection, company)
    place = (connection.name, company.id, here.host, here.token)
    if not anew and (passed := _passed(connector, place, _SENDING)):
        return passed
    async with connector.fence_lock:
        if not anew and (passed := _passed(connector, place, _SENDING)):
            return passed
        connector.fences_passed.pop(place, None)
        fence = await connector.fences.get(connection.name, company.id)
        if fence is None:
            fence = here
            await put_fence(
                connector, connection, company, fence, actor, "The ledger belongs to this environment from now on."
            )
        elif fence.host != here.host:
            raise Fenced(_other_host(connection, company, fence))
        elif fence.token != here.token:
            fence = await _with_new_token(connector, connection, company, fence, here, actor)
        connector.fences_passed[place] = connector.clock(), fence
        return fence


async def check_host(connector: Connector, connection: Connection) -> None:
    """Raise :class:`Fenced` where a company's ledger belongs to another environment. Asks storage once an hour."""
    for company in connection.companies.values():
        here = here_of(connection, company)
        place = (connection.name, company.id, here.host)
        if _passed(connector, place, _READING):
            continue
        fence = await connector.fences.get(connection.name, company.id)
        if fence and fence.host != here.host:
            raise Fenced(_other_host(connection, company, fence))
        connector.fences_passed[place] = connector.clock(), fence or here


async def refusal_of(connector: Connector, connection: Connection, company: Company) -> str:
    """Why nothing of ``company`` is sent from here, by what storage knows; empty where it may be. For ``status``."""
    here, fence = here_of(connection, company), await connector.fences.get(connection.name, company.id)
    if fence is None or (fence.host == here.host and fence.token == here.token):
        return ""
    if fence.host != here.host:
        return _other_host(connection, company, fence)
    return (
        f"{company.id.upper()} is reported to TaxJar account {fence.account or 'of another token'}, and"
        f" {token_setting(connection, company)} has not been found to be a token of it. Nothing is sent."
        " Correct the token, or confirm the move."
    )


async def second_deployment(connector: Connector) -> list[str]:
    """For ``health``: a line for each ``DYNAMICS__URL`` that is not the environment of the ledger in this storage.

    Names no host. Empty also while storage does not answer.
    """
    try:
        async with asyncio.timeout(_PATIENCE):
            found = []
            for connection in connector.connections.values():
                try:
                    await check_host(connector, connection)
                except Fenced:
                    found.append(
                        f"{_url_setting(connection)}: the ledger in this storage account belongs to another F&O"
                        " environment. Nothing is sent. Give this deployment a storage account of its own, or confirm"
                        " the move."
                    )
            return found
    except (TimeoutError, AzureError):
        return []


async def note_account(
    connector: Connector, connection: Connection, company: Company, filed: FiledTransaction, account: str, actor: Actor
) -> None:
    """Keep in mind which account holds what was sent first. Raises :class:`Fenced` where it is another one."""
    place = (connection.name, company.id, account)
    if not account or place in connector.accounts_known:
        return
    # The first documents are sent at the same moment.
    async with connector.fence_lock:
        if place in connector.accounts_known:
            return
        fence = await connector.fences.get(connection.name, company.id)
        if fence and fence.account and fence.account != account:
            # The token was taken for one of the known account: it has to show that anew.
            unproven = replace(fence, token="")
            await put_fence(connector, connection, company, unproven, actor, f"Account {account} answered.")
            connector.fences_passed.clear()
            raise Fenced(_other_account(connection, company, fence, account))
        if fence and not fence.account:
            known = fence.knowing(account, filed.kind.value, filed.transaction_id)
            message = f"TaxJar account {account} holds what is reported."
            await put_fence(connector, connection, company, known, actor, message)
            connector.fences_passed.clear()
        connector.accounts_known.add(place)


def here_of(connection: Connection, company: Company) -> Fence:
    """What this deployment would have the ledger belong to."""
    return Fence(connection.settings.dynamics.url, company.account.client.account_id)


async def account_by_reports(
    connector: Connector, connection: Connection, company: Company, fence: Fence, *, former: bool = False
) -> tuple[str, FiledTransaction | None, bool]:
    """The account in which a reported transaction is found with the present token, and which.

    ``former``: also one that was reported to an account of before a move. The last says whether there was any to look
    for. Raises what TaxJar raises.
    """
    looked = False
    async for kind, transaction_id in _reported(connector, connection, company, fence, former=former):
        looked = True
        if stored := await company.account.client.find(kind, transaction_id):
            found = FiledTransaction(transaction_id=transaction_id, kind=kind, payload={})
            return str(stored.get("user_id") or ""), found, True
    return "", None, looked


async def put_fence(
    connector: Connector, connection: Connection, company: Company, fence: Fence, actor: Actor, message: str
) -> None:
    """Write the fence, audited and logged."""
    entry = AuditEntry(
        at=connector.clock(),
        actor=actor,
        subject=f"fence of {company.id.upper()}",
        decision="fence",
        message=message,
        after={"host": fence.host, "account": fence.account},
    )
    await connector.fences.put(connection.name, company.id, fence, entry)
    logger.info("%s %s: %s", connection.name, company.id.upper(), message)


def token_setting(connection: Connection, company: Company) -> str:
    """The full name of the setting that holds the company's token."""
    own = f"COMPANIES__{company.id.upper()}__" if company.settings.taxjar.token else ""
    return f"CONNECTIONS__{connection.name.upper()}__{own}TAXJAR__TOKEN"


def _passed(connector: Connector, place: tuple[str, ...], within: timedelta) -> Fence | None:
    at, fence = connector.fences_passed.get(place, (None, None))
    return fence if at and connector.clock() - at < within else None


async def _with_new_token(
    connector: Connector, connection: Connection, company: Company, fence: Fence, here: Fence, actor: Actor
) -> Fence:
    """The fence with the new token, where that is of the same account. Raises :class:`Fenced`."""
    if fence.former and not fence.account:
        raise Fenced(_other_account(connection, company, fence, ""))
    account, found, looked = await account_by_reports(connector, connection, company, fence)
    if looked and (found is None or (fence.account and account != fence.account)):
        raise Fenced(_other_account(connection, company, fence, account))
    known = replace(fence, token=here.token)
    if found and account:
        known = known.knowing(account, found.kind.value, found.transaction_id)
    message = f"A new token of TaxJar account {account} is accepted." if account else "A new token is accepted."
    await put_fence(connector, connection, company, known, actor, message)
    return known


async def _reported(
    connector: Connector, connection: Connection, company: Company, fence: Fence, *, former: bool
) -> AsyncIterator[tuple[Kind, str]]:
    """Transactions that the account of ``fence`` holds, by the ledger: the one known first, then the latest.

    With ``former`` also the latest of each other account.
    """
    if fence.known_id:
        yield Kind(fence.known_kind), fence.known_id
    tried, today = Counter[str](), connector.clock().date()
    accounts = {*fence.former.split(), fence.account} if former else {fence.account}
    latest = newest_first(connector.ledger, connection.name, company.id, today=today, until=today + _AHEAD)
    async for record in latest:
        account = record.filing.account or fence.account
        is_there = record.state is State.REPORTED and record.filing.count
        if not is_there or account not in accounts or tried[account] == _TRIED:
            continue
        if record.filing.transaction_id != fence.known_id:
            yield record.filing.kind, record.filing.transaction_id
        tried[account] += 1
        if all(tried[each] == _TRIED for each in accounts):
            return


def _url_setting(connection: Connection) -> str:
    return f"CONNECTIONS__{connection.name.upper()}__DYNAMICS__URL"


def _other_host(connection: Connection, company: Company, fence: Fence) -> str:
    return (
        f"{company.id.upper()} in this storage account is reported from {fence.host}, and {_url_setting(connection)} is"
        f" {connection.settings.dynamics.url}: it looks like a second deployment on this storage. Nothing is sent."
        " Give this deployment a storage account of its own, or confirm the move."
    )


def _other_account(connection: Connection, company: Company, fence: Fence, account: str) -> str:
    found = f"account {account}" if account else "an account that does not hold what was reported"
    return (
        f"{company.id.upper()} is reported to TaxJar account {fence.account or '(not known yet)'}, and"
        f" {token_setting(connection, company)} is the token of {found}."
        " Nothing is sent. Correct the token, or confirm the move."
    )
