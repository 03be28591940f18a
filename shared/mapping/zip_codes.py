"""ZIP codes as clerks type them: what is certain is repaired, what has to be confirmed by the state is said so."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from shared.mapping.states import state_code

_DASHES = re.compile(r"\s*[-\u2010-\u2015\u2212\ufe58\ufe63\uff0d]+\s*")
_WITHOUT_MEANING = re.compile(r"^(?:USA?[ -]+(?=[0-9O]))|^['.,]+|[.,-]+$|(?<=[0-9])\.0$")
"""A country before the ZIP code, marks around it, and what spreadsheets make of a number."""
_WITH_STATE = re.compile(r"([A-Z][A-Z. -]*[A-Z.])[ ,.-]+([0-9O][0-9O -]*)|([A-Z]{2})([0-9][0-9O -]*)")
_STATE_BEHIND = re.compile(r"([0-9O][0-9O-]*)[ ,]+([A-Z][A-Z. ]*)")
_FULL = re.compile(r"([0-9]{5})[- ]?([0-9]{4})?")
_SHORT = re.compile(r"([0-9]{3,4})(?:[- ]?([0-9]{4}))?")


@dataclass(frozen=True, slots=True)
class TypedZip:
    """What stands in an address's ZIP field."""

    zip: str = ""
    """ZIP5 or ZIP+4 with its dash; empty when it is not a ZIP code."""
    state: str = ""
    """The code of a state that is written before the ZIP code."""
    needs_state: bool = False
    """A lost leading zero or a letter O was put right: only the state can confirm it."""


def read_zip(text: str, state_codes: Mapping[str, str]) -> TypedZip:
    """Read a ZIP field: ``MA 02134``, any dash, lost leading zeros (``2134``), the letter O for zero, ``78704.0``."""
    if full := _FULL.fullmatch(text):
        return TypedZip(_written(*full.groups()))
    plain = unicodedata.normalize("NFKC", " ".join(text.split())).upper()
    plain = _WITHOUT_MEANING.sub("", _DASHES.sub("-", plain)).strip()
    state = ""
    if behind := _STATE_BEHIND.fullmatch(plain):
        plain = _WITHOUT_MEANING.sub("", f"{behind.group(2)} {behind.group(1)}")
    if match := _WITH_STATE.fullmatch(plain):
        name, digits = match.group(1) or match.group(3), match.group(2) or match.group(4)
        state = state_code(name, state_codes) or ""
        if state:
            plain = digits.strip()
    digits = plain.replace("O", "0")
    if full := _FULL.fullmatch(digits):
        return TypedZip(_written(*full.groups()), state, needs_state=digits != plain)
    if short := _SHORT.fullmatch(digits):
        return TypedZip(_written(short.group(1).zfill(5), short.group(2)), state, needs_state=True)
    return TypedZip("", state)


def _written(five: str, four: str | None) -> str:
    return f"{five}-{four}" if four else five
