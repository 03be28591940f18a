"""Text as TaxJar can take it: one line, without control characters."""

from __future__ import annotations

import re

# Lone surrogates are no characters at all: JSON lets them in, and UTF-8 cannot write them.
_CONTROL = re.compile("\r\n|[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_MAX_DESCRIPTION = 255


def plain_text(text: str) -> str:
    """``text`` with each line break and control character as a space, trimmed."""
    return _CONTROL.sub(" ", text).strip()


def one_line(text: str) -> str:
    """:func:`plain_text` with runs of blanks as one, as in addresses."""
    return " ".join(plain_text(text).split())


def description(text: str) -> str:
    """A line's description, cut to the 255 characters TaxJar accepts."""
    return plain_text(text)[:_MAX_DESCRIPTION].rstrip()
