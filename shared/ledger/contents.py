"""Everything audited in one partition of the ledger, row by row: for the first seal and for exports."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from azure.data.tables.aio import TableClient

from shared.ledger.chains import with_text
from shared.ledger.long_texts import LongTexts, TextLost

_ENTRIES = ("audit|", "audit|~")
_NO_RECORDS = (
    *(("also|", "also|~"), _ENTRIES, ("body|", "body|~")),
    *(("id|", "id|~"), ("journal|", "journal|~"), ("open|", "open|~")),
)
"""Ranges of keys without records, in order: the audit, long texts, and indexes, which are made of the records."""
_DOCUMENT = "doc|"


class Contents:
    """Reads the audited rows of all companies, in the order of their keys."""

    def __init__(self, table: TableClient) -> None:
        self._table = table
        self._texts = LongTexts(table)

    async def records(self, partition: str, after: str = "", since: str = "") -> AsyncIterator[Mapping[str, Any]]:
        """The rows that have a chain, and every document, with keys behind ``after``.

        With ``since`` (a day), those whose last entry was written since then.
        """
        start = after
        for first, end in (*_NO_RECORDS, ("~", "~")):
            if start < first:
                async for row in self._between(partition, start, first, since):
                    if row.get("audit_head") or row["RowKey"].startswith(_DOCUMENT):
                        yield row
            start = max(start, end)

    async def _between(self, partition: str, after: str, end: str, since: str) -> AsyncIterator[Mapping[str, Any]]:
        clause = "PartitionKey eq @partition and RowKey gt @after and RowKey lt @end"
        values = {"partition": partition, "after": after, "end": end}
        if since:
            clause += " and audit_at ge @since"
            values["since"] = since
        async for row in self._table.query_entities(clause, parameters=values):
            yield row

    async def long_texts(self, record: Mapping[str, Any]) -> dict[str, str]:
        """The long texts of a row with its chain; without those that cannot be read."""
        try:
            return await self._texts.texts(record)
        except TextLost:
            return {}

    async def entries(
        self, partition: str, after: str = "", since: str = "", end: str = ""
    ) -> AsyncIterator[Mapping[str, Any]]:
        """The audit entries with keys behind ``after``; with ``since`` or ``end``, those written in that time."""
        clause = "PartitionKey eq @partition and RowKey gt @after and RowKey lt @last"
        values = {"partition": partition, "after": max(after, _ENTRIES[0]), "last": _ENTRIES[1]}
        if since:
            clause += " and at ge @since"
            values["since"] = since
        if end:
            clause += " and at lt @end"
            values["end"] = end
        async for row in self._table.query_entities(clause, parameters=values):
            yield await with_text(self._texts, row)

    async def entry(self, partition: str, row: str) -> Mapping[str, Any] | None:
        """One audit entry by its key."""
        async for found in self._table.query_entities(
            "PartitionKey eq @partition and RowKey eq @row", parameters={"partition": partition, "row": row}
        ):
            return await with_text(self._texts, found)
        return None
