"""Long texts in a table entity: a property holds 32 K characters, an entity 1 MiB."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from typing import Any

_CHUNK = 30_000
_COMPRESSED = "zlib:"


def pack(name: str, text: str) -> dict[str, str]:
    """The properties ``name``, ``name_1``, … that hold ``text``; long texts are compressed."""
    # Storage counts UTF-16 units; what is compressed is plain ASCII.
    if len(text.encode("utf-16-le", "surrogatepass")) > 2 * _CHUNK or text.startswith(_COMPRESSED):
        text = _COMPRESSED + base64.b64encode(zlib.compress(text.encode("utf-8", "surrogatepass"))).decode()
    chunks = [text[start : start + _CHUNK] for start in range(0, len(text), _CHUNK)] or [""]
    return {name if part == 0 else f"{name}_{part}": chunk for part, chunk in enumerate(chunks)}


def unpack(name: str, entity: Mapping[str, Any]) -> str:
    """The text that :func:`pack` spread over ``entity``; empty when there is none.

    Raises ``ValueError`` for what :func:`pack` cannot have stored.
    """
    parts = [str(entity.get(name) or "")]
    while (more := entity.get(f"{name}_{len(parts)}")) is not None:
        parts.append(str(more))
    text = "".join(parts)
    if text.startswith(_COMPRESSED):
        try:
            content = zlib.decompress(base64.b64decode(text[len(_COMPRESSED) :]))
        except zlib.error as error:
            raise ValueError(f"{name} cannot be decompressed: {error}") from None
        return content.decode("utf-8", "surrogatepass")
    return text
