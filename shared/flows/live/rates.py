"""Sales tax rates of a place: TaxJar's, kept for a day, and never made up."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationInfo, field_validator

from shared.connector import Connector
from shared.flows.live.calls import account_of, asking, check_place
from shared.ledger.rates import KnownRate
from shared.taxjar.taxes import (
    US,
    Code,
    Text,
    as_numbers,
    checked_rate,
    country_of,
    one_line,
    state_within,
    zip_within,
)
from shared.web import Problem, instant

_KEPT = timedelta(hours=24)


class RateQuery(BaseModel):
    """Route and query of ``look_up_rate``; city and street make the rate of a ZIP code more exact."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    company: str = ""
    country: Code = US
    zip: Annotated[str, BeforeValidator(one_line)]
    state: Text = None
    city: Text = None
    street: Text = None

    @field_validator("zip")
    @classmethod
    def _zip_of_the_country(cls, value: str, info: ValidationInfo) -> str:
        zip_within(country_of(info, "country"), value)
        if not any(character.isalnum() for character in value):
            raise ValueError("must be a postal code, such as 90002 or SW1A 1AA")
        return value

    @field_validator("state")
    @classmethod
    def _state_of_the_country(cls, value: str | None, info: ValidationInfo) -> str | None:
        return state_within(country_of(info, "country"), value)


async def look_up_rate(connector: Connector, connection: str, query: RateQuery) -> dict[str, Any]:
    """TaxJar's rates of a place with their age; older than a day, ``stale``, only while TaxJar cannot be asked.

    Raises :class:`NotFound`, and a :class:`Problem` when TaxJar has no rate, or none is known and it cannot be asked.
    """
    account = account_of(connector.connection(connection), query.company)
    check_place("", query.country, query.state, query.zip)
    place = query.model_dump(exclude={"company"}, exclude_none=True)
    account_id = account.client.account_id
    known = await connector.rates.get(account_id, place)
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
    return _answer(connector, await connector.rates.put(account_id, place, as_numbers(rate)))


def _answer(connector: Connector, known: KnownRate, *, stale: bool = False) -> dict[str, Any]:
    age = connector.clock() - known.read_at
    seconds = max(0, round(age.total_seconds()))
    return {"rate": known.rate, "read_at": instant(known.read_at), "age_seconds": seconds, "stale": stale}
