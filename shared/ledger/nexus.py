"""Where each company's TaxJar account has nexus, as it was pulled last; changes are audited."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.ledger import wide
from shared.ledger.audit import Actor, AuditEntry
from shared.ledger.keys import partition
from shared.ledger.subjects import SubjectLedger

_NEXUS, _REGIONS = "nexus", "regions"

Region = Mapping[str, str]
"""``country_code``, ``country``, ``region_code`` and ``region``."""


@dataclass(frozen=True, slots=True)
class NexusRegions:
    """The regions of one company."""

    pulled_at: datetime
    regions: tuple[Region, ...]

    @property
    def codes(self) -> tuple[str, ...]:
        """Country and region, such as ``US-TX``, in alphabetical order."""
        return tuple(sorted(f"{region['country_code']}-{region['region_code']}" for region in self.regions))


class NexusLedger:
    """The regions of all companies, one audited row each."""

    def __init__(self, subjects: SubjectLedger) -> None:
        self._subjects = subjects

    async def of_company(self, connection: str, company: str) -> NexusRegions | None:
        """What was pulled last; ``None`` when nothing was pulled yet."""
        row = await self._subjects.get(partition(connection, company), _NEXUS, _REGIONS)
        if not row:
            return None
        return NexusRegions(datetime.fromisoformat(row["pulled_at"]), tuple(json.loads(wide.unpack("regions", row))))

    async def keep(
        self, connection: str, company: str, regions: Sequence[Region], actor: Actor, pulled_at: datetime
    ) -> tuple[frozenset[str], frozenset[str]]:
        """Keep ``regions``; return the codes that were added and dropped, which the audit names too."""
        before = await self.of_company(connection, company)
        now = NexusRegions(pulled_at, tuple(regions))
        old, new = frozenset(before.codes if before else ()), frozenset(now.codes)
        entry, properties = None, dict[str, Any](pulled_at=pulled_at.isoformat())
        if before is None or sorted(before.regions, key=str) != sorted(now.regions, key=str):
            entry = AuditEntry(
                at=pulled_at,
                actor=actor,
                subject=f"nexus regions of {company.upper()}",
                decision="pulled" if before is None else "changed" if old != new else "renamed",
                message=f"Added: {_words(new - old)}. Dropped: {_words(old - new)}.",
                before={"regions": list(before.codes)} if before else None,
                after={"regions": list(now.codes)},
            )
            # Only with an entry: the chain covers what is stored.
            properties |= wide.pack("regions", json.dumps(now.regions, ensure_ascii=False))
        await self._subjects.write(partition(connection, company), _NEXUS, _REGIONS, entry, **properties)
        return new - old, old - new

    async def audit(self, connection: str, company: str) -> tuple[list[dict[str, object]], bool]:
        """The changes, oldest first, and whether the chain is intact."""
        return await self._subjects.audit(partition(connection, company), _NEXUS, _REGIONS)


def _words(codes: frozenset[str]) -> str:
    return ", ".join(sorted(codes)) or "none"
