"""A person confirms that a company's ledger belongs to another environment or TaxJar account from now on (design 4.2).

What was reported to the account before stays there: it is not sent to the new one by itself
(``HoldReason.REPORTED_TO_ANOTHER_ACCOUNT``).
"""

from __future__ import annotations

from dataclasses import replace

from shared.connector import Company, Connection, Connector
from shared.flows.work.fence import account_by_reports, here_of
from shared.ledger.audit import Actor, AuditEntry
from shared.ledger.fences import Fence


async def confirm_move(
    connector: Connector, connection: Connection, company: Company, actor: Actor, reason: str
) -> Fence:
    """Accept the present environment and token. Raises what TaxJar raises, which is asked whose token it is."""
    before, here = await connector.fences.get(connection.name, company.id), here_of(connection, company)
    after = here if before is None else replace(before, host=here.host)
    if before and before.token != here.token:
        account, found, _ = await account_by_reports(connector, connection, company, before, former=True)
        left = {*before.former.split(), before.account or "unknown"} - {account}
        after = replace(here, former=" ".join(sorted(left)))
        if found and account:
            after = after.knowing(account, found.kind.value, found.transaction_id)
        if account and account == before.account:
            after = replace(after, former=before.former)
    entry = AuditEntry(
        at=connector.clock(),
        actor=actor,
        subject=f"fence of {company.id.upper()}",
        decision="move_confirmed",
        reason=reason,
        before={"host": before.host, "account": before.account} if before else None,
        after={"host": after.host, "account": after.account},
    )
    await connector.fences.put(connection.name, company.id, after, entry)
    connector.fences_passed.clear()
    connector.accounts_known.clear()
    return after
