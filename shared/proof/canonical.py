"""One way to write a value as bytes, so that equal content has equal hashes everywhere."""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime
from typing import Any


def canonical(value: Any) -> bytes:
    """JSON in ASCII, keys sorted, no blanks. Raises ``TypeError`` or ``ValueError`` for what JSON cannot hold."""
    text = _ENCODER.encode(value)
    if _SURROGATE in text:
        text = _ENCODER.encode(_clean(value))
    return text.encode()


def sha256(content: bytes) -> str:
    """SHA-256 as lower-case hex."""
    return hashlib.sha256(content).hexdigest()


def _plain(value: Any) -> object:
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value)


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False, default=_plain)
_SURROGATE = "\\ud"
"""What half a pair is written with, and a whole one."""


def _clean(value: Any) -> Any:
    """``value`` with half surrogate pairs replaced: Table Storage may keep them or replace them."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_clean(name): _clean(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return value
