"""Records as TaxJar's JSON answers show them in live traffic, which is not how its documentation shows them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from local.simulators.taxjar.records import Account, StoredCustomer, StoredLine, StoredTransaction

Json = dict[str, object]


def money(value: Decimal) -> str:
    """A string with at least one decimal and no trailing zeros; a refund's zero keeps its sign: ``-0.0``."""
    digits = format(value.copy_abs().normalize(), "f")
    return ("-" if value.is_signed() else "") + (digits if "." in digits else f"{digits}.0")


def moment(value: datetime) -> str:
    """UTC with milliseconds."""
    return f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03}Z"


def transaction(record: StoredTransaction, account: Account) -> Json:
    return {
        "user_id": account.user_id,
        "transaction_id": record.transaction_id,
        "transaction_reference_id": record.transaction_reference_id,
        "transaction_date": moment(record.transaction_date),
        "provider": record.provider,
        "exemption_type": _exemption(record, account),
        "customer_id": record.customer_id,
        "from_country": record.from_country or "US",
        "from_state": record.from_state,
        "from_zip": record.from_zip,
        "from_city": _upper(record.from_city),
        "from_street": record.from_street,
        "to_country": record.to_country,
        "to_state": record.to_state,
        "to_zip": record.to_zip,
        "to_city": _upper(record.to_city),
        "to_street": record.to_street,
        "amount": money(record.amount),
        "shipping": money(record.shipping),
        "sales_tax": money(record.sales_tax),
        "line_items": [_line(position, line) for position, line in enumerate(record.line_items)],
    }


def _exemption(record: StoredTransaction, account: Account) -> str | None:
    is_void = record.exemption_type == "marketplace" and record.to_state in account.states_without_facilitator_law
    return None if is_void else record.exemption_type


def deleted_transaction(record: StoredTransaction, account: Account) -> Json:
    """Identifiers only, everything else null."""
    kept: Json = {
        "user_id": account.user_id,
        "transaction_id": record.transaction_id,
        "provider": record.provider,
        "line_items": [],
    }
    return dict.fromkeys(transaction(record, account)) | kept


def _line(position: int, line: StoredLine) -> Json:
    # The ids that were sent are not kept.
    return {
        "id": position,
        "quantity": line.quantity,
        "product_identifier": line.product_identifier,
        "description": line.description,
        "product_tax_code": line.product_tax_code,
        "unit_price": money(line.unit_price),
        "discount": money(line.discount),
        "sales_tax": money(line.sales_tax),
    }


def customer(record: StoredCustomer) -> Json:
    return {
        "customer_id": record.customer_id,
        "exemption_type": record.exemption_type,
        "name": record.name,
        "exempt_regions": [{"country": country, "state": state} for country, state in record.exempt_regions],
        "country": record.country,
        "state": record.state,
        "zip": record.zip,
        "city": record.city,
        "street": record.street,
    }


def _upper(value: str | None) -> str | None:
    return None if value is None else value.upper()
