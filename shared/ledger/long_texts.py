"""Texts too long for their row: they lie in body rows, named by the SHA-256 of the text (design 4.10).

Body rows are written before the row that names them, and never changed or deleted. So a row and its texts take effect
together, and whoever reads a row finds its texts, also while the next version of it is written. Most texts fit in their
row and cost nothing of this.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from shared.ledger import keys, wide
from shared.ledger.commits import GroupCommit
from shared.proof.canonical import sha256

Aside = dict[str, str]
"""Texts for body rows, by their SHA-256."""

NAMED_BY = "_sha256"
"""Behind the name of a text: the property of the row that names its body."""
_IN_ROW = 3
"""Properties that a text may take in its row. Four texts of this length and the rest of a record are below 1 MiB."""
_SURELY_LONG = 2_000_000
"""Characters of a text that is not compressed first to see whether it fits."""
_PIECE = 900_000
"""Bytes of a text in one body row, which fit there also where they cannot be compressed."""
_PROPERTY = 65_536
"""Bytes of a binary property."""


class TextLost(ValueError):
    """A text is not in its body rows as it was written."""


def pack(name: str, text: str, aside: Aside) -> dict[str, str]:
    """The properties of a row for ``text``: itself, or what names it once it is put ``aside``."""
    if len(text) <= _SURELY_LONG:
        properties = wide.pack(name, text)
        if len(properties) <= _IN_ROW:
            return properties
    digest = hash_of(text)
    aside[digest] = text
    return {f"{name}{NAMED_BY}": digest}


def hash_of(text: str) -> str:
    """What names a text."""
    return sha256(_bytes(text))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def body_rows(partition: str, row: str, text: str) -> Iterator[dict[str, Any]]:
    """The body rows of a text that belongs to ``row``: the same for the same text, whenever it is written."""
    content, digest = _bytes(text), hash_of(text)
    pieces = range(0, len(content), _PIECE)
    for number, start in enumerate(pieces):
        packed = zlib.compress(content[start : start + _PIECE])
        yield {
            "PartitionKey": partition,
            "RowKey": keys.body_row(row, digest, number),
            "pieces": len(pieces),
            **{f"z{at // _PROPERTY}": packed[at : at + _PROPERTY] for at in range(0, len(packed), _PROPERTY)},
        }


def _text_of(found: Mapping[str, Mapping[str, Any]], row: str, digest: str) -> str:
    """The text in body rows by their keys. Rows that are none of its own do not count."""
    try:
        pieces = found[keys.body_row(row, digest, 0)]["pieces"]
        content = b"".join(_content(found[keys.body_row(row, digest, number)]) for number in range(pieces))
    except (KeyError, TypeError, zlib.error) as error:
        raise TextLost(f"A long text of {row} cannot be read ({type(error).__name__}).") from None
    if sha256(content) != digest:
        raise TextLost(f"A long text of {row} was changed.")
    return content.decode("utf-8", "surrogatepass")


def _content(body: Mapping[str, Any]) -> bytes:
    packed: list[bytes] = []
    while (more := body.get(f"z{len(packed)}")) is not None:
        packed.append(more)
    return zlib.decompress(b"".join(packed))


class LongTexts:
    """Writes body rows, and puts their texts back into what was read."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    async def write(self, commits: GroupCommit, partition: str, row: str, aside: Aside) -> None:
        """Write the texts ``aside`` of ``row``; to be done before the row itself is written."""
        for text in aside.values():
            for body in body_rows(partition, row, text):
                await commits.commit([("upsert", body, {"mode": UpdateMode.REPLACE})])

    async def restore(self, entity: MutableMapping[str, Any], row: str = "") -> MutableMapping[str, Any]:
        """``entity`` with the texts that it names, as :func:`wide.unpack` reads them; ``row`` is whose they are.

        Raises :class:`TextLost` where one is not as it was written.
        """
        for name, text in (await self.texts(entity, row)).items():
            entity[name] = text
        return entity

    async def texts(self, entity: Mapping[str, Any], row: str = "") -> dict[str, str]:
        """The texts that ``entity`` names, by the names of its properties. Raises :class:`TextLost`."""
        named = {name: str(value) for name, value in entity.items() if name.endswith(NAMED_BY)}
        row = row or str(entity["RowKey"])
        return {
            name.removesuffix(NAMED_BY): await self._read(str(entity["PartitionKey"]), row, digest)
            for name, digest in named.items()
        }

    async def _read(self, partition: str, row: str, digest: str) -> str:
        first, end = keys.body_rows(row, digest)
        found = self._table.query_entities(
            "PartitionKey eq @partition and RowKey gt @first and RowKey lt @end",
            parameters={"partition": partition, "first": first, "end": end},
        )
        return _text_of({body["RowKey"]: body async for body in found}, row, digest)
