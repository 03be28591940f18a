"""Conditions that people met in public, rebuilt small: what each document becomes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from shared.documents import Address, Customer, DocumentType, OriginalInvoice, OriginalRoute, PostedDocument
from shared.mapping import OriginalKey, OriginalSale, OriginalTransaction, clean_place, map_document
from shared.mapping.outcomes import Held, Mapped
from shared.transactions import ExemptionType
from tests.unit.mapping.builders import charge, company, document, line, money


def place(state: str, zip_code: str, city: str = "", country: str = "USA") -> Address:
    return Address(country, "US" if country == "USA" else "", state, zip_code, city, "1 Main St")


NEW_YORK, AUSTIN = place("NY", "10001", "New York"), place("TX", "78701", "Austin")
DALLAS, LOS_ANGELES = place("TX", "75201", "Dallas"), place("CA", "90002", "Los Angeles")
OTTAWA = place("ON", "K1A 0A1", "Ottawa", "CAN")
DAY = date(2026, 2, 1)
SETTINGS = {
    "pickup_delivery_modes": ["Pickup"],
    "payment_charge_codes": ["STORECREDIT"],
    "fee_charge_codes": ["RDF"],
    "exempt_tax_groups": {"EX": "wholesale", "EX-TX": "wholesale"},
    "exempt_regions": {"EX-TX": ["TX"]},
    "marketplace": {"sales_origins": ["AMZ"]},
}


def sold(id_: str, address: Address, *lots: str) -> OriginalSale:
    went, came = clean_place(address, company()), clean_place(LOS_ANGELES, company())
    assert went
    return OriginalSale((OriginalTransaction(id_, went, came, ExemptionType.NON_EXEMPT, frozenset(lots)),))


ORIGINALS: dict[OriginalKey, OriginalSale] = {
    ("INV-0", DAY): sold("USMF-INV-0", NEW_YORK, "L0"),
    ("INV-2", DAY): sold("USMF-INV-2", AUSTIN, "L2"),
}


def named(number: str, lot: str = "") -> tuple[OriginalInvoice, ...]:
    route = OriginalRoute.RETURNED_LOT if lot else OriginalRoute.CREDIT_INVOICING
    return (OriginalInvoice(number, DAY, route, lot=lot),)


def sale(*lines: Any, **values: Any) -> PostedDocument:
    return document(*lines, **({"delivery_address": NEW_YORK, "legal_entity_address": DALLAS} | values))


def credit(*lines: Any, **values: Any) -> PostedDocument:
    """Goods that came back to the warehouse in Dallas."""
    values = {"delivery_address": DALLAS, "own_addresses": (DALLAS,), "originals": named("INV-0")} | values
    return sale(*lines, **values)


def back(amount: str, tax: str, sequence: int = 1, **values: Any) -> Any:
    return line(amount, quantity=-1, tax=tax, sequence=sequence, **values)


def came_to(posted: PostedDocument) -> list[str]:
    result = map_document(posted, company(**SETTINGS), tax_categories=None, originals=ORIGINALS)
    if isinstance(result, Mapped):
        sent = [part.transaction for part in result.transactions]
        shown = [f"{one.kind} {one.ship_to.state} {one.amount}/{one.sales_tax}" for one in sent]
        exempt = [f" {one.exemption_type}" if one.exemption_type != "non_exempt" else "" for one in sent]
        return [one + more for one, more in zip(shown, exempt, strict=True)]
    return [f"{'held' if isinstance(result, Held) else 'skipped'} {result.reason}"]


CASES: dict[str, tuple[PostedDocument, list[str]]] = {
    "returned to the warehouse in another state": (credit(back("-100", "-8.88")), ["refund NY -100.00/-8.88"]),
    "lines to two states, freight on the document": (
        sale(
            line("100", tax="8.25", delivery_address=AUSTIN),
            line("120", tax="10.65", sequence=2),
            charges=(charge("22", tax="1.90"),),
        ),
        ["order TX 110.00/9.11", "order NY 132.00/11.69"],
    ),
    "lines to two states, document address in a third": (
        sale(
            line("600", tax="57", delivery_address=LOS_ANGELES),
            line("500", tax="44.38", sequence=2, delivery_address=NEW_YORK),
            delivery_address=AUSTIN,
        ),
        ["order CA 600.00/57.00", "order NY 500.00/44.38"],
    ),
    "a lost leading zero": (
        sale(line(), delivery_address=place("MA", "2108"), customer=Customer("C-1", primary_address=AUSTIN)),
        ["order MA 100.00/0.00"],
    ),
    "no ZIP code, customer abroad": (
        sale(line(), delivery_address=place("TX", ""), customer=Customer("C-1", primary_address=OTTAWA)),
        ["held address_incomplete"],
    ),
    "a state in the ZIP field": (sale(line(), delivery_address=place("", "MA 02134")), ["order MA 100.00/0.00"]),
    "an en dash": (sale(line(), delivery_address=place("MA", "02134\u20131001")), ["order MA 100.00/0.00"]),
    "an old abbreviation": (sale(line(), delivery_address=place("Mass.", "02134")), ["order MA 100.00/0.00"]),
    "a country before the state": (sale(line(), delivery_address=place("US-MA", "02134")), ["order MA 100.00/0.00"]),
    "a letter O that the state confirms": (
        sale(line(), delivery_address=place("MA", "O2134")),
        ["order MA 100.00/0.00"],
    ),
    "a letter O that it does not": (sale(line(), delivery_address=place("", "O2134")), ["held address_incomplete"]),
    "picked up at a warehouse without an address": (
        sale(line(warehouse="W1"), delivery_mode="Pickup"),
        ["held address_incomplete"],
    ),
    "one line picked up": (
        sale(line(delivery_mode="Pickup", warehouse="W1", warehouse_address=LOS_ANGELES), line("50", sequence=2)),
        ["order CA 100.00/0.00", "order NY 50.00/0.00"],
    ),
    "Puerto Rico": (
        sale(line(tax="11.50"), delivery_address=place("", "00901", "San Juan", "PRI")),
        ["order PR 100.00/11.50"],
    ),
    "lots of two invoices": (
        credit(
            back("-100", "-8.88", originals=named("INV-0", "L0")),
            back("-50", "-4.13", 2, originals=named("INV-2", "L2")),
            originals=(),
        ),
        ["refund NY -100.00/-8.88", "refund TX -50.00/-4.13"],
    ),
    "an exchange for an exempt item": (
        sale(back("-100", "-8.25"), line("150", sequence=2)),
        ["order NY 150.00/0.00", "refund NY -100.00/-8.25"],
    ),
    "an exchange with food": (
        sale(line("600"), line("600", tax="49.50", sequence=2), back("-500", "-41.25", 3)),
        ["order NY 1200.00/49.50", "refund NY -500.00/-41.25"],
    ),
    "an untaxed restocking charge": (
        credit(back("-100", "-8.25"), charges=(charge("15", "RESTOCK", shipping=False),)),
        ["order NY 15.00/0.00", "refund NY -100.00/-8.25"],
    ),
    "a taxed restocking charge": (
        credit(back("-100", "-8.25"), charges=(charge("15", "RESTOCK", shipping=False, tax="1.24"),)),
        ["refund NY -85.00/-7.01"],
    ),
    "a trade-in": (
        sale(line("1000", tax="95"), back("-300", "0", 2)),
        ["order NY 1000.00/95.00", "refund NY -300.00/0.00"],
    ),
    "paid with store credit": (
        sale(line("100", tax="8.88"), charges=(charge("-30", "STORECREDIT", shipping=False),)),
        ["order NY 100.00/8.88"],
    ),
    "a retail delivery fee": (
        sale(line("100", tax="8.88"), charges=(charge("0.28", "RDF", shipping=False),)),
        ["order NY 100.00/8.88"],
    ),
    "a rounded total": (sale(line("100", tax="8.88"), net="100.03", round_off=money("0.03")), ["order NY 100.03/8.88"]),
    "tax that no line carries": (sale(line("1000"), tax="82.50"), ["held taxes_do_not_add_up"]),
    "a returned line with tax of the wrong sign": (credit(back("-100", "8.25")), ["held mixed_signs"]),
    "another currency with US tax": (sale(line(tax="8.88"), currency="CAD"), ["held tax_on_skipped"]),
    "a prepayment with tax": (sale(net="3000", tax="247.50", is_prepayment=True), ["held tax_on_skipped"]),
    "a project invoice with tax": (sale(line(tax="8.88"), type=DocumentType.PROJECT), ["held tax_on_skipped"]),
    "a sale to an affiliate": (sale(line(), is_intercompany=True), ["skipped intercompany"]),
    "an exemption of another state": (
        sale(line(), customer=Customer("C-1", tax_group="EX-TX"), delivery_address=LOS_ANGELES),
        ["order CA 100.00/0.00"],
    ),
    "resale and own use": (
        sale(line(), line("50", tax="4.13", sequence=2), customer=Customer("C-1", tax_group="EX")),
        ["order NY 100.00/0.00 wholesale", "order NY 50.00/4.13"],
    ),
    "an exemption that ended": (sale(line(tax="8.88"), tax_group="NY"), ["order NY 100.00/8.88"]),
    "a group without codes": (sale(line(), tax_group="CHURCH", tax_group_exempt=True), ["order NY 100.00/0.00 other"]),
    "a marketplace": (sale(line(), sales_origin="AMZ"), ["order NY 100.00/0.00 marketplace"]),
    "a cancelled free text invoice": (
        replace(
            credit(back("-100", "-8.88"), type=DocumentType.FREE_TEXT),
            originals=(OriginalInvoice("INV-0", DAY, OriginalRoute.CORRECTED_INVOICE),),
        ),
        ["refund NY -100.00/-8.88"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_condition_comes_to_what_filing_it_right_needs(case: str) -> None:
    posted, expected = CASES[case]
    assert came_to(posted) == expected
