"""Sales without tax for which nothing explains why there is none (design 4.7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shared.documents import ZERO
from shared.flows.reconciliation.taxjar import TaxJarSide
from shared.flows.work.run import Run
from shared.ledger.records import DocumentRecord, State
from shared.money import plain


class Untaxed:
    """Looks for reported documents without tax, shipped to a state with nexus, neither exempt nor of exempt products.

    Whether the account has nexus, and who is exempt where, is asked of TaxJar once.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._nexus: frozenset[str] | None = None
        self._exempt: dict[tuple[str, str], bool] = {}

    async def among(self, records: Sequence[DocumentRecord], taxjar: TaxJarSide) -> list[dict[str, Any]]:
        """Those of ``records``, as answers show them."""
        found = []
        for record in records:
            if record.state is State.REPORTED and record.amount and not record.sales_tax:
                if record.to_state not in await self._states_with_nexus():
                    continue
                whole = await self._run.connector.ledger.get(self._run.connection.name, record.key)
                payload = (whole.payload if whole else None) or {}
                if not await self._has_reason(payload, record.to_state, taxjar):
                    found.append(
                        {
                            "transaction_id": record.transaction_id,
                            "number": record.key.number,
                            "date": record.key.date.isoformat(),
                            "to_state": record.to_state,
                            "amount": plain(record.amount or ZERO),
                            "customer_id": payload.get("customer_id"),
                        }
                    )
        return found

    async def _states_with_nexus(self) -> frozenset[str]:
        if self._nexus is None:
            regions = await self._run.company.account.client.nexus_regions()
            self._nexus = frozenset(region.region_code for region in regions if region.region_code)
        return self._nexus

    async def _has_reason(self, payload: Any, state: str, taxjar: TaxJarSide) -> bool:
        if payload.get("exemption_type") not in (None, "", "non_exempt"):
            return True
        valued = [line for line in payload.get("line_items", ()) if line.get("unit_price") not in ("0.00", None)]
        if valued and all(line.get("product_tax_code") for line in valued):
            return True
        customer = str(payload.get("customer_id") or "")
        if customer and (customer, state) not in self._exempt:
            self._exempt[customer, state] = await taxjar.is_exempt(customer, state)
        return bool(customer) and self._exempt[customer, state]
