"""Whether what was read of a document can be stored and sent."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace

import orjson

from shared.documents import PostedDocument
from shared.dynamics.rows import LONGEST_TEXT, is_text


def unstorable_in(document: PostedDocument) -> str | None:
    """The first field with a string that nothing can store, half a character or far too many; else ``None``.

    The company's own addresses do not count: they are compared, never stored or sent.
    """
    document = replace(document, own_addresses=())
    return None if _is_short(document) else _unstorable_in(document, "document")


def _is_short(document: PostedDocument) -> bool:
    """Whether all its strings are text, and short: orjson sees that faster than anybody who looks at each."""
    try:
        return len(orjson.dumps(document, default=str)) <= LONGEST_TEXT
    except TypeError:
        return False


def _unstorable_in(value: object, where: str) -> str | None:
    if isinstance(value, str):
        return None if is_text(value) and len(value) <= LONGEST_TEXT else where
    if isinstance(value, tuple):
        return next((found for item in value if (found := _unstorable_in(item, where))), None)
    if is_dataclass(value):
        named = ((field.name, getattr(value, field.name)) for field in fields(value))
        return next((found for name, item in named if (found := _unstorable_in(item, name))), None)
    return None
