"""Exempt customers in TaxJar: their JSON, and the upsert with one switch between POST and PUT at most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.taxjar.answers import Answer, Json
from shared.taxjar.client import TaxJarClient
from shared.taxjar.errors import AlreadyExists, NotFound, Rejected
from shared.transactions import TaxJarCustomer

_ADDRESS = ("country", "state", "zip", "city", "street")


class Contradicted(Rejected):
    """TaxJar says of one customer that it exists and that it does not: something passing, no refusal of the data."""


@dataclass(frozen=True, slots=True)
class Put:
    """TaxJar now holds the customer as it was sent."""

    answer: Answer
    created: bool


def customer_to_wire(customer: TaxJarCustomer) -> Json:
    """The whole record; what is unknown of the address is left out. No regions means that the exemption is for all."""
    place = customer.place
    address = dict(zip(_ADDRESS, (place.country, place.state, place.zip, place.city, place.street), strict=True))
    return {
        "customer_id": customer.customer_id,
        "exemption_type": customer.exemption_type.value,
        "name": customer.name,
        "exempt_regions": [{"country": "US", "state": state} for state in customer.exempt_states],
        **{name: value for name, value in address.items() if value},
    }


async def upsert_customer(client: TaxJarClient, customer: Mapping[str, Any], *, known: bool) -> Put:
    """PUT the customer when TaxJar is ``known`` to have it, else POST it; the other verb once if that was wrong.

    Raises the client's errors, and :class:`Contradicted` when the other verb is refused for the opposite reason.
    """
    try:
        return await (_put(client, customer) if known else _post(client, customer))
    except (AlreadyExists, NotFound) as error:
        contradiction = error
    try:
        return await (_post(client, customer) if known else _put(client, customer))
    except (AlreadyExists, NotFound) as error:
        words = f"{contradiction.detail} (and then {error.status}: {error.detail})"
        raise Contradicted(contradiction.status, words) from None


async def _post(client: TaxJarClient, customer: Mapping[str, Any]) -> Put:
    return Put(await client.create_customer(customer), created=True)


async def _put(client: TaxJarClient, customer: Mapping[str, Any]) -> Put:
    # Whatever a PUT leaves out stays as it was: only a null clears the part of an address that F&O no longer has.
    return Put(await client.update_customer({**dict.fromkeys(_ADDRESS), **customer}), created=False)
