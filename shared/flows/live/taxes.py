"""Live tax on demand: TaxJar's calculation for a sale. Nothing is stored, and nothing is written to F&O."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from shared.connector import Connector
from shared.flows.live.calls import account_of, asking, check_place
from shared.taxjar.answers import Json
from shared.taxjar.taxes import TaxRequest, as_numbers, checked_tax


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
    check_place("to_", request.to_country, request.to_state, request.to_zip)
    check_place("from_", request.from_country, request.from_state, request.from_zip)
    for index, address in enumerate(request.nexus_addresses or ()):
        check_place(f"nexus_addresses.{index}.", address.country, address.state, address.zip)
    async with asking(account, connector.clock()):
        tax = checked_tax(await account.client.taxes(request.to_wire()))
    return {"tax": as_numbers(tax)}
