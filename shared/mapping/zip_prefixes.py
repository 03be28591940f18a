"""Which state each US ZIP code belongs to, by its first three digits (US Postal Service sectional centers)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

_PREFIXES = {
    "AA": "340",
    "AE": "090-099",
    "AK": "995-999",
    "AL": "350-352 354-369",
    "AP": "962-966",
    "AR": "716-729",
    "AZ": "850-853 855-857 859-860 863-865",
    "CA": "900-908 910-928 930-961",
    "CO": "800-816",
    "CT": "060-069",
    "DC": "200 202-205 569 888",
    "DE": "197-199",
    "FL": "320-339 341-342 344 346-347 349",
    "GA": "300-319 398-399",
    "GU": "969",
    "HI": "967-968",
    "IA": "500-516 520-528",
    "ID": "832-838",
    "IL": "600-620 622-629",
    "IN": "460-479",
    "KS": "660-662 664-679",
    "KY": "400-418 420-427",
    "LA": "700-701 703-708 710-714",
    "MA": "010-027 055",
    "MD": "206-212 214-219",
    "ME": "039-049",
    "MI": "480-499",
    "MN": "550-551 553-567",
    "MO": "630-631 633-641 644-658",
    "MS": "386-397",
    "MT": "590-599",
    "NC": "270-289",
    "ND": "580-588",
    "NE": "680-681 683-693",
    "NH": "030-038",
    "NJ": "070-089",
    "NM": "870-871 873-884",
    "NV": "889-891 893-895 897-898",
    "NY": "005 100-149",
    "OH": "430-459",
    "OK": "730-731 734-741 743-749",
    "OR": "970-979",
    "PA": "150-196",
    "PR": "006-007 009",
    "RI": "028-029",
    "SC": "290-299",
    "SD": "570-577",
    "TN": "370-385",
    "TX": "733 750-770 772-799 885",
    "UT": "840-847",
    "VA": "201 220-246",
    "VI": "008",
    "VT": "050-054 056-059",
    "WA": "980-986 988-994",
    "WI": "530-532 534-535 537-549",
    "WV": "247-268",
    "WY": "820-831",
}

# Post offices that another state's sectional center serves, and ZIP codes that lie in two states (US Census lists).
_EXCEPTIONS = {
    "02861": "MA RI",
    "06390": "NY",
    "20588": "DC MD",
    "20598": "DC VA",
    "42223": "KY TN",
    "59221": "MT ND",
    "63673": "IL MO",
    "71749": "AR LA",
    "72643": "AR MO",
    "73949": "OK TX",
    "73960": "OK TX",
    "81137": "CO NM",
    "83414": "WY",
    "84536": "AZ UT",
    "86044": "AZ UT",
    "86515": "AZ NM",
    "88063": "NM TX",
    "89439": "CA NV",
    "96799": "AS",
    "96950": "MP",
    "96951": "MP",
    "96952": "MP",
    "97635": "CA OR",
}


def _expand(prefixes: dict[str, str]) -> dict[str, frozenset[str]]:
    states: dict[str, set[str]] = {}
    for state, ranges in prefixes.items():
        for first, _, last in (text.partition("-") for text in ranges.split()):
            for prefix in range(int(first), int(last or first) + 1):
                states.setdefault(f"{prefix:03}", set()).add(state)
    return {prefix: frozenset(found) for prefix, found in states.items()}


_STATES_BY_PREFIX = _expand(_PREFIXES)


def states_of_zip(zip_code: str, zip_states: Mapping[str, Collection[str]] | None = None) -> frozenset[str]:
    """The states a ZIP code (five digits or ZIP+4) can belong to; empty for a prefix that is assigned to none.

    ``zip_states`` (five digits → states, the setting ``ZIP_STATES``) wins over the tables.
    """
    own = (zip_states or {}).get(zip_code[:5])
    if own:
        return frozenset(own)
    exception = _EXCEPTIONS.get(zip_code[:5])
    return frozenset(exception.split()) if exception else _STATES_BY_PREFIX.get(zip_code[:3], frozenset())
