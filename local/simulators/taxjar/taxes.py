"""``POST /v2/taxes``: what it demands, and a deterministic, plausible calculation. Here money is JSON numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local.simulators.taxjar import breakdown, fields
from local.simulators.taxjar.errors import Refusal
from local.simulators.taxjar.fields import Body, Reader
from local.simulators.taxjar.places import check_place
from local.simulators.taxjar.records import ZERO, Account
from local.simulators.taxjar.reference import county_of, unknown_place
from local.simulators.taxjar.tables import STATES, Category, State
from local.simulators.taxjar.validation import TAX_FREE

_EUROPEAN_UNION = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
_SERVED = frozenset({"US", "CA", "AU", "GB", *_EUROPEAN_UNION.split()})
"""Where TaxJar calculates at all; anywhere else is an unknown place."""

_REQUEST: dict[str, Reader] = {
    **{f"{end}_country": fields.country for end in ("from", "to")},
    **{f"{end}_{part}": fields.text for end in ("from", "to") for part in ("zip", "state", "city", "street")},
    **dict.fromkeys(("amount", "shipping"), fields.money),
    "customer_id": fields.text,
    "exemption_type": fields.one_of("non_exempt", "government", "wholesale", "other", "marketplace"),
}
_NEXUS: dict[str, Reader] = {
    "id": fields.label,
    "country": fields.country,
    **dict.fromkeys(("zip", "state", "city", "street"), fields.text),
}
_LINE: dict[str, Reader] = {
    "id": fields.label,
    "quantity": fields.quantity,
    "product_tax_code": fields.text,
    **dict.fromkeys(("unit_price", "discount"), fields.money),
}


@dataclass(frozen=True, slots=True)
class _Line:
    id: str
    net: Decimal
    product_tax_code: str


@dataclass(frozen=True, slots=True)
class _Sale:
    """A request that can be calculated."""

    fields: Body
    lines: tuple[_Line, ...]
    amount: Decimal
    """Without shipping."""
    shipping: Decimal
    nexus: frozenset[str]


class Taxes:
    """Calculates for any account."""

    def __init__(self, categories: Mapping[str, Category]) -> None:
        self._categories = categories

    async def calculate(self, request: Request, account: Account) -> Response:
        sale = _read(await fields.read_body(request), account)
        return JSONResponse({"tax": self._tax(sale, account)})

    def _tax(self, sale: _Sale, account: Account) -> dict[str, object]:
        state = STATES.get(sale.fields["to_state"]) if sale.fields["to_country"] == "US" else None
        exemption = _exemption(sale, account)
        has_nexus = state is not None and state.code in sale.nexus
        tax: dict[str, object] = {
            "order_total_amount": float(sale.amount + sale.shipping),
            "shipping": float(sale.shipping),
            "taxable_amount": 0.0,
            "amount_to_collect": 0.0,
            "rate": 0.0,
            "has_nexus": has_nexus,
            "freight_taxable": False,
            "tax_source": None,
        }
        if exemption:
            tax["exemption_type"] = exemption
        if state is None or not has_nexus or exemption in TAX_FREE:
            return tax
        return tax | self._collected(sale, state)

    def _collected(self, sale: _Sale, state: State) -> dict[str, object]:
        taxable = [(line.id, self._taxable(line, state)) for line in sale.lines]
        goods = sum((amount for _, amount in taxable), ZERO) if sale.lines else sale.amount
        total = goods + (sale.shipping if state.freight_taxable else ZERO)
        collected: dict[str, object] = {
            "taxable_amount": float(total),
            "amount_to_collect": float(breakdown.cents(total * state.combined_rate)),
            "rate": float(state.combined_rate),
            "freight_taxable": state.freight_taxable,
            "tax_source": _source(sale, state),
            "jurisdictions": {
                "country": "US",
                "state": state.code,
                "county": county_of(state),
                "city": (sale.fields.get("to_city") or "").upper() or None,
            },
        }
        if sale.lines:
            collected["breakdown"] = breakdown.breakdown(state, total, sale.shipping, taxable)
        return collected

    def _taxable(self, line: _Line, state: State) -> Decimal:
        category = self._categories.get(line.product_tax_code)
        return ZERO if category and state.code in category.exempt_in else line.net


def _read(body: Body, account: Account) -> _Sale:
    fields.require(body, ("to_country",))
    given = fields.read(body, _REQUEST)
    if given["to_country"] not in _SERVED:
        raise unknown_place()
    fields.require(body, {"US": ("to_zip", "to_state"), "CA": ("to_state",)}.get(given["to_country"], ()))
    fields.require(body, ("shipping",))
    lines = tuple(_line(line, index) for index, line in enumerate(fields.items(body, "line_items")))
    if not lines and given.get("amount") is None:
        raise Refusal(400, "No amount or line items provided")
    nexus = _nexus(body, given, account)
    check_place(given["to_country"], given.get("to_zip"), given.get("to_state"), "to_{}")
    check_place(given.get("from_country") or "US", given.get("from_zip"), given.get("from_state"), "from_{}")
    # Where both are sent and differ, the lines win.
    amount = sum((line.net for line in lines), ZERO) if lines else given["amount"]
    return _Sale(given, lines, amount, given["shipping"], nexus)


def _line(line: Body, index: int) -> _Line:
    prefix = f"line_items[{index}]"
    if line.get("quantity") in (0, "0"):
        raise Refusal(422, f"{prefix}[quantity] must be greater than 0")
    read = {name: value for name, value in fields.read(line, _LINE, prefix).items() if value is not None}
    net = read.get("unit_price", ZERO) * read.get("quantity", 1) - read.get("discount", ZERO)
    return _Line(read.get("id", str(index + 1)), net, read.get("product_tax_code", ""))


def _nexus(body: Body, given: Body, account: Account) -> frozenset[str]:
    """States with nexus: those of the request replace the account's."""
    addresses = [
        _nexus_address(address, f"nexus_addresses[{index}]")
        for index, address in enumerate(fields.items(body, "nexus_addresses"))
    ]
    has_from = given.get("from_country") and given.get("from_zip") and given.get("from_state")
    if not addresses and not has_from and not account.address_on_file:
        raise Refusal(400, "No from address, no nexus address, and no address on file")
    if addresses:
        return frozenset(address["state"] for address in addresses if address["country"] == "US")
    return frozenset(account.nexus)


def _nexus_address(address: Body, prefix: str) -> Body:
    fields.require(address, ("country", "state"), prefix)
    read = fields.read(address, _NEXUS, prefix)
    check_place(read["country"], read.get("zip"), read["state"], f"{prefix}[{{}}]")
    return read


def _exemption(sale: _Sale, account: Account) -> str | None:
    """The customer's exemption beats the one of the request, unless that says ``non_exempt``."""
    asked: Any = sale.fields.get("exemption_type")
    customer = account.customers.get(sale.fields.get("customer_id") or "")
    if asked != "non_exempt" and customer and customer.is_exempt_in(sale.fields.get("to_state") or ""):
        return customer.exemption_type
    return str(asked) if asked else None


def _source(sale: _Sale, state: State) -> Literal["origin", "destination"]:
    return "origin" if state.source == "origin" and sale.fields.get("from_state") == state.code else "destination"
