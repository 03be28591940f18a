"""Nothing is sent from another F&O environment, or to another TaxJar account, than the ledger knows (design 4.2).

A new token is accepted by itself once a transaction that the ledger knows as reported is found with it under the same
account. Everything else waits until a person confirms the move.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from shared.connector import Company, Connection, Connector
from shared.filing import FiledTransaction
from shared.ledger.audit import Actor, AuditEntry
from shared.ledger.fences import Fence
from shared.transactions import Kind

logger = logging.getLogger(__name__)


class Fenced(Exception):
    """The ledger belongs to another environment or account; the sentence says what to do."""


async def check_fence(connector: Connector, connection: Connection, company: Company, actor: Actor) -> None:
    """Raise :class:`Fenced` unless this deployment may report ``company``. Asks storage once per process and token."""
    here = Fence(connection.settings.dynamics.url, company.account.client.account_id)
    place = (connection.name, company.id, here.host, here.token)
    async with connector.fence_turns:
        if place in connector.fences_passed:
            return
        fence = await connector.fences.get(connection.name, company.id)
        if fence is None:
            message = "The ledger belongs to this environment from now on."
            await _put(connector, connection, company, here, actor, message)
        elif fence.host != here.host:
            raise Fenced(_other_host(connection, company, fence))
        elif fence.token != here.token:
            await _check_token(connector, connection, company, fence, here, actor)
        connector.fences_passed.add(place)


async def note_account(
    connector: Connector, connection: Connection, company: Company, filed: FiledTransaction, account: str, actor: Actor
) -> None:
    """Keep in mind which account holds what was sent first. Raises :class:`Fenced` where it is another one."""
    place = (connection.name, company.id, account)
    if not account or place in connector.accounts_known:
        return
    # The first documents are sent at the same moment.
    async with connector.fence_turns:
        if place in connector.accounts_known:
            return
        fence = await connector.fences.get(connection.name, company.id)
        if fence and fence.account and fence.account != account:
            connector.fences_passed.clear()
            raise Fenced(_other_account(connection, company, fence, account))
        if fence and not fence.account:
            known = replace(fence, account=account, known_kind=filed.kind.value, known_id=filed.transaction_id)
            message = f"TaxJar account {account} holds what is reported."
            await _put(connector, connection, company, known, actor, message)
        connector.accounts_known.add(place)


async def confirm_move(
    connector: Connector, connection: Connection, company: Company, actor: Actor, reason: str
) -> Fence:
    """A person confirms that the ledger belongs to the present environment and account from now on."""
    before = await connector.fences.get(connection.name, company.id)
    here = Fence(connection.settings.dynamics.url, company.account.client.account_id)
    entry = AuditEntry(
        at=connector.clock(),
        actor=actor,
        subject=f"fence of {company.id.upper()}",
        decision="move_confirmed",
        reason=reason,
        before={"host": before.host, "account": before.account} if before else None,
        after={"host": here.host},
    )
    await connector.fences.put(connection.name, company.id, here, entry)
    connector.fences_passed.clear()
    connector.accounts_known.clear()
    return here


async def _check_token(
    connector: Connector, connection: Connection, company: Company, fence: Fence, here: Fence, actor: Actor
) -> None:
    account = ""
    if fence.known_id:
        stored = await company.account.client.find(Kind(fence.known_kind), fence.known_id)
        account = str(stored.get("user_id") or "") if stored else ""
        if not account or account != fence.account:
            raise Fenced(_other_account(connection, company, fence, account))
    message = f"A new token of TaxJar account {account} is accepted." if account else "A new token is accepted."
    await _put(connector, connection, company, replace(fence, token=here.token), actor, message)


async def _put(
    connector: Connector, connection: Connection, company: Company, fence: Fence, actor: Actor, message: str
) -> None:
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


def _other_host(connection: Connection, company: Company, fence: Fence) -> str:
    name = f"CONNECTIONS__{connection.name.upper()}__DYNAMICS__URL"
    return (
        f"{company.id.upper()} in this storage account is reported from {fence.host}, and {name} is"
        f" {connection.settings.dynamics.url}: it looks like a second deployment on this storage. Nothing is sent."
        " Give this deployment a storage account of its own, or confirm the move."
    )


def _other_account(connection: Connection, company: Company, fence: Fence, account: str) -> str:
    name = f"CONNECTIONS__{connection.name.upper()}__COMPANIES__{company.id.upper()}__TAXJAR__TOKEN"
    if not company.settings.taxjar.token:
        name = f"CONNECTIONS__{connection.name.upper()}__TAXJAR__TOKEN"
    found = f"account {account}" if account else f"an account that does not hold {fence.known_id}"
    return (
        f"{company.id.upper()} is reported to TaxJar account {fence.account}, and {name} is the token of {found}."
        " Nothing is sent. Correct the token, or confirm the move."
    )
