"""The customer ledger: what TaxJar holds of every customer that is or once was exempt, changed by one worker at a time.

A row is written before TaxJar is called and forgets there what TaxJar holds: whoever finds it after a crash sends anew.
It belongs to one TaxJar account: another one, after a company's token has changed, holds nothing that is known.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from weakref import WeakValueDictionary

from shared.ledger import wide
from shared.ledger.audit import AuditEntry
from shared.ledger.keys import partition
from shared.ledger.subjects import SubjectChanged, SubjectLedger

_CUSTOMER = "customer"
_LEASE = timedelta(minutes=3)
"""Longer than the two calls of an upsert can last."""
_REFUSED = timedelta(days=1)
"""How long what TaxJar refused is not sent again unchanged: the refusal itself may have been a mistake."""
_SUMMARY = ("customer_id", "exemption_type", "rule", "payload_hash", "refused_hash", "unanswered_at")
_COLUMNS = (*_SUMMARY, "account", "refused_at")
_NOT_EXEMPT = (None, "", "non_exempt")
_FOR_PEOPLE = (*_COLUMNS, "asked", "asked_1", "decision", "message", "settled_at", "payload")
_LONGEST_MESSAGE = 2000


class CustomerBusy(Exception):
    """Another worker is putting this customer in TaxJar, or has taken it over."""


@dataclass(frozen=True, slots=True)
class CustomerRecord:
    """One customer as it was last put in TaxJar."""

    customer_id: str
    exemption_type: str = ""
    """Empty until it was put once."""
    rule: str = ""
    """The rule that made it exempt."""
    payload_hash: str = ""
    """Of what TaxJar holds; empty while that is not known for sure."""
    refused_hash: str = ""
    """Of what TaxJar refused during the last day."""
    unanswered_at: str = ""
    """When TaxJar was called without an answer (ISO 8601); empty when it answered last."""
    payload: Mapping[str, Any] | None = None
    """As last put; ``None`` when never, and in summaries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What TaxJar was last asked to hold of a customer."""

    account: str
    """In F&O."""
    name: str
    exemption_type: str
    regions: tuple[str, ...]
    """US states; none means everywhere."""
    rule: str
    """What in F&O or the settings makes the customer exempt: ``tax group EXEMPT``; empty once it has ended."""


class Standing(StrEnum):
    """What came of the last time that TaxJar was asked."""

    EXEMPT = "exempt"
    NOT_EXEMPT = "not_exempt"
    """The exemption has ended, and TaxJar knows."""
    REFUSED = "refused"
    PENDING = "pending"
    """TaxJar has not answered yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerShown:
    """A customer that is or once was exempt, for people."""

    customer_id: str
    asked: Asked
    standing: Standing
    message: str
    updated_at: str
    """ISO 8601; empty in rows of earlier versions."""


@dataclass(frozen=True, slots=True)
class CustomerClaim:
    """The right to put one customer in TaxJar for a while."""

    record: CustomerRecord
    connection: str
    company: str
    account: str
    until: str


