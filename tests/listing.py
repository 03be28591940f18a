"""Documents of some days, and lists of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from local.simulation import CONNECTION
from local.simulators.dynamics.specs import AddressSpec, InvoiceSpec
from shared.flows.review.listing import DocumentFilter, list_documents
from shared.web import read_query
from tests.world import COMPANY, TODAY, World

NOWHERE = AddressSpec("1 Main St", "Austin", "NY", "78704")
"""Its ZIP code lies in another state."""


def post(world: World, count: int, *, days_back: int, name: str, **changes: object) -> None:
    spec = InvoiceSpec("", TODAY - timedelta(days=days_back), tax_rate=Decimal("0.0825"))
    for number in range(count):
        world.posting.invoice(replace(spec, number=f"{name}-{number}", **changes))  # type: ignore[arg-type]


def days_ago(days: int) -> str:
    return (TODAY - timedelta(days=days)).isoformat()


async def listed(world: World, **query: str) -> dict[str, object]:
    answer = await list_documents(world.connector, CONNECTION, COMPANY, read_query(query, DocumentFilter))
    return dict(answer.body) if isinstance(answer.body, dict) else {}
