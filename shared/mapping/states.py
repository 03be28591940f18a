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
_COUNTRY = re.compile(r"^USA?(?:\s*[-/]\s*(?=[A-Z]{2})| (?=[A-Z]{2}$))", re.IGNORECASE)


def state_code(text: str, state_codes: Mapping[str, str]) -> str | None:
    """The two-letter code of the US state a clerk typed, or ``None`` when it is no code, name or mapped value.

    ``state_codes`` (case-folded value → code, the ``STATE_CODES`` setting) wins over codes and names.
    """
    text = " ".join(text.split())
    mapped = state_codes.get(text.casefold())
    if mapped:
        return mapped.upper()
    bare = _COUNTRY.sub("", text).replace(",", " ")
    forms = [" ".join(bare.replace(".", dot).split()) for dot in ("", " ")]
    codes = (form.upper() for form in (*forms, forms[1].replace(" ", "")))
    names = (_CODES.get(form.casefold()) for form in forms)
    return next((code for code in codes if code in STATES), None) or next(filter(None, names), None)
