"""What an accountant looks at before filing: reported transactions that are right in sum and may be wrong in kind."""

from __future__ import annotations

from collections.abc import Sequence

from shared.documents import ZERO
from shared.filing import FiledTransaction
from shared.flows.reconciliation.findings import Findings, Row
from shared.flows.reconciliation.untaxed import UntaxedSales
from shared.flows.work.run import Run
from shared.ledger.records import DocumentRecord, State
from shared.mapping import net_and_tax
from shared.money import plain

_LONGEST_MESSAGE = 500
"""Characters."""


class Notices:
    """Lists, per reported transaction:

    - ``untaxed_without_reason``: nexus in the state, no exemption, and an untaxed line that no product tax code
      explains there;
    - ``tax_without_nexus``: tax in a state in which the account has no nexus;
    - ``tax_from_exempt_customer``: tax collected from a customer who is exempt there;
    - ``late``, and ``left_out`` per document.

    Where the account has nexus, and what a product tax code means in a state, is asked of TaxJar once.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._untaxed = UntaxedSales(run.company.account.client)
        self.nexus: frozenset[str] | None = None
        """The states with nexus, once they were asked for."""

    async def note(self, records: Sequence[DocumentRecord], findings: Findings) -> None:
        """Add what is to be noticed of ``records``, in full, to ``findings``."""
        for record in records:
            if record.state is State.SKIPPED:
                findings.skips.append(_settled(record))
            elif record.state is not State.REPORTED:
                findings.waiting.append(_settled(record))
            for part in record.filing.left_out:
                findings.left_out.append({**_row(record), **part})
            for filed in record.filing.current:
                await self._note(record, filed, findings)

    async def _note(self, record: DocumentRecord, filed: FiledTransaction, findings: Findings) -> None:
        row = {**_row(record), **_money(filed)}
        if filed.late:
            findings.late.append(row)
        if filed.tax_from_exempt_customer:
            findings.tax_from_exempt.append({**row, "sales_tax": plain(filed.tax_from_exempt_customer)})
        nexus = await self._states_with_nexus()
        if filed.sums.sales_tax and filed.to_state not in nexus:
            findings.tax_without_nexus.append(row)
        if filed.to_state in nexus and await self._untaxed.is_without_reason(filed):
            findings.untaxed.append(row)

    async def _states_with_nexus(self) -> frozenset[str]:
        if self.nexus is None:
            regions = await self._run.company.account.client.nexus_regions()
            self.nexus = frozenset(region.region_code for region in regions if region.region_code)
        return self.nexus


def _row(record: DocumentRecord) -> Row:
    return {
        "transaction_id": record.filing.transaction_id,
        "number": record.key.number,
        "date": record.key.date.isoformat(),
        "customer": record.filing.customer or None,
        "to_state": " ".join(record.filing.to_states) or None,
    }


def _settled(record: DocumentRecord) -> Row:
    """What waits, or was skipped, with F&O's dollars as they were noted."""
    amount, sales_tax = net_and_tax(record.total_amount or ZERO, record.total_tax or ZERO)
    return {
        **_row(record),
        "state": record.state.value,
        "reason": record.reason or None,
        "message": record.message[:_LONGEST_MESSAGE] or None,
        "in_taxjar": record.filing.count > 0,
        "assignee": record.decisions.assignee or None,
        "amount": plain(amount),
        "sales_tax": plain(sales_tax),
    }


def _money(filed: FiledTransaction) -> Row:
    sums = filed.sums
    return {
        "transaction_id": filed.transaction_id,
        "to_state": filed.to_state or None,
        "customer_id": filed.payload.get("customer_id"),
        "amount": plain(sums.amount or ZERO),
        "sales_tax": plain(sums.sales_tax or ZERO),
    }
