"""What TaxJar is asked for rather than told: ``/v2/nexus/regions``, ``/v2/categories`` and ``/v2/rates/:zip``."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local.simulators.taxjar import fields
from local.simulators.taxjar.errors import Refusal
from local.simulators.taxjar.records import Account
from local.simulators.taxjar.tables import STATES, Category, State, states_of_zip


async def list_nexus_regions(request: Request, account: Account) -> Response:
    return JSONResponse(
        {
            "regions": [
                {
                    "country_code": "US",
                    "country": "United States",
                    "region_code": code,
                    "region": STATES[code].name if code in STATES else code,
                }
                for code in account.nexus
            ]
        }
    )


class Categories:
    """The product tax codes, the same for every account."""

    def __init__(self, categories: Mapping[str, Category]) -> None:
        self._categories = categories

    async def list_categories(self, request: Request, account: Account) -> Response:
        rows = [
            {
                "name": category.name,
                "product_tax_code": category.product_tax_code,
                "description": category.description,
            }
            for category in self._categories.values()
        ]
        return JSONResponse({"categories": rows})


def unknown_place() -> Refusal:
    return Refusal(404, "Tax location not found")


async def show_rate(request: Request, account: Account) -> Response:
    """Rates as strings. A ZIP outside the given state, or a country other than the US, is an unknown place here."""
    zip_code, query = request.path_params["zip"], request.query_params
    if query.get("country", "US") != "US":
        raise unknown_place()
    if not fields.is_zip(zip_code):
        raise Refusal(400, f"zip {zip_code} isn't a valid postal code for US")
    codes = states_of_zip(zip_code)
    code = query.get("state") or (codes[0] if codes else "")
    if code not in codes or code not in STATES:
        raise unknown_place()
    return JSONResponse({"rate": _rate(zip_code, STATES[code], query.get("city", ""))})


def _rate(zip_code: str, state: State, city: str) -> dict[str, object]:
    return {
        "zip": zip_code,
        "country": "US",
        "country_rate": "0.0",
        "state": state.code,
        "state_rate": str(state.state_rate),
        "county": county_of(state),
        "county_rate": str(state.county_rate),
        "city": city.upper() or None,
        "city_rate": str(state.city_rate),
        "combined_district_rate": str(state.special_rate),
        "combined_rate": str(state.combined_rate),
        "freight_taxable": state.freight_taxable,
    }


def county_of(state: State) -> str:
    """The simulator knows one county per state."""
    return f"{state.name.upper()} COUNTY"
