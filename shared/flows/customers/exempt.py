"""The exempt customers of a company as a list: who, where, by which rule, and whom TaxJar refused (design 3.1)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from shared.connector import Connector
from shared.csv_text import to_csv
from shared.ledger.customers import CustomerShown, Standing
from shared.web import Answer, attachment, instant

State = Literal["exempt", "refused", "pending"]


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


class CustomersQuery(BaseModel):
    """The query of ``list_exempt_customers``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: Annotated[State | None, BeforeValidator(_lower)] = None
    account: str = ""
    """In F&O; without it all."""
    limit: Annotated[int, Field(ge=1, le=500)] = 100
    after: str = ""
    format: Literal["json", "csv"] = "json"

    def fits(self, customer: CustomerShown) -> bool:
        """Whether the list has the customer; one whose exemption ended is in no list."""
        if customer.standing is Standing.NOT_EXEMPT or self.state not in (None, customer.standing.value):
            return False
        return not self.account or customer.asked.account.casefold() == self.account.strip().casefold()


async def list_exempt_customers(connector: Connector, connection: str, company: str, query: CustomersQuery) -> Answer:
    """A page of customers by their ids in TaxJar, how many there are, and when they were last synced.

    Raises :class:`NotFound` for a connection or company that the settings do not have.
    """
    connector.connection(connection).company(company)
    found = [each async for each in connector.customers.shown(connection, company) if query.fits(each)]
    count = len(found)
    found = sorted((each for each in found if each.customer_id > query.after), key=lambda each: each.customer_id)
    if query.format == "csv":
        rows = ({**_shown(each), "regions": " ".join(each.asked.regions)} for each in found)
        text = to_csv(COLUMNS, ({name: str(row[name] or "") for name in COLUMNS} for row in rows))
        return attachment(text, f"exempt-customers-{company}.csv")
    page, rest = found[: query.limit], found[query.limit :]
    following = None
    if rest:
        asked = query.model_dump(mode="json", exclude_defaults=True) | {"after": page[-1].customer_id}
        following = f"/api/customers/{quote(connection)}/{quote(company)}?{urlencode(asked)}"
    synced = (await connector.last_runs.of(connection)).get("sync_exempt_customers")
    return Answer(
        body={
            "customers": [_shown(each) for each in page],
            "count": count,
            "next": following,
            "synced_at": instant(synced),
        }
    )


COLUMNS = ("customer_id", "account", "name", "exemption_type", "regions", "rule", "state", "message", "updated_at")
"""Of the CSV."""


def _shown(customer: CustomerShown) -> dict[str, Any]:
    asked = customer.asked
    return {
        "customer_id": customer.customer_id,
        "account": asked.account,
        "name": asked.name or None,
        "exemption_type": asked.exemption_type,
        "regions": list(asked.regions),
        "rule": asked.rule or None,
        "state": customer.standing.value,
        "message": None if customer.standing is Standing.EXEMPT else customer.message or None,
        "updated_at": instant(datetime.fromisoformat(customer.updated_at)) if customer.updated_at else None,
    }
