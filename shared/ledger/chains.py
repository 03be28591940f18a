"""Reading one row of the ledger together with its chain of audit entries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables.aio import TableClient

from shared.ledger.audit import Chain, read_chain
from shared.ledger.keys import audit_rows

_READINGS = 3


@dataclass(frozen=True, slots=True)
class Audited:
    """The audit entries of a row, oldest first, and whether they and the row are as they were written."""

    entries: list[dict[str, Any]]
    intact: bool


async def read_audit(table: TableClient, partition: str, row: str) -> Audited:
    """The audit of ``row``. One that is written to in the meantime is read again."""
    seen: str | None = None
    for _ in range(_READINGS):
        record = await stored_record(table, partition, row)
        first, end = audit_rows(row)
        found = table.query_entities(
            "PartitionKey eq @partition and RowKey gt @first and RowKey lt @end",
            parameters={"partition": partition, "first": first, "end": end},
        )
        entries, intact = read_chain([entity async for entity in found], Chain.of(record), record)
        etag = str(getattr(record, "metadata", {}).get("etag", ""))
        if intact or etag == seen:
            break
        seen = etag
    return Audited(entries, intact)


async def stored_record(table: TableClient, partition: str, row: str) -> Mapping[str, Any]:
    """The row as it is stored; empty where there is none."""
    try:
        record: Mapping[str, Any] = await table.get_entity(partition, row)
    except ResourceNotFoundError:
        return {}
    return record
