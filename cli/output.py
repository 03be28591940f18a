"""What a command prints: a table for people, JSON or CSV for programs; progress goes to standard error."""

from __future__ import annotations

import csv
import json
import os
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, TextIO

_GAP = "  "
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_RED, _YELLOW, _GREEN, _DIM, _PLAIN = "\x1b[31m", "\x1b[33m", "\x1b[32m", "\x1b[2m", "\x1b[0m"
_COLOURS = {"held": _YELLOW, "failed": _RED, "reported": _GREEN, "differs": _YELLOW, "ready": _GREEN, "dim": _DIM}


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name in the answer, and its title."""

    name: str
    title: str = ""
    money: bool = False
    """Right-aligned."""
    widest: int = 0
    """Characters in a table; 0: as long as it is."""

    @property
    def heading(self) -> str:
        """The title, else the name."""
        return self.title or self.name.replace("_", " ")


@dataclass
class Output:
    """Prints in the chosen ``form``: ``table``, ``json`` or ``csv``."""

    form: str = "table"
    out: TextIO = field(default_factory=lambda: sys.stdout)
    err: TextIO = field(default_factory=lambda: sys.stderr)
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    _on_line: int = 0

    def whole(self, answer: object) -> bool:
        """Print the API's own answer where JSON was asked for, and say whether that was so."""
        if self.form == "json":
            self.out.write(json.dumps(answer, indent=2, ensure_ascii=False) + "\n")
        return self.form == "json"

    def rows(self, rows: Iterable[Mapping[str, Any]], columns: Sequence[Column], *, nothing: str = "") -> int:
        """Print rows as a table or CSV; return how many there were."""
        if self.form == "csv":
            return self._csv(rows, columns)
        found = list(rows)
        if found:
            self._table(found, columns)
        elif nothing:
            self.say(nothing)
        return len(found)

    def say(self, text: str = "") -> None:
        """A line for people; in CSV it goes to standard error, so that the table stays one."""
        stream = self.err if self.form == "csv" else self.out
        stream.write(f"{_safe(text)}\n")

    def facts(self, facts: Iterable[tuple[str, object]]) -> None:
        """Names and values, one a line; what has no value is left out."""
        shown = [(name, _cell(value)) for name, value in facts if value not in (None, "", [], {})]
        width = max((len(name) for name, _ in shown), default=0)
        for name, value in shown:
            self.say(f"{name:<{width}}{_GAP}{value}")

    def mark(self, text: str, kind: str) -> str:
        """``text`` in the colour of ``kind``, where colours are wanted (``NO_COLOR``) and shown."""
        colour = _COLOURS.get(kind)
        wanted = self.form == "table" and self.out.isatty() and not self.environment.get("NO_COLOR")
        return f"{colour}{text}{_PLAIN}" if colour and wanted else text

    def progress(self, text: str) -> None:
        """Where something that takes long stands: on a terminal one line that changes, else a line each time."""
        if self.err.isatty():
            padded = text.ljust(self._on_line)
            self._on_line = len(text)
            self.err.write(f"\r{padded}")
        else:
            self.err.write(f"{text}\n")
        self.err.flush()

    def progress_ended(self) -> None:
        """The line of progress stays as it is."""
        if self.err.isatty() and self._on_line:
            self.err.write("\n")
            self._on_line = 0

    def _csv(self, rows: Iterable[Mapping[str, Any]], columns: Sequence[Column]) -> int:
        writer = csv.writer(self.out, lineterminator="\n")
        writer.writerow([column.name for column in columns])
        count = 0
        for count, row in enumerate(rows, 1):  # noqa: B007 - the count is the result
            writer.writerow([_for_a_sheet(_cell(row.get(column.name))) for column in columns])
        return count

    def _table(self, rows: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> None:
        cells = [[_cut(_safe(_cell(row.get(column.name))), column.widest) for column in columns] for row in rows]
        shown = [index for index in range(len(columns)) if any(line[index] for line in cells)]
        titles = [column.heading for column in columns]
        widths = {index: max(_width(titles[index]), *(_width(line[index]) for line in cells)) for index in shown}
        self._fit(widths, columns)
        for number, line in enumerate([titles, *cells]):
            parts = []
            for index in shown:
                text = _cut(line[index], widths[index])
                blanks = " " * (widths[index] - _width(text))
                text = text if number == 0 else self.mark(text, text)
                parts.append(blanks + text if columns[index].money else text + blanks)
            row = _GAP.join(parts).rstrip()
            self.out.write((self.mark(row, "dim") if number == 0 else row) + "\n")

    def _fit(self, widths: dict[int, int], columns: Sequence[Column]) -> None:
        """Narrow the last column of words so that a line fits a terminal; elsewhere nothing is cut."""
        words = [index for index in widths if not columns[index].money]
        if not self.out.isatty() or not words:
            return
        spare = shutil.get_terminal_size().columns - sum(widths.values()) - len(_GAP) * (len(widths) - 1)
        widths[words[-1]] = max(widths[words[-1]] + min(spare, 0), 10)


def money(text: object) -> str:
    """An amount with separators, as people read it."""
    try:
        return f"{Decimal(str(text)):,.2f}"
    except InvalidOperation:
        return ""


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(map(_cell, value))
        case dict():
            return ", ".join(f"{name} {_cell(item)}" for name, item in value.items())
    return str(value)


def _safe(text: str) -> str:
    """Text from F&O or TaxJar must not steer the terminal: control and direction characters become blanks."""
    return "".join(" " if unicodedata.category(each) in ("Cc", "Cf", "Cs", "Zl", "Zp") else each for each in text)


def _for_a_sheet(text: str) -> str:
    """A cell that a spreadsheet takes for text: what looks like a formula and is not a number gets an apostrophe."""
    if not text.startswith(_FORMULA):
        return text
    try:
        Decimal(text)
    except InvalidOperation:
        return f"'{text}"
    return text


def _width(text: str) -> int:
    wide = sum(1 for each in text if unicodedata.east_asian_width(each) in "WF")
    return len(text) + wide


def _cut(text: str, widest: int) -> str:
    if not widest or _width(text) <= widest:
        return text
    kept = ""
    for each in text:
        if _width(kept + each) > widest - 1:
            break
        kept += each
    return f"{kept}…"