class CustomerLedger:
    """The customers of all companies; one row each in the company's partition, with a hash chain of its own."""

    def __init__(self, subjects: SubjectLedger, *, clock: Callable[[], datetime]) -> None:
        self._subjects = subjects
        self._clock = clock
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    def one_at_a_time(self, connection: str, customer_id: str) -> asyncio.Lock:
        """The lock of one customer within this process, which spares its documents a quarrel over the claim."""
        return self._locks.setdefault((connection, customer_id), asyncio.Lock())

    async def get(self, connection: str, company: str, customer_id: str, *, account: str) -> CustomerRecord | None:
        """The customer's record, in full; ``account`` is that of the company's TaxJar client."""
        stored = await self._subjects.get(partition(connection, company), _CUSTOMER, customer_id)
        return self._record(stored, account) if stored else None

    async def known(
        self, connection: str, company: str, customer_ids: Collection[str], *, account: str
    ) -> dict[str, CustomerRecord]:
        """Summaries of those of ``customer_ids`` that have one: a one range read, of which the others are dropped."""
        if not customer_ids:
            return {}
        wanted = frozenset(customer_ids)
        rows = self._subjects.listing(
            partition(connection, company), _CUSTOMER, min(wanted), max(wanted), select=_COLUMNS
        )
        return {row["customer_id"]: self._record(row, account) async for row in rows if row["customer_id"] in wanted}

    async def exempt(self, connection: str, company: str, *, account: str) -> AsyncIterator[str]:
        """The ids of all customers that ``account`` holds as exempt."""
        async for row in self._subjects.listing(partition(connection, company), _CUSTOMER, select=_COLUMNS):
            if row.get("account") == account and row.get("exemption_type") not in _NOT_EXEMPT:
                yield row["customer_id"]

    async def shown(self, connection: str, company: str) -> AsyncIterator[CustomerShown]:
        """Every customer that is or once was exempt, by id."""
        rows = self._subjects.listing(partition(connection, company), _CUSTOMER, select=_FOR_PEOPLE)
        async for row in rows:
            yield CustomerShown(
                customer_id=row["customer_id"],
                asked=_asked(row),
                standing=_standing(row),
                message=row.get("message") or "",
                updated_at=row.get("settled_at") or "",
            )

    async def claim(self, connection: str, company: str, customer_id: str, *, account: str) -> CustomerClaim:
        """Claim the customer before TaxJar is called. Raises :class:`CustomerBusy` while another claim is alive."""
        now = self._clock()
        until = (now + _LEASE).isoformat()
        before: list[CustomerRecord] = []

        def is_free(stored: Mapping[str, Any]) -> bool:
            before[:] = [self._record({"customer_id": customer_id, **stored}, account)]
            lease = stored.get("lease_until")
            return not lease or datetime.fromisoformat(lease) <= now

        changes = {"customer_id": customer_id, "payload_hash": "", "lease_until": until}
        try:
            where = partition(connection, company)
            await self._subjects.write(where, _CUSTOMER, customer_id, None, only_if=is_free, **changes)
        except SubjectChanged:
            raise CustomerBusy(f"Customer {customer_id} is being put in TaxJar by another worker.") from None
        return CustomerClaim(before[0], connection, company, account, until)

    async def settle(
        self,
        claim: CustomerClaim,
        entry: AuditEntry,
        *,
        asked: Asked | None = None,
        payload: Mapping[str, Any] | None = None,
        **properties: str,
    ) -> None:
        """End the claim with its audit entry; ``payload`` is what TaxJar holds now, without it the same as before.

        Raises :class:`CustomerBusy` when another worker took over meanwhile: what TaxJar holds is then in doubt.
        """
        where = partition(claim.connection, claim.company)
        customer_id = claim.record.customer_id
        held = payload or claim.record.payload
        packed = wide.pack("payload", json.dumps(held, sort_keys=True, ensure_ascii=False) if held else "")

        def is_mine(stored: Mapping[str, Any]) -> bool:
            return bool(stored.get("lease_until") == claim.until)

        changes = {
            **packed,
            **properties,
            **(wide.pack("asked", json.dumps(asdict(asked), sort_keys=True, ensure_ascii=False)) if asked else {}),
            "decision": entry.decision,
            "message": entry.message[:_LONGEST_MESSAGE],
            "settled_at": self._clock().isoformat(),
            "account": claim.account,
            "lease_until": "",
        }
        try:
            await self._subjects.write(where, _CUSTOMER, customer_id, entry, only_if=is_mine, **changes)
        except SubjectChanged:
            await self._subjects.write(where, _CUSTOMER, customer_id, None, payload_hash="")
            raise CustomerBusy(f"Customer {customer_id} was taken over by another worker.") from None

    async def audit(self, connection: str, company: str, customer_id: str) -> tuple[list[dict[str, Any]], bool]:
        """The customer's audit entries, oldest first, and whether the chain is intact."""
        return await self._subjects.audit(partition(connection, company), _CUSTOMER, customer_id)

    def _record(self, stored: Mapping[str, Any], account: str) -> CustomerRecord:
        summary = {name: stored.get(name) or "" for name in _SUMMARY}
        payload = wide.unpack("payload", stored)
        if stored.get("account") != account:
            # The exemption is kept: if the same account has a new token, it still has to end there.
            summary |= {"payload_hash": "", "refused_hash": ""}
            payload = ""
        refused_at = stored.get("refused_at")
        if not refused_at or self._clock() - datetime.fromisoformat(refused_at) >= _REFUSED:
            summary["refused_hash"] = ""
        return CustomerRecord(**summary, payload=json.loads(payload) if payload else None)


def _asked(row: Mapping[str, Any]) -> Asked:
    """What TaxJar was asked; in rows of earlier versions what it last received, where that fits into one property."""
    try:
        if text := wide.unpack("asked", row):
            stored = json.loads(text)
            return Asked(**{**stored, "regions": tuple(stored["regions"])})
        payload = json.loads(wide.unpack("payload", row) or "{}")
    except ValueError:
        payload = {}
    return Asked(
        account=str(row["customer_id"]).partition("-")[2],
        name=payload.get("name") or "",
        exemption_type=payload.get("exemption_type") or row.get("exemption_type") or "",
        regions=tuple(region["state"] for region in payload.get("exempt_regions") or ()),
        rule=(row.get("rule") or "").replace("_", " "),
    )


def _standing(row: Mapping[str, Any]) -> Standing:
    decision = row.get("decision") or ("refused" if row.get("refused_hash") else "")
    if decision == "refused":
        return Standing.REFUSED
    if decision == "retrying" or row.get("unanswered_at") or not row.get("exemption_type"):
        return Standing.PENDING
    return Standing.NOT_EXEMPT if row.get("exemption_type") in _NOT_EXEMPT else Standing.EXEMPT
