"""Any text as part of a key of Table Storage."""

from __future__ import annotations

import hashlib
import re

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
_LONGEST, _READABLE = 200, 120
"""Characters of an encoded text: two of them, a date and the rest fit into the 512 that a key may have."""


def encode(text: str) -> str:
    """``text`` in characters that Table Storage allows in a key, at most 200; different texts stay different.

    Of a longer text only the beginning can be read. Behind ``==``, which nothing else has, follows its SHA-256.
    """
    encoded = _UNSAFE.sub(lambda match: "".join(f"={byte:02x}" for byte in match[0].encode()), text)
    if len(encoded) <= _LONGEST:
        return encoded
    return f"{encoded[:_READABLE].rstrip('=')}=={hashlib.sha256(text.encode()).hexdigest()}"
