"""One customer to TaxJar: claim it, upsert it, settle it with its audit; also right before its document."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.connector import Company, Connection, Connector
from shared.documents import Customer
from shared.flows.work.retries import TRANSIENT, NotYet
from shared.flows.work.run import Run
from shared.ledger.audit import Actor, AuditEntry
from shared.ledger.customers import Asked, CustomerBusy, CustomerClaim
from shared.mapping import Exemption, exemption_of, map_customer
from shared.remote.pauses import Paused
from shared.taxjar.customers import Contradicted, customer_to_wire, upsert_customer
from shared.taxjar.errors import Rejected, TaxJarError, Unavailable
from shared.taxjar.wire import payload_hash
from shared.transactions import TaxJarCustomer

logger = logging.getLogger(__name__)

_NAMED = 20
"""Customers that one line of the log names."""
_ENDED = "The exemption has ended in F&O."


@dataclass(frozen=True, slots=True)
class CustomerDesk:
    """Puts customers of one company in TaxJar."""

    connector: Connector
    connection: Connection
    company: Company
    actor: Actor

    @property
    def account(self) -> str:
        """The TaxJar account that the customers go to."""
        return self.company.account.client.account_id

    async def put(self, customer: TaxJarCustomer, exemption: Exemption | None) -> None:
        """Upsert ``customer``; ``exemption`` is ``None`` when it has ended.

        Raises :class:`CustomerBusy`, what the calls raise, and :class:`Rejected` when TaxJar refuses the data, which
        is remembered for a day.
        """
        payload = customer_to_wire(customer)
        content = payload_hash(payload)
        claim = await self.connector.customers.claim(
            self.connection.name, self.company.id, customer.customer_id, account=self.account
        )
        before = claim.record.payload
        told: dict[str, Any] = {"request": payload, "before": before, "notes": _warnings(exemption)}
        asked = Asked(
            account=customer.account,
            name=customer.name,
            exemption_type=customer.exemption_type.value,
            regions=customer.exempt_states,
            rule=exemption.source if exemption else "",
        )
        try:
            put = await upsert_customer(self.company.account.client, payload, known=before is not None)
        except Rejected as refusal:
            told |= {"response": {"detail": refusal.detail}, "status": refusal.status}
            message = f"TaxJar refuses the customer ({refusal.status}): {refusal.detail}"
            await self._settle(
                claim,
                "refused",
                message,
                told,
                asked,
                payload_hash=claim.record.payload_hash,
                refused_hash="" if isinstance(refusal, Contradicted) else content,
                refused_at=self.connector.clock().isoformat(),
                unanswered_at="",
            )
            raise
        except (TaxJarError, Paused) as trouble:
            told |= {"status": getattr(trouble, "status", None)}
            now = self.connector.clock().isoformat()
            await self._settle(claim, "retrying", str(trouble), told, asked, unanswered_at=now)
            raise
        told |= {"response": put.answer.body, "status": put.answer.status, "after": payload if before else None}
        message = f"{customer.exemption_type} because of {exemption.source}." if exemption else _ENDED
        await self._settle(
            claim,
            "created" if put.created else "updated",
            message,
            told,
            asked,
            payload=payload,
            payload_hash=content,
            refused_hash="",
            unanswered_at="",
            exemption_type=customer.exemption_type.value,
            rule=exemption.rule.value if exemption else "",
        )

    async def _settle(
        self,
        claim: CustomerClaim,
        decision: str,
        message: str,
        told: dict[str, Any],
        asked: Asked,
        **properties: Any,
    ) -> None:
        entry = AuditEntry(
            at=self.connector.clock(),
            actor=self.actor,
            subject=f"customer {claim.record.customer_id}",
            decision=decision,
            message=message,
            **told,
        )
        await self.connector.customers.settle(claim, entry, asked=asked, **properties)


async def put_customer_first(run: Run, customer: Customer | None) -> None:
    """Make sure that TaxJar knows an exempt ``customer`` before it gets the customer's document.

    Costs one table read per message and customer when it does, and one call when not, even if that fails. Raises what
    postpones the document, and :class:`Rejected` when TaxJar refuses the customer.
    """
    exemption = exemption_of(customer, run.company.settings) if customer else None
    if customer is None or exemption is None:
        return
    mapped = map_customer(run.company.id, customer, run.company.settings, exemption.type)
    if mapped is None:
        logger.warning("%s %s: %s", run.connection.name, run.company.id.upper(), without_states([customer.account]))
        return
    content = payload_hash(customer_to_wire(mapped))
    customers, name = run.connector.customers, run.connection.name
    async with customers.one_at_a_time(name, mapped.customer_id):
        if content in run.customers_in_taxjar:
            return
        if content in run.customer_troubles:
            raise run.customer_troubles[content]
        desk = CustomerDesk(run.connector, run.connection, run.company, run.actor)
        record = await customers.get(name, run.company.id, mapped.customer_id, account=desk.account)
        if record is None or record.payload_hash != content:
            try:
                await _put(desk, mapped, exemption)
            except TRANSIENT as trouble:
                run.customer_troubles[content] = trouble
                raise
        run.customers_in_taxjar.add(content)


async def _put(desk: CustomerDesk, customer: TaxJarCustomer, exemption: Exemption) -> None:
    try:
        await desk.put(customer, exemption)
    except CustomerBusy as busy:
        raise NotYet(str(busy)) from None
    except Unavailable as trouble:
        # It is the customer's outcome that may be unknown, not the document's.
        detail = f"exempt customer {customer.customer_id}: {trouble.detail}"
        raise Unavailable(trouble.retry_after, outcome_unknown=False, status=trouble.status, detail=detail) from None


def without_states(accounts: Sequence[str]) -> str:
    """The sentence about exempt customers of whom it is not known where their exemption holds."""
    return (
        "TaxJar receives no exempt customers whose delivery addresses name no US state or cannot be read:"
        f" {named(accounts)}. Complete an address in F&O, or give them an entry in EXEMPT_REGIONS."
    )


def named(customers: Sequence[str]) -> str:
    """The first of ``customers``, and how many more there are."""
    rest = f" and {len(customers) - _NAMED} more" if len(customers) > _NAMED else ""
    return ", ".join(customers[:_NAMED]) + rest


def _warnings(exemption: Exemption | None) -> tuple[str, ...]:
    return (exemption.warning,) if exemption and exemption.warning else ()
