"""Transactions in TaxJar that belong to no document: listed under ``foreign``, with their dollars (design 4.7)."""

from __future__ import annotations

from collections.abc import Mapping, Set
from datetime import date
from decimal import Decimal

from shared.flows.reconciliation.findings import Findings, Row
from shared.flows.reconciliation.taxjar import TaxJarSide
from shared.flows.work.run import Run
from shared.ledger.records import DocumentRecord
from shared.mapping import SkipReason
from shared.money import plain
from shared.transactions import Kind

_OWN = "api"
_MOST_DOLLARS = 200
"""Transactions whose amounts one run asks TaxJar for; of the others the row has none."""


class Strangers:
    """Adds to ``findings`` what is in TaxJar and not ours."""

    def __init__(self, run: Run, taxjar: TaxJarSide, findings: Findings) -> None:
        self._run = run
        self._taxjar = taxjar
        self._findings = findings
        self._asked = 0

    async def note(self, ids: Mapping[Kind, Set[str]], ours: Set[str], day: date) -> None:
        """The ``ids`` under the connector's own provider, listed from ``day`` on, that belong to no document."""
        for kind, listed in ids.items():
            for transaction_id in sorted(listed - ours):
                if is_of_another_company(self._run, transaction_id):
                    continue
                ledger = self._run.connector.ledger
                owner = await ledger.owner_of(self._run.connection.name, self._run.company.id, transaction_id)
                if owner is None or transaction_id in reopened(owner):
                    await self._add(transaction_id, kind, _OWN, day)

    async def note_other_providers(self, since: date, until: date, named: str) -> None:
        """What lies under other providers, and under those ``named`` with commas between."""
        names = [name.strip() for name in named.split(",")]
        for other in await self._taxjar.of_other_providers(since, until, names):
            if not is_of_another_company(self._run, other.transaction_id):
                await self._add(other.transaction_id, other.kind, other.provider, other.date)

    async def _add(self, transaction_id: str, kind: Kind, provider: str, day: date) -> None:
        row: Row = {"transaction_id": transaction_id, "kind": kind.value, "provider": provider, "date": day.isoformat()}
        self._asked += 1
        stored = None
        if self._asked <= _MOST_DOLLARS:
            stored = await self._taxjar.find(kind, transaction_id, None if provider == _OWN else provider)
        if stored:
            sign = -1 if kind is Kind.REFUND else 1
            money = {name: plain(sign * abs(Decimal(str(stored.get(name) or 0)))) for name in ("amount", "sales_tax")}
            row |= {
                "date": str(stored.get("transaction_date") or day)[:10],
                "to_state": stored.get("to_state"),
                **money,
            }
        self._findings.foreign.append(row)


def known_ids(record: DocumentRecord) -> set[str]:
    """The ids in TaxJar that are a document's."""
    filed = {each.transaction_id for each in record.filing.transactions}
    return filed | (set(record.filing.handled_outside) - reopened(record))


def reopened(record: DocumentRecord) -> set[str]:
    """What a person entered by hand for a document that was reported after all: it is there twice."""
    if record.reason == SkipReason.HANDLED_OUTSIDE:
        return set()
    return set(record.filing.handled_outside) - {each.transaction_id for each in record.filing.transactions}


def is_of_another_company(run: Run, transaction_id: str) -> bool:
    """Whether the id is that of another company which reports to the same TaxJar account."""
    account = run.company.account.client.account_id
    prefix = transaction_id.partition("-")[0].lower()
    return prefix != run.company.id and any(
        company.id == prefix and company.account.client.account_id == account
        for connection in run.connector.connections.values()
        for company in connection.companies.values()
    )
