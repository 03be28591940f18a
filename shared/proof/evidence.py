"""The lines of an exported audit in a temporary database on disk: memory does not grow with them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

from shared.proof.canonical import sha256
from shared.proof.chain import VERSION, entry_hash, entry_place, first_version_hash
from shared.proof.journal import JournalRow
from shared.proof.records import record_hash
from shared.proof.seals import Seal

_NAMED_BY = "_sha256"
"""Ends the name of a property that names a long text of the record."""
_SCHEMA = """
CREATE TABLE entries (row TEXT, number INTEGER, hash TEXT, stored TEXT, version INTEGER, at TEXT, previous TEXT);
CREATE TABLE records (row TEXT PRIMARY KEY, number INTEGER, head TEXT, hash TEXT, again INTEGER);
CREATE TABLE journal (key TEXT PRIMARY KEY, row TEXT, number INTEGER, entry TEXT, record TEXT, leaf BLOB);
CREATE TABLE sealed (day TEXT, key TEXT, row TEXT, number INTEGER, entry TEXT, record TEXT, leaf BLOB);
CREATE TABLE truth (row TEXT, number INTEGER, entry TEXT, record TEXT, key TEXT, signed INTEGER, wanted INTEGER);
"""
_INDEXES = """
CREATE INDEX entry_places ON entries (row, number);
CREATE INDEX sealed_days ON sealed (day, key);
"""


class Evidence:
    """What an export says, line by line. Raises ``ValueError`` for a line that says nothing."""

    def __init__(self) -> None:
        # Without a name SQLite keeps the database in a file of its own that ends with the connection.
        self.database = sqlite3.connect("", isolation_level=None)
        self.database.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-65536;")
        self.database.executescript(_SCHEMA)
        self.database.execute("BEGIN")
        self.header: Mapping[str, Any] = {}
        self.seals: dict[str, Seal | None] = {}
        """By day; ``None`` for one that cannot be read."""
        self.is_whole = False
        """Whether the file has its end."""
        self.entries = 0
        self._older = ("", "", 0)
        """Row, hash and number of the entry of the first version that was read last."""
        self._last: dict[str, str] = {}
        self._page = ""
        self.unordered: list[tuple[int, str]] = []
        """Lines that do not stand in the order of an export, with what they name."""

    @property
    def days(self) -> tuple[str, str]:
        """The first and the last day that were asked for; empty where the export is open there."""
        return str(self.header.get("from") or ""), str(self.header.get("to") or "")

    @property
    def is_of_all_days(self) -> bool:
        """Whether everything was exported: only then what is missing or was inserted beside the journal shows."""
        return self.days == ("", "")

    def close(self) -> None:
        """Drop everything."""
        self.database.close()

    def read(self, lines: Iterable[bytes]) -> list[int]:
        """Take in all lines; return the numbers of those that cannot be read, at most 100."""
        unreadable: list[int] = []
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                content = json.loads(line)
                self._take(content, number)
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError, sqlite3.Error, OverflowError):
                if len(unreadable) < 100:
                    unreadable.append(number)
        self.database.executescript(_INDEXES)
        return unreadable

    def _take(self, content: Mapping[str, Any], line: int) -> None:
        kind = content["type"]
        if (kind == "export") != (line == 1):
            raise ValueError("an export begins with its header, and has one")
        self.is_whole = kind == "end"
        match kind:
            case "export":
                if content["version"] != 1:
                    raise ValueError("an export of another version")
                self.header = content
            case "page":
                if content["after"] != self._page:
                    raise ValueError("a page is missing before this one")
            case "more":
                self._page = content["after"]
            case "entry":
                self._ordered(content, "entry", content["key"], line)
                self._entry(content)
            case "record":
                self._ordered(content, "record", content["entity"]["RowKey"], line)
                self._record(content)
            case "journal":
                self._ordered(content, "journal", content["key"], line)
                self._row("journal", JournalRow.of(content))
            case "root":
                self._ordered(content, "root", content["day"], line)
                self._seal(content)
            case "sealed":
                self._ordered(content, "sealed", f"{content['day']} {content['key']}", line)
                self._row("sealed", JournalRow.of(content), content["day"])
            case "again" | "end":
                pass
            case _:
                raise ValueError("a line of an unknown type")

    def _ordered(self, content: Mapping[str, Any], kind: str, key: str, line: int) -> None:
        if content.get("again"):
            return
        if key <= self._last.get(kind, "") and len(self.unordered) < 100:
            self.unordered.append((line, key))
        self._last[kind] = key

    def _entry(self, line: Mapping[str, Any]) -> None:
        row, number = entry_place(line["key"])
        text, stored = str(line["text"]), str(line.get("hash", ""))
        version, at, previous = 1, "", ""
        if line.get("version") == VERSION:
            version, at, previous = VERSION, str(line["at"]), str(line["previous"])
            head = entry_hash(
                partition=str(self.header["partition"]),
                row=row,
                number=number,
                at=at,
                previous=previous,
                record=str(line["record"]),
                text=text,
            )
        else:
            last_row, last_head, last_number = self._older
            if last_row == row:
                previous, last = last_head, last_number
            else:
                last = 0
            head = first_version_hash(previous, text)
            if number != last + 1:
                head = ""
            self._older = (row, head, number)
        if line.get("again") and self._has_entry(row, number, head):
            return
        self.entries += 1
        self.database.execute(
            "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)", (row, number, head, stored, version, at, previous)
        )

    def _has_entry(self, row: str, number: int, head: str) -> bool:
        self.database.execute("CREATE INDEX IF NOT EXISTS entry_rows ON entries (row, number)")
        found = self.database.execute(
            "SELECT 1 FROM entries WHERE row = ? AND number = ? AND hash = ?", (row, number, head)
        )
        return found.fetchone() is not None

    def _record(self, line: Mapping[str, Any]) -> None:
        entity = line["entity"]
        number = entity.get("audit_count", 0)
        self.database.execute(
            "INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?)",
            (
                str(entity["RowKey"]),
                number if type(number) is int else -1,
                str(entity.get("audit_head", "")),
                record_hash(entity) if _has_its_texts(entity, line.get("texts") or {}) else "texts",
                int(bool(line.get("again"))),
            ),
        )

    def _row(self, table: str, row: JournalRow, *day: str) -> None:
        values = (*day, row.key, row.row, row.number, row.entry, row.record, row.leaf())
        self.database.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(values))})", values)  # noqa: S608

    def _seal(self, line: Mapping[str, Any]) -> None:
        day = str(line["day"])
        if day in self.seals:
            raise ValueError("a day has one seal")
        self.seals[day] = None
        self.seals[day] = Seal.of(line)


def _has_its_texts(entity: Mapping[str, Any], texts: Mapping[str, Any]) -> bool:
    """Whether the long texts that a record names by their SHA-256 are in the file as they were written."""
    return all(
        sha256(str(texts.get(name.removesuffix(_NAMED_BY), "")).encode("utf-8", "surrogatepass")) == digest
        for name, digest in entity.items()
        if name.endswith(_NAMED_BY)
    )
