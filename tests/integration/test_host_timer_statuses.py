from __future__ import annotations

import uuid
from datetime import UTC, datetime

from azure.data.tables.aio import TableServiceClient

from local.host.timers import StoredTimerStatuses, TimerStatus


async def test_a_status_is_found_again_by_the_next_host(azurite: str) -> None:
    name = f"timer_{uuid.uuid4().hex}"
    status = TimerStatus("0 0 3 * * *", datetime(2026, 3, 14, 3, 0, tzinfo=UTC))
    async with TableServiceClient.from_connection_string(azurite) as service:
        await StoredTimerStatuses(service).save(name, status)
    async with TableServiceClient.from_connection_string(azurite) as service:
        assert await StoredTimerStatuses(service).load(name) == status


async def test_a_timer_that_never_ran_has_no_status(azurite: str) -> None:
    async with TableServiceClient.from_connection_string(azurite) as service:
        assert await StoredTimerStatuses(service).load(f"timer_{uuid.uuid4().hex}") is None


async def test_a_storage_that_does_not_answer_costs_no_more_than_the_status() -> None:
    nowhere = "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=aaaa;TableEndpoint=http://127.0.0.1:1/a;"
    async with TableServiceClient.from_connection_string(nowhere, retry_total=0) as service:
        statuses = StoredTimerStatuses(service)
        await statuses.save("timer", TimerStatus("0 0 3 * * *", datetime(2026, 3, 14, 3, 0, tzinfo=UTC)))
        assert await statuses.load("timer") is None
