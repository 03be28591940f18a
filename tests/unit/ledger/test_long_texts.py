"""Texts too long for their row lie in body rows, which hold them to the byte."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from shared.ledger import wide
from shared.ledger.long_texts import Aside, LongTexts, TextLost, body_rows, hash_of, pack
from shared.ledger.record_rows import from_entity, to_entity
from tests.unit.ledger.test_records import RECORD, VERSION_1

ROW = "doc|2026-03-17|INV-1|ARI-1"


def noise(length: int, seed: int = 7) -> str:
    """Text that cannot be compressed much, half surrogates and all."""
    random = Random(seed)
    return "".join(chr(random.randrange(0x20, 0x10FFFF)) for _ in range(length))


class Table:
    """Body rows in memory."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = {row["RowKey"]: row for row in rows}

    def query_entities(self, clause: str, *, parameters: Mapping[str, str]) -> AsyncIterator[dict[str, Any]]:
        async def found() -> AsyncIterator[dict[str, Any]]:
            for key, row in sorted(self.rows.items()):
                if parameters["first"] < key < parameters["end"]:
                    yield row

        return found()


async def read(rows: list[dict[str, Any]], text: str) -> str:
    entity = {"PartitionKey": "main|usmf", "RowKey": ROW, "filed_sha256": hash_of(text)}
    return (await LongTexts(Table(rows)).texts(entity))["filed"]  # type: ignore[arg-type]


@pytest.mark.parametrize("length", [1, 200_000, 800_000])
async def test_a_long_text_comes_back_from_body_rows_that_azure_takes(length: int) -> None:
    text = noise(length)
    rows = list(body_rows("main|usmf", ROW, text))
    assert await read(rows, text) == text
    for row in rows:
        assert sum(len(value) for value in row.values() if isinstance(value, bytes)) < 1024 * 1024 - 10_000
        assert all(len(value) <= 65_536 for value in row.values() if isinstance(value, bytes))


@pytest.mark.parametrize("harm", ["without its first row", "without its last row", "with another piece", "cut"])
async def test_a_text_that_was_touched_is_lost_and_never_another_one(harm: str) -> None:
    text = noise(600_000)
    rows = list(body_rows("main|usmf", ROW, text))
    assert len(rows) > 2
    match harm:
        case "without its first row":
            del rows[0]
        case "without its last row":
            del rows[-1]
        case "with another piece":
            rows[1] |= {name: value for name, value in rows[0].items() if name.startswith("z")}
        case "cut":
            rows[1]["z0"] = rows[1]["z0"][:-1]
    with pytest.raises(TextLost):
        await read(rows, text)


def test_a_text_stays_in_its_row_while_four_of_its_kind_fit_there() -> None:
    aside: Aside = {}
    short, long = "x" * 5_000_000, noise(100_000)
    assert pack("filed", "[]", aside) == {"filed": "[]"}
    assert aside == {}
    # What is too long to be tried is put aside, whatever it would come to.
    assert pack("filed", short, aside) == {"filed_sha256": hash_of(short)}
    assert pack("proposal", long, aside) == {"proposal_sha256": hash_of(long)}
    assert aside == {hash_of(short): short, hash_of(long): long}


def test_a_record_whose_long_text_was_not_read_is_not_taken_for_one_without() -> None:
    codes = {str(number): noise(60, number) for number in range(3_000)}
    record = replace(RECORD, filing=replace(RECORD.filing, tax_codes=codes))
    aside: Aside = {}
    stored = to_entity(record, aside)
    with pytest.raises(ValueError, match="tax_codes"):
        from_entity(stored)
    [text] = aside.values()
    assert from_entity({**stored, "tax_codes": text}) == record


def test_long_payloads_of_version_1_that_lie_in_their_row_are_read() -> None:
    row = next(dict(row) for row in VERSION_1["reported"] if row["RowKey"].startswith("doc|"))
    payload = json.loads(row.pop("payload"))
    payload["line_items"] = [
        {**payload["line_items"][0], "id": str(at), "description": noise(90, at)} for at in range(900)
    ]
    spread = wide.pack("payload", json.dumps(payload))
    assert len(spread) > 3
    [filed] = from_entity({**row, **spread}).filing.transactions
    assert filed.payload == payload
