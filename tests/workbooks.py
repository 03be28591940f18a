"""Workbooks as tests read them: by sheet, and by the names of the columns."""

from __future__ import annotations

import zipfile
from io import BytesIO
from xml.etree import ElementTree

SPREADSHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def names(workbook: bytes) -> list[str]:
    """The files of its sheets."""
    return [name for name in zipfile.ZipFile(BytesIO(workbook)).namelist() if name.startswith("xl/worksheets/sheet")]


def sheets_of(workbook: bytes) -> dict[str, list[dict[str, str]]]:
    """The rows of each sheet by the titles of their columns, as Excel reads them."""
    archive = zipfile.ZipFile(BytesIO(workbook))
    shared: list[str] = []
    if "xl/sharedStrings.xml" in archive.namelist():
        root = ElementTree.fromstring(archive.read("xl/sharedStrings.xml"))
        shared = ["".join(item.itertext()) for item in root]
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    found = {}
    for number, sheet in enumerate(book.iter(f"{SPREADSHEET}sheet"), 1):
        root = ElementTree.fromstring(archive.read(f"xl/worksheets/sheet{number}.xml"))
        rows = [{_column(cell): _value(cell, shared) for cell in row} for row in root.iter(f"{SPREADSHEET}row")]
        head, *body = rows
        found[sheet.attrib["name"]] = [{head[at]: value for at, value in row.items()} for row in body]
    return found


def _column(cell: ElementTree.Element) -> str:
    return cell.attrib["r"].rstrip("0123456789")


def _value(cell: ElementTree.Element, shared: list[str]) -> str:
    text = "".join(cell.itertext())
    return shared[int(text)] if cell.attrib.get("t") == "s" else text
