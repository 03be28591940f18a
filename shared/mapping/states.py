"""US states as TaxJar wants them: two-letter codes, whatever a clerk typed."""

from __future__ import annotations

from collections.abc import Mapping

from shared.states import STATE_NAMES, STATES

_CODES = {name.casefold(): code for code, name in STATE_NAMES.items()} | {
    "washington dc": "DC",
    "us virgin islands": "VI",
    "commonwealth of the northern mariana islands": "MP",
}


def state_code(text: str, state_codes: Mapping[str, str]) -> str | None:
    """The two-letter code of the US state a clerk typed, or ``None`` when it is no code, name or mapped value.

    ``state_codes`` (case-folded value → code, the ``STATE_CODES`` setting) wins over codes and names.
    """
    text = " ".join(text.split())
    mapped = state_codes.get(text.casefold())
    if mapped:
        return mapped.upper()
    plain = " ".join(text.replace(".", "").replace(",", " ").split())
    return plain.upper() if plain.upper() in STATES else _CODES.get(plain.casefold())
