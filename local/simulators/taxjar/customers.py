"""``/v2/customers``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local.simulators.taxjar import fields, rendering
from local.simulators.taxjar.errors import Refusal, not_found
from local.simulators.taxjar.fields import Body, Reader
from local.simulators.taxjar.places import is_region
from local.simulators.taxjar.records import Account, StoredCustomer

_REQUIRED = ("customer_id", "exemption_type", "name")


def _country(value: Any, name: str) -> str:
    try:
        return fields.country(value, name)
    except Refusal as refusal:
        raise Refusal(refusal.status, [str(refusal.detail)]) from None


def _check_regions(customer: StoredCustomer) -> StoredCustomer:
    """Refuse states that are none of their country, which is the US where none is given."""
    own = [(customer.country or "US", customer.state)] if customer.state is not None else []
    for country, state in [*own, *customer.exempt_regions]:
        if not is_region(country, state):
            raise Refusal(406, ["state must be a two-letter ISO code."])
    return customer


_CUSTOMER: dict[str, Reader] = {
    "customer_id": fields.identifier,
    "exemption_type": fields.one_of("non_exempt", "government", "wholesale", "other"),
    "country": _country,
    **dict.fromkeys(("name", "state", "zip", "city", "street"), fields.text),
}
_REGION: dict[str, Reader] = {"country": _country, "state": fields.text}


async def list_ids(request: Request, account: Account) -> Response:
    return JSONResponse({"customers": list(account.customers)})


async def create(request: Request, account: Account) -> Response:
    given = _read(await fields.read_body(request))
    customer = _check_regions(StoredCustomer(**given))
    if customer.customer_id in account.customers:
        raise Refusal(422, "Customer already exists for your user account")
    account.customers[customer.customer_id] = customer
    return _answer(customer, 201)


async def show(request: Request, account: Account) -> Response:
    return _answer(_find(request, account))


async def update(request: Request, account: Account) -> Response:
    """Needs the same three fields as a POST; of the others those not given stay, and a null clears."""
    body = await fields.read_body(request)
    stored = _find(request, account)
    given = _read(body)
    if given["customer_id"] != stored.customer_id:
        raise fields.invalid("customer_id")
    customer = _check_regions(replace(stored, **given))
    account.customers[customer.customer_id] = customer
    return _answer(customer)


async def delete(request: Request, account: Account) -> Response:
    """Refused while transactions name the customer: whether TaxJar allows it then is not known."""
    customer = _find(request, account)
    if any(record.customer_id == customer.customer_id for record in account.transactions.values()):
        raise Refusal(422, "Customer has transactions")
    del account.customers[customer.customer_id]
    return _answer(customer)


def _read(body: Body) -> Body:
    fields.require(body, _REQUIRED)
    given = fields.read(body, _CUSTOMER)
    if "exempt_regions" in body:
        given["exempt_regions"] = tuple(
            _region(region, f"exempt_regions[{index}]")
            for index, region in enumerate(fields.items(body, "exempt_regions"))
        )
    return given


def _region(region: Body, prefix: str) -> tuple[str, str]:
    fields.require(region, _REGION, prefix)
    read = fields.read(region, _REGION, prefix)
    return read["country"], read["state"]


def _find(request: Request, account: Account) -> StoredCustomer:
    customer = account.customers.get(request.path_params["id"])
    if customer is None:
        raise not_found()
    return customer


def _answer(customer: StoredCustomer, status: int = 200) -> Response:
    return JSONResponse({"customer": rendering.customer(customer)}, status)
