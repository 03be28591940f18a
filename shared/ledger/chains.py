"""Reading one row of the ledger together with its chain of audit entries."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables.aio import TableClient

from shared.ledger.audit import Chain, read_chain
from shared.ledger.keys import audit_place, audit_row, audit_rows
from shared.ledger.long_texts import LongTexts, TextLost

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
        texts = LongTexts(table)
        entities = [await with_text(texts, entity) async for entity in found]
        entries, intact = read_chain(entities, Chain.of(record), record)
        intact = intact and (not record or await _has_its_texts(texts, record))
        etag = str(getattr(record, "metadata", {}).get("etag", ""))
        if intact or etag == seen:
            break
        seen = etag
    return Audited(entries, intact)


async def read_last_entry(table: TableClient, partition: str, row: str, end: Chain) -> Mapping[str, Any]:
    """The audit entry at the ``end`` of the chain of ``row``, without a look at the others; empty where it is none."""
    # Version 1 had no hash in the key.
    first = audit_row(row, end.count, "").removesuffix("|")
    found = table.query_entities(
        "PartitionKey eq @partition and RowKey ge @first and RowKey lt @end",
        parameters={"partition": partition, "first": first, "end": f"{first}|~"},
    )
    entries, _ = read_chain(
        [await with_text(LongTexts(table), entity) async for entity in found if entity.get("hash") == end.head],
        Chain(),
    )
    return entries[0] if entries else {}


async def with_text(texts: LongTexts, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A stored audit entry with its text, also where that is long; without it where it cannot be read."""
    with suppress(TextLost):
        await texts.restore(entry, audit_place(str(entry["RowKey"]))[0])
    return entry


async def _has_its_texts(texts: LongTexts, record: Mapping[str, Any]) -> bool:
    with suppress(TextLost):
        if record:
            await texts.texts(record)
        return True
    return False


async def stored_record(table: TableClient, partition: str, row: str) -> Mapping[str, Any]:
    """The row as it is stored; empty where there is none."""
    try:
        record: Mapping[str, Any] = await table.get_entity(partition, row)
    except ResourceNotFoundError:
        return {}
    return record
