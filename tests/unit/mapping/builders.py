"""Small documents for the mapping tests: say what matters, the rest is an ordinary US sale that adds up."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from shared.documents import (
    Address,
    Charge,
    Customer,
    DocumentKey,
    DocumentType,
    Line,
    OriginalInvoice,
    OriginalRoute,
    PostedDocument,
)
from shared.mapping import Held, Mapped, MappedTransaction, Skipped, map_document
from shared.settings import CompanySettings
from shared.transactions import Transaction

AUSTIN = Address(country="USA", country_iso="US", state="TX", zip="78701", city="Austin", street="410 Congress Ave")
DENVER = Address(country="USA", country_iso="US", state="CO", zip="80202", city="Denver", street="1 Wynkoop St")
RENO = Address(country="USA", country_iso="US", state="NV", zip="89501", city="Reno", street="5 Virginia St")
DALLAS = Address(country="USA", country_iso="US", state="TX", zip="75201", city="Dallas", street="2200 Irving Blvd")
LONDON = Address(country="GBR", country_iso="GB", state="", zip="SW1A 1AA", city="London", street="1 The Mall")
BLANK = Address()

ORIGINAL = "INV-1"


def money(value: str | int | Decimal) -> Decimal:
    return Decimal(value)


def company(**settings: Any) -> CompanySettings:
    return CompanySettings.model_validate({"report_from": "2026-01-01", **settings})


def line(amount: str | int | Decimal = "100.00", **values: Any) -> Line:
    defaults: dict[str, Any] = {"sequence": 1, "product": "P-1", "description": "Torque driver", "quantity": 1}
    values = defaults | values
    for name in ("quantity", "tax", "discount"):
        if name in values:
            values[name] = money(values[name])
    return Line(amount=money(amount), **values)


def charge(
    amount: str | int | Decimal,
    code: str = "FREIGHT",
    *,
    shipping: bool | None = True,
    tax: str = "0",
    of_line: int | None = None,
) -> Charge:
    return Charge(
        code=code, text=f"{code} charge", amount=money(amount), tax=money(tax), is_shipping=shipping, line=of_line
    )


def document(
    *lines: Line,
    charges: tuple[Charge, ...] | None = (),
    net: str | int | Decimal | None = None,
    tax: str | int | None = None,
    number: str = "INV-9",
    dated: date = date(2026, 3, 17),
    **values: Any,
) -> PostedDocument:
    """A document whose totals follow from its parts unless ``net`` or ``tax`` say otherwise."""
    end_discount = money(values.pop("end_discount", 0))
    sign = -1 if sum(item.amount for item in lines) < 0 else 1
    total_charges = sum((item.amount for item in charges or ()), Decimal(0))
    total_charges = money(values.pop("total_charges", total_charges))
    line_tax = sum((item.tax for item in lines), Decimal(0))
    charge_tax = sum((item.tax for item in charges or ()), Decimal(0))
    total_tax = line_tax + charge_tax if tax is None else money(tax)
    goods = sum((item.amount for item in lines), Decimal(0)) - sign * end_discount
    computed = goods + total_charges - (total_tax if values.get("prices_include_tax") else 0)
    defaults: dict[str, Any] = {
        "type": DocumentType.SALES_ORDER,
        "currency": "USD",
        "invoice_account": "C-1",
        "delivery_address": AUSTIN,
        "legal_entity_address": DALLAS,
        "customer": Customer(account="C-1", name="Barton Tools"),
    }
    return PostedDocument(
        key=DocumentKey("usmf", dated, number, "V-1"),
        total_amount=(computed if net is None else money(net)) + total_tax,
        total_tax=total_tax,
        lines=lines,
        charges=charges,
        total_charges=total_charges,
        end_discount=end_discount,
        **(defaults | values),
    )


def credit_note(*lines: Line, **values: Any) -> PostedDocument:
    """A document linked to an original; give its lines F&O's negative signs."""
    return document(
        *lines,
        **({"originals": (OriginalInvoice(ORIGINAL, date(2026, 2, 1), OriginalRoute.CREDIT_INVOICING),)} | values),
    )


def outcome(posted: PostedDocument, settings: CompanySettings | None = None, **options: Any) -> Mapped | Skipped | Held:
    return map_document(posted, settings or company(), **({"tax_categories": None} | options))


def mapped(posted: PostedDocument, settings: CompanySettings | None = None, **options: Any) -> Transaction:
    """The only transaction of ``posted``."""
    (only,) = parts(posted, settings, **options)
    return only.transaction


def parts(
    posted: PostedDocument, settings: CompanySettings | None = None, **options: Any
) -> tuple[MappedTransaction, ...]:
    """All transactions of ``posted``, with what the ledger keeps of them."""
    result = outcome(posted, settings, **options)
    assert isinstance(result, Mapped), result
    return result.transactions


def figures(posted: PostedDocument, settings: CompanySettings | None = None, **options: Any) -> list[str]:
    """Each transaction in short: ``order TX 100.00/8.25``."""
    sent = [part.transaction for part in parts(posted, settings, **options)]
    return [f"{one.kind} {one.ship_to.state} {one.amount}/{one.sales_tax}" for one in sent]


def skipped(posted: PostedDocument, settings: CompanySettings | None = None, **options: Any) -> Skipped:
    result = outcome(posted, settings, **options)
    assert isinstance(result, Skipped), result
    assert result.message.endswith(".")
    return result


def held(posted: PostedDocument, settings: CompanySettings | None = None, **options: Any) -> Held:
    result = outcome(posted, settings, **options)
    assert isinstance(result, Held), result
    assert result.message.endswith(".")
    return result


def notes(posted: PostedDocument, settings: CompanySettings | None = None, **options: Any) -> str:
    """All notes, a line each."""
    return "\n".join(outcome(posted, settings, **options).notes)


def lines_sum(transaction: Transaction) -> Decimal:
    """What TaxJar compares with the amount."""
    return (
        sum(
            (item.unit_price * item.quantity - (item.discount if transaction.kind == "order" else -item.discount))
            for item in transaction.line_items
        )
        + transaction.shipping
    )
