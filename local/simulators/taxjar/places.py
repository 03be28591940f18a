"""Whether the parts of a place are real and fit together, as far as TaxJar looks."""

from __future__ import annotations

import re

from local.simulators.taxjar import fields
from local.simulators.taxjar.errors import Refusal
from local.simulators.taxjar.tables import REGIONS, states_of_zip


def check_place(country: str, zip_code: str | None, state: str | None, names: str) -> None:
    """Refuse with 400 a ZIP code or state that is none, and two that do not fit; either may be absent.

    ``names`` makes the name of a field from its part: ``to_{}``.
    """
    if country == "US" and zip_code:
        if not fields.is_zip(zip_code) or not (state or states_of_zip(zip_code)):
            raise Refusal(400, f"{names.format('zip')} {zip_code} isn't a valid postal code for US")
        if state and state not in states_of_zip(zip_code):
            raise Refusal(400, f"{names.format('zip')} {zip_code} is not used within {names.format('state')} {state}")
    if state and country in REGIONS and state not in REGIONS[country]:
        raise Refusal(400, f"{names.format('state')} {state} isn't a valid state for {country}")


def is_region(country: str, code: str) -> bool:
    """Whether the code can be that of a state or province; where the country's are not known, any two letters can."""
    return code in REGIONS[country] if country in REGIONS else re.fullmatch("[A-Z]{2}", code) is not None
