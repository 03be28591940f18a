"""The simulator's reference data: countries, states with their rates, ZIP prefixes per state, product categories."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Literal

_HERE = Path(__file__).parent
_PROVINCES = "AB BC MB NB NL NS NT NU ON PE QC SK YT"
_COUNTRIES = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA"
    " CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA"
    " GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP"
    " KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS"
    " MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS"
    " RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW"
    " TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW"
)


@dataclass(frozen=True, slots=True)
class State:
    """A state with plausible rates, the same everywhere in it: no advice on what is due."""

    code: str
    name: str
    state_rate: Decimal
    county_rate: Decimal
    city_rate: Decimal
    special_rate: Decimal
    freight_taxable: bool
    source: Literal["origin", "destination"]

    @property
    def combined_rate(self) -> Decimal:
        return self.state_rate + self.county_rate + self.city_rate + self.special_rate


@dataclass(frozen=True, slots=True)
class Category:
    """A product tax code and the states where its products are not taxed."""

    product_tax_code: str
    name: str
    description: str
    exempt_in: frozenset[str] = frozenset()


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (_HERE / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _states() -> dict[str, State]:
    return {
        row["code"]: State(
            code=row["code"],
            name=row["name"],
            state_rate=Decimal(row["state_rate"]),
            county_rate=Decimal(row["county_rate"]),
            city_rate=Decimal(row["city_rate"]),
            special_rate=Decimal(row["special_rate"]),
            freight_taxable=row["freight_taxable"] == "yes",
            source="origin" if row["source"] == "origin" else "destination",
        )
        for row in _rows("states.csv")
    }


def _categories() -> dict[str, Category]:
    return {
        row["product_tax_code"]: Category(
            row["product_tax_code"], row["name"], row["description"], frozenset(row["exempt_in"].split())
        )
        for row in _rows("categories.csv")
    }


def _prefixes() -> dict[str, tuple[str, ...]]:
    states: dict[str, tuple[str, ...]] = {}
    for row in _rows("zip_prefixes.csv"):
        for span in row["prefixes"].split():
            first, _, last = span.partition("-")
            for number in range(int(first), int(last or first) + 1):
                prefix = f"{number:0{len(first)}}"
                states[prefix] = (*states.get(prefix, ()), row["state"])
    return states


STATES = _states()
"""By code; the ZIP prefixes also know military and island codes that have no rates here."""
CATEGORIES = _categories()
_STATES_OF_PREFIX = _prefixes()

COUNTRIES = frozenset(_COUNTRIES.split())
"""ISO 3166, two letters."""
REGIONS = {
    "US": frozenset(state for states in _STATES_OF_PREFIX.values() for state in states),
    "CA": frozenset(_PROVINCES.split()),
}
"""Codes of the states or provinces of a country, where they are known."""


def states_of_zip(zip_code: str) -> tuple[str, ...]:
    """The states in which a ZIP code may lie, by its first three digits, but for some single codes; none if unused."""
    return _STATES_OF_PREFIX.get(zip_code[:5]) or _STATES_OF_PREFIX.get(zip_code[:3], ())
