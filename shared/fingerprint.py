"""The fingerprint of a posted document: equal exactly when F&O shows the same content."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

from shared.documents import PostedDocument


def fingerprint(document: PostedDocument) -> str:
    """SHA-256 (hex) over the document's content.

    What the reader noted on the way does not count, nor do the company's own addresses, which change for other reasons.
    """
    content = _content(document)
    del content["notes"], content["own_addresses"]
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=_plain).encode()).hexdigest()


def _plain(value: Any) -> object:
    return _content(value) if is_dataclass(value) else str(value)


def _content(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in _names(value.__class__)}


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))
