"""A retail company in a simulated F&O, and readers of it: what the reader makes of what F&O posts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx

from local.simulators.dynamics.posting import Posting
from local.simulators.dynamics.retail_company import open_retail_company
from local.simulators.dynamics.simulator import DynamicsSimulator
from local.simulators.dynamics.specs import PostedInvoice
from local.simulators.entra import Claims
from shared.documents import DocumentKey, PostedDocument
from shared.dynamics.odata import ODataClient
from shared.dynamics.reader import DynamicsReader
from shared.dynamics.sources import ForgetfulMemory, ReadProblem
from shared.mapping import is_complete
from shared.settings import ConnectionSettings

URL = "https://retail.operations.dynamics.test"
COMPANY = "usrt"
TODAY = date(2026, 4, 1)


class Tokens:
    """The simulator takes this one."""

    async def get(self) -> str:
        return "good"

    async def renew(self, refused: str) -> str:
        return "good"


@dataclass
class Retailer:
    """One environment with one company. ``memory`` outlives its readers, as the table does."""

    now: datetime = datetime(2026, 4, 1, 9, tzinfo=UTC)
    memory: ForgetfulMemory = field(default_factory=ForgetfulMemory)

    def __post_init__(self) -> None:
        self.dynamics = DynamicsSimulator(
            URL,
            {"good": Claims(URL, "tenant", "app")}.get,
            clock=lambda: self.now,
            default_company="DAT",
            tenant="tenant",
            applications=["app"],
        )
        self.posting: Posting = open_retail_company(self.dynamics, COMPANY)

    def later(self, **by: float) -> None:
        self.now += timedelta(**by)

    def reader(self, **company: Any) -> DynamicsReader:
        settings = ConnectionSettings.model_validate(
            {
                "dynamics": {"url": URL, "tenant_id": "t", "client_id": "c", "client_secret": "s"},
                "taxjar": {"token": "x"},
                "companies": {COMPANY: {"report_from": "2025-01-01", **company}},
            }
        )
        http = httpx.AsyncClient(transport=httpx.ASGITransport(self.dynamics.app))
        client = ODataClient(http, URL, Tokens(), lambda: self.now)
        return DynamicsReader(client, settings, lambda: self.now, is_complete=is_complete, memory=self.memory)

    async def read(self, *posted: PostedInvoice, **company: Any) -> list[PostedDocument | ReadProblem]:
        found = await self.reader(**company).read_documents(COMPANY, [key_of(invoice) for invoice in posted])
        return [found[key_of(invoice)] for invoice in posted]

    async def document(self, posted: PostedInvoice, **company: Any) -> PostedDocument:
        [read] = await self.read(posted, **company)
        assert isinstance(read, PostedDocument), read
        return read

    async def problem(self, posted: PostedInvoice, **company: Any) -> ReadProblem:
        [read] = await self.read(posted, **company)
        assert isinstance(read, ReadProblem), read
        return read

    async def listed(self, since: date, **company: Any) -> Sequence[str]:
        pages = self.reader(**company).list_posted({COMPANY: since})
        return [document.key.number async for page in pages for document in page]


def key_of(posted: PostedInvoice) -> DocumentKey:
    return DocumentKey(posted.company, posted.date, posted.number, posted.voucher)
