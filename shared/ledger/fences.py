"""Which F&O host and which TaxJar account a company's ledger belongs to (design 4.2).

One audited row per connection and company. It keeps a storage account that two deployments share, or the token of
another account, from mixing what they report.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from shared.ledger.audit import AuditEntry
from shared.ledger.keys import partition
from shared.ledger.subjects import SubjectLedger

_KIND, _NAME = "fence", "main"


@dataclass(frozen=True, slots=True)
class Fence:
    """What the ledger belongs to."""

    host: str
    """The URL of the F&O environment."""
    token: str
    """Names the TaxJar token without giving it away."""
    account: str = ""
    """TaxJar's own number of the account; empty until it has answered once."""
    known_kind: str = ""
    known_id: str = ""
    """A transaction that the account holds for sure: with it a new token shows that it is of the same account."""
    former: str = ""
    """The numbers of the accounts that were reported to before a move, separated by blanks."""

    def knowing(self, account: str, kind: str, transaction_id: str) -> Fence:
        """The same with ``account`` as the present one, and a transaction that it holds."""
        former = " ".join(each for each in self.former.split() if each != account)
        return replace(self, account=account, known_kind=kind, known_id=transaction_id, former=former)

    def is_elsewhere(self, account: str) -> bool:
        """Whether what was reported to ``account`` is not in the present one; an unknown account may be any."""
        return bool(self.former) and (not account or account != self.account)


class FenceLedger:
    """The fences of all companies."""

    def __init__(self, subjects: SubjectLedger) -> None:
        self._subjects = subjects

    async def get(self, connection: str, company: str) -> Fence | None:
        """The fence; ``None`` before the first."""
        row = await self._subjects.get(partition(connection, company), _KIND, _NAME)
        if not row:
            return None
        return Fence(**{name: str(row.get(name) or "") for name in Fence.__slots__})

    async def put(self, connection: str, company: str, fence: Fence, entry: AuditEntry) -> None:
        """Write the fence with its audit entry."""
        properties: dict[str, Any] = {name: getattr(fence, name) for name in Fence.__slots__}
        await self._subjects.write(partition(connection, company), _KIND, _NAME, entry, **properties)
