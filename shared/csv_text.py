"""Tables as CSV for spreadsheets."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO

_FORMULA = re.compile(r"[=+@\t\r]|-(?![0-9.]+$)")
"""What a spreadsheet would take for the beginning of a formula; a negative amount is none."""


def to_csv(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> str:
    """``rows`` under a header of ``columns``, with CRLF line ends (RFC 4180). No cell runs as a formula."""
    text = StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _cell(value: str) -> str:
    return f"'{value}" if _FORMULA.match(value) else value
