"""US states as TaxJar wants them: two-letter codes, whatever a clerk typed."""

from __future__ import annotations

import re
from collections.abc import Mapping

from shared.states import STATE_NAMES, STATES

# Dots are dropped before a look-up: "N. Mex." is "n mex".
_ABBREVIATIONS = {
    "AL": "ala", "AZ": "ariz", "AR": "ark", "CA": "calif cal", "CO": "colo", "CT": "conn", "DE": "del", "FL": "fla",
    "IL": "ill", "IN": "ind", "KS": "kan kans", "KY": "ken kent", "MA": "mass", "MI": "mich", "MN": "minn",
    "MS": "miss", "MT": "mont", "NE": "neb nebr", "NV": "nev", "OK": "okla", "OR": "ore oreg", "PA": "penn penna",
    "TN": "tenn", "TX": "tex", "VA": "virg", "WA": "wash", "WI": "wis wisc", "WY": "wyo",
}  # fmt: skip
_CODES = (
    {name.casefold(): code for code, name in STATE_NAMES.items()}
    | {short: code for code, shorts in _ABBREVIATIONS.items() for short in shorts.split()}
    | {
        "washington dc": "DC",
        "wash dc": "DC",
        "dist of columbia": "DC",
        "n mex": "NM",
        "n dak": "ND",
        "s dak": "SD",
        "w va": "WV",
        "n car": "NC",
        "s car": "SC",
        "us virgin islands": "VI",
        "virgin islands us": "VI",
        "usvi": "VI",
        "commonwealth of the northern mariana islands": "MP",
        "cnmi": "MP",
    }
)
_SHORT = {"dak": "dakota", "car": "carolina", "va": "virginia"}
_DIRECTIONS = {"n": "north", "no": "north", "s": "south", "so": "south", "w": "west"}
_COUNTRY = re.compile(
    r"^USA?(?:\s*[-/_.]\s*(?=[A-Z]{2})| (?=[A-Z]{2}$))|(?<=[A-Z.])(?:\s*[-/_,]\s*| )U\.?S\.?A?\.?$", re.IGNORECASE
)
_OF = re.compile(r"^(?:the )?(?:state|commonwealth) of | state$", re.IGNORECASE)
_TWICE = re.compile(r"(.+?)\s*(?:\((.+)\)|[-/]\s*(.+))")


def state_code(text: str, state_codes: Mapping[str, str]) -> str | None:
    """The two-letter code of the US state a clerk typed, or ``None`` when it is not a code, name or mapped value.

    ``state_codes`` (case-folded value → code, the ``STATE_CODES`` setting) wins over codes and names.
    """
    text = " ".join(text.split())
    mapped = state_codes.get(text.casefold())
    if mapped:
        return mapped.upper()
    if text.upper() in STATES:
        return text.upper()
    bare = _OF.sub("", _COUNTRY.sub("", text))
    if code := _code(bare):
        return code
    if twice := _TWICE.fullmatch(bare):
        codes = {_code(part) for part in twice.groups() if part}
        return codes.pop() if len(codes) == 1 else None
    return None


def _code(text: str) -> str | None:
    """The code of one name or code: ``N.Y.``, ``N. Mex.``, ``No. Carolina``, ``Hawai'i``."""
    plain = "".join(char for char in text if char not in "'\u2018\u2019\u02bb").replace(",", " ")
    forms = [" ".join(plain.replace(".", dot).split()) for dot in ("", " ")]
    codes = (form.upper() for form in (*forms, forms[1].replace(" ", "")))
    first, _, rest = forms[1].casefold().partition(" ")
    names = [*(form.casefold() for form in forms), f"{_DIRECTIONS.get(first, first)} {_SHORT.get(rest, rest)}"]
    return next((code for code in codes if code in STATES), None) or next(filter(None, map(_CODES.get, names)), None)
