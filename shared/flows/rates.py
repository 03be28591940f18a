"""Sales tax rates of a place: TaxJar's, kept for a day, and never made up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from shared.connector import Connector
from shared.flows.live import account_of, asking
from shared.ledger.rates import KnownRate
from shared.taxjar.taxes import ZIP, Code, Text, as_numbers, checked_rate
from shared.web import Problem, instant

_KEPT = timedelta(hours=24)


class RateQuery(BaseModel):
    """Route and query of ``look_up_rate``; city and street make the rate of a ZIP code more exact."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    company: str = ""
    country: Code = "US"
    zip: str = Field(min_length=1)
    state: Text = None
    city: Text = None
    street: Text = None

    @field_validator("zip")
    @classmethod
    def _us_zip(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("country", "") in ("US", None) and not ZIP.fullmatch(value):
            raise ValueError("must be a US ZIP code: five digits, or ZIP+4 such as 90002-1234")
        return value


async def look_up_rate(connector: Connector, connection: str, query: RateQuery) -> dict[str, Any]:
    """TaxJar's rates of a place with their age; older than a day, ``stale``, only while TaxJar cannot be asked.

    Raises :class:`NotFound`, and a :class:`Problem` when TaxJar has no rate, or none is known and it cannot be asked.
    """
    account = account_of(connector.connection(connection), query.company)
    place = query.model_dump(exclude={"company"}, exclude_none=True)
    known = await connector.rates.get(connection, place)
    if known and connector.clock() - known.read_at < _KEPT:
        return _answer(connector, known)
    where = {name: value for name, value in place.items() if name != "zip"}
    try:
        async with asking(account, connector.clock()):
            rate = checked_rate(await account.client.rates(query.zip, **where))
    except Problem as problem:
        if known and problem.status == 503:
            return _answer(connector, known, stale=True)
        raise
    return _answer(connector, await connector.rates.put(connection, place, as_numbers(rate)))


def _answer(connector: Connector, known: KnownRate, *, stale: bool = False) -> dict[str, Any]:
    age = connector.clock() - known.read_at
    seconds = max(0, round(age.total_seconds()))
    return {"rate": known.rate, "read_at": instant(known.read_at), "age_seconds": seconds, "stale": stale}
