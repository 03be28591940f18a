"""What TaxJar demands of an order or refund, on POST and on PUT."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from local.simulators.taxjar import fields
from local.simulators.taxjar.errors import Refusal
from local.simulators.taxjar.fields import Body, Reader
from local.simulators.taxjar.places import check_place
from local.simulators.taxjar.records import Account, Kind, StoredLine, StoredTransaction

CHECKS_AMOUNTS = "2020-08-07"
CHECKS_TAX_CODES = "2022-01-24"
VERSIONS = ("2012-01-01", CHECKS_AMOUNTS, CHECKS_TAX_CODES)
ACCOUNT_VERSION = CHECKS_AMOUNTS
"""What applies without a valid ``x-api-version``."""
MAX_DESCRIPTION = 255
TAX_FREE = ("wholesale", "government", "other")

_REQUIRED = (
    "transaction_id",
    "transaction_date",
    "to_country",
    "to_zip",
    "to_state",
    "amount",
    "shipping",
    "sales_tax",
)
_NEVER_NULL = ("exemption_type", "provider")


def _plugin(value: Any, name: str) -> str:
    if not isinstance(value, str) or not re.fullmatch("[a-z0-9]+", value):
        raise fields.invalid(name)
    return value


_TRANSACTION: dict[str, Reader] = {
    "transaction_id": fields.identifier,
    "transaction_date": fields.moment,
    "transaction_reference_id": fields.identifier,
    "provider": fields.text,
    "customer_id": fields.identifier,
    "exemption_type": fields.one_of("non_exempt", "government", "wholesale", "other", "marketplace"),
    **{f"{end}_country": fields.country for end in ("from", "to")},
    **{f"{end}_{part}": fields.text for end in ("from", "to") for part in ("zip", "state", "city", "street")},
    **dict.fromkeys(("amount", "shipping", "sales_tax"), fields.money),
}
_LINE_TEXTS = ("product_identifier", "description", "product_tax_code")
_LINE: dict[str, Reader] = {
    "quantity": fields.quantity,
    **dict.fromkeys(_LINE_TEXTS, fields.text),
    **dict.fromkeys(("unit_price", "discount", "sales_tax"), fields.money),
}
_TEXTS = frozenset(_TRANSACTION.keys() - {"amount", "shipping", "sales_tax", *_NEVER_NULL}) | frozenset(_LINE_TEXTS)
"""Fields that an empty string clears."""


def read_new(body: Body, kind: Kind) -> StoredTransaction:
    """The record that a POST asks for."""
    fields.require(body, _required(kind))
    for index, line in enumerate(fields.items(body, "line_items")):
        fields.require(line, ("sales_tax",), f"line_items[{index}]")
    return StoredTransaction(kind=kind, **_given(body, kind))


def read_update(body: Body, stored: StoredTransaction) -> StoredTransaction:
    """``stored`` with the fields that a PUT gives; lines are replaced as a whole.

    A field that is left out stays, an empty string clears it.
    """
    needed = ("transaction_id", "transaction_reference_id") if stored.kind == "refund" else ("transaction_id",)
    fields.require(body, needed)
    fields.require_given(body, _required(stored.kind))
    if body["transaction_id"] != stored.transaction_id:
        raise fields.invalid("transaction_id")
    return replace(stored, **_given(body, stored.kind))


def _required(kind: Kind) -> tuple[str, ...]:
    return (*_REQUIRED, "transaction_reference_id") if kind == "refund" else _REQUIRED


def _given(body: Body, kind: Kind) -> Body:
    for name in _NEVER_NULL:
        if name in body and fields.is_blank(body[name]):
            raise fields.invalid(name)
    if "plugin" in body:
        _plugin(body["plugin"], "plugin")
    given = _not_null(body, _TRANSACTION)
    for name in ("amount", "shipping", "sales_tax"):
        if name in given:
            given[name] = _signed(given[name], kind)
    if "line_items" in body:
        lines = fields.items(body, "line_items")
        given["line_items"] = tuple(_line(line, kind, f"line_items[{index}]") for index, line in enumerate(lines))
    return given


def _line(line: Body, kind: Kind, prefix: str) -> StoredLine:
    given = _not_null(line, _LINE, prefix)
    if len(given.get("description") or "") > MAX_DESCRIPTION:
        raise Refusal(400, f"{prefix}[description] is too long (maximum is {MAX_DESCRIPTION} characters)")
    read = StoredLine(**given)
    return replace(
        read,
        unit_price=_signed(read.unit_price, kind),
        discount=read.discount.copy_abs(),
        sales_tax=_signed(read.sales_tax, kind),
    )


def _not_null(body: Body, readers: Mapping[str, Reader], prefix: str = "") -> Body:
    """The given fields; a null says nothing (whether it would clear is not known), an empty text is not a value."""
    told = {name: value for name, value in body.items() if value is not None}
    cleared = {name: None for name in _TEXTS if told.get(name) == "" and name in readers}
    return fields.read({name: told[name] for name in told if name not in cleared}, readers, prefix) | cleared


def _signed(value: Decimal, kind: Kind) -> Decimal:
    # TaxJar takes every amount as absolute and signs it by the kind of record, whatever sign it was sent with.
    return value.copy_abs() if kind == "order" else value.copy_abs().copy_negate()


def check(record: StoredTransaction, account: Account, version: str, tax_codes: Container[str]) -> None:
    """Refuse with 400 what would be wrong as a whole. ``version`` is the one in force for the request."""
    _check_addresses(record, account)
    _check_exemption(record)
    if version >= CHECKS_AMOUNTS:
        _check_amount(record)
    if version >= CHECKS_TAX_CODES:
        _check_tax_codes(record, tax_codes)


def _check_addresses(record: StoredTransaction, account: Account) -> None:
    if record.to_country != "US":
        # Whether TaxJar would take such a record is not known; it can file nothing for it.
        raise Refusal(400, f"to_country {record.to_country} is not supported")
    check_place("US", record.to_zip, record.to_state, "to_{}")
    check_place(record.from_country or "US", record.from_zip, record.from_state, "from_{}")
    has_from = record.from_country and (record.from_country != "US" or (record.from_zip and record.from_state))
    if not has_from and not account.address_on_file:
        raise Refusal(400, "No from address, no nexus address, and no address on file")


def _check_exemption(record: StoredTransaction) -> None:
    taxes = (record.sales_tax, *(line.sales_tax for line in record.line_items))
    if record.exemption_type in TAX_FREE and any(taxes):
        raise Refusal(400, "exemption_type must be non_exempt or left out when sales_tax was collected")


def _check_amount(record: StoredTransaction) -> None:
    if not record.line_items:
        return
    lines = sum(line.unit_price.copy_abs() * line.quantity - line.discount for line in record.line_items)
    if record.amount.copy_abs() != lines + record.shipping.copy_abs():
        raise Refusal(400, "amount must be equal to the sum of line items and shipping, excluding sales tax.")


def _check_tax_codes(record: StoredTransaction, tax_codes: Container[str]) -> None:
    sent = dict.fromkeys(line.product_tax_code for line in record.line_items if line.product_tax_code)
    unknown = [code for code in sent if code not in tax_codes]
    if unknown:
        raise Refusal(400, f"line_items include invalid tax codes: {', '.join(unknown)}")
