"""Live tax on demand: TaxJar's calculation for a sale. Nothing is stored, and nothing is written to F&O."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from shared.connector import Connector
from shared.flows.live import account_of, asking
from shared.mapping import zip_fits_state
from shared.taxjar.answers import Json
from shared.taxjar.taxes import TaxRequest, as_numbers, checked_tax
from shared.transactions import Place
from shared.web import Problem


class TaxQuery(BaseModel):
    """The query of ``calculate_tax``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    company: str = ""
    """Whose TaxJar account calculates."""


async def calculate_tax(connector: Connector, connection: str, request: TaxRequest, query: TaxQuery) -> Json:
    """TaxJar's answer in its own form, money as numbers.

    Raises :class:`NotFound`, and a :class:`Problem` in the caller's terms when TaxJar cannot or will not calculate.
    """
    account = account_of(connector.connection(connection), query.company)
    _check_place("to", request.to_country, request.to_state, request.to_zip)
    _check_place("from", request.from_country, request.from_state, request.from_zip)
    async with asking(account, connector.clock()):
        tax = checked_tax(await account.client.taxes(request.to_wire()))
    return {"tax": as_numbers(tax)}


def _check_place(end: str, country: str | None, state: str | None, zip_code: str | None) -> None:
    if country and state and zip_code and not zip_fits_state(Place(country, state, zip_code)):
        raise Problem(400, "bad_request", f"{end}_zip: {zip_code} is not used within {end}_state {state}")
