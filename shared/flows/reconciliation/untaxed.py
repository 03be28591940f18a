"""Which untaxed sales nothing explains: no exemption, and lines that TaxJar would tax (design 4.7)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from shared.filing import FiledTransaction
from shared.taxjar import errors as taxjar
from shared.taxjar.client import TaxJarClient

_TAXABLE = (None, "", "non_exempt")
_PLACE = ("country", "state", "zip", "city", "street")


class UntaxedSales:
    """Judges untaxed lines. What a product tax code means in a state is asked of TaxJar once for each of the two."""

    def __init__(self, client: TaxJarClient) -> None:
        self._client = client
        self._explains: dict[tuple[str, str], bool] = {}

    async def is_without_reason(self, filed: FiledTransaction) -> bool:
        """Whether ``filed`` has an untaxed value, is not exempt, and no product tax code explains all of it."""
        payload = filed.payload
        if payload.get("exemption_type") not in _TAXABLE:
            return False
        untaxed = [line for line in payload.get("line_items") or () if _value(line) and not _number(line, "sales_tax")]
        if not untaxed:
            return bool(filed.sums.amount) and not filed.sums.sales_tax
        if any(not line.get("product_tax_code") for line in untaxed):
            return True
        return any([not await self._is_explained(payload, line) for line in untaxed])

    async def _is_explained(self, payload: Mapping[str, Any], line: Mapping[str, Any]) -> bool:
        key = (str(payload.get("to_state")), str(line["product_tax_code"]))
        if key not in self._explains:
            self._explains[key] = await self._ask(payload, line)
        return self._explains[key]

    async def _ask(self, payload: Mapping[str, Any], line: Mapping[str, Any]) -> bool:
        """Whether TaxJar collects nothing for one piece of ``line``; where it cannot tell, nothing is explained."""
        price = str(abs(_number(line, "unit_price")))
        ends = {f"{end}_{part}": payload.get(f"{end}_{part}") for end in ("from", "to") for part in _PLACE}
        nexus = {part: payload.get(f"to_{part}") for part in ("country", "state", "zip")}
        item = {"id": "1", "quantity": 1, "unit_price": price, "product_tax_code": line["product_tax_code"]}
        question = {name: value for name, value in ends.items() if value}
        question |= {"amount": price, "shipping": "0", "nexus_addresses": [nexus], "line_items": [item]}
        try:
            tax = await self._client.taxes(question)
        except (taxjar.Rejected, taxjar.AccessDenied):
            # A plan without tax calculation refuses the question, not the account.
            return False
        return _number(tax, "amount_to_collect") == 0


def _value(line: Mapping[str, Any]) -> Decimal:
    return abs(_number(line, "unit_price")) * _number(line, "quantity") - _number(line, "discount")


def _number(values: Mapping[str, Any], name: str) -> Decimal:
    return Decimal(str(values.get(name) or 0))
