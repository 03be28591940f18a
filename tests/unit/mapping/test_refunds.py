"""Refunds go where the sale went, one for each transaction of the original."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from shared.documents import Customer, Line, OriginalInvoice, OriginalRoute, PostedDocument
from shared.mapping import (
    Hold,
    HoldReason,
    OriginalSale,
    OriginalTransaction,
    SkipReason,
    clean_place,
    original_sale_of,
    originals_of,
    sale_as_shown,
)
from shared.transactions import ExemptionType
from tests.unit.mapping.builders import (
    AUSTIN,
    DALLAS,
    DENVER,
    LONDON,
    RENO,
    company,
    document,
    figures,
    held,
    line,
    mapped,
    money,
    notes,
    outcome,
    parts,
    skipped,
)

DAY = date(2026, 2, 1)


def original(number: str = "INV-1", *, lot: str = "", **values: Any) -> OriginalInvoice:
    route = OriginalRoute.RETURNED_LOT if lot else OriginalRoute.CREDIT_INVOICING
    return OriginalInvoice(number, DAY, route, lot=lot, **values)


def sold(id_: str, address: Any, *lots: str, exempt: ExemptionType | None = None) -> OriginalTransaction:
    place, ship_from = clean_place(address, company()), clean_place(RENO, company())
    assert place
    return OriginalTransaction(id_, place, ship_from, exempt or ExemptionType.NON_EXEMPT, frozenset(lots))


def sale(*transactions: OriginalTransaction, **values: Any) -> OriginalSale:
    return OriginalSale(transactions, **{"abroad_lots": frozenset()} | values)


def credit(*lines: Line, named: tuple[OriginalInvoice, ...] = (), **values: Any) -> PostedDocument:
    """A credit note whose goods came back to the warehouse in Dallas, as F&O posts it."""
    defaults: dict[str, Any] = {"delivery_address": DALLAS, "own_addresses": (DALLAS,), "number": "CRN-1"}
    return document(*lines, originals=named, **(defaults | values))


def back(amount: str = "-100", tax: str = "-8.88", sequence: int = 1, **values: Any) -> Line:
    return line(amount, **({"quantity": -1, "tax": tax, "sequence": sequence} | values))


def test_a_refund_goes_where_the_sale_went_and_from_where_it_came() -> None:
    originals = {("INV-1", DAY): sale(sold("USMF-INV-1", DENVER))}
    refund = mapped(credit(back(), named=(original(),)), originals=originals)
    assert refund.ship_from
    assert (refund.ship_to.state, refund.ship_from.state) == ("CO", "NV")
    assert (refund.transaction_id, refund.transaction_reference_id) == ("USMF-CRN-1-refund", "USMF-INV-1")


def test_lots_of_two_invoices_make_two_refunds_with_their_own_originals_and_destinations() -> None:
    posted = credit(
        back(originals=(original("A", lot="L1"),)), back("-50", "-4", 2, originals=(original("B", lot="L2"),))
    )
    originals = {("A", DAY): sale(sold("USMF-A", DENVER, "L1")), ("B", DAY): sale(sold("USMF-B", RENO, "L2"))}
    assert figures(posted, originals=originals) == ["refund CO -100.00/-8.88", "refund NV -50.00/-4.00"]
    sent = [part.transaction for part in parts(posted, originals=originals)]
    assert [one.transaction_reference_id for one in sent] == ["USMF-A", "USMF-B"]
    assert [one.transaction_id for one in sent] == ["USMF-CRN-1-refund", "USMF-CRN-1-refund-part-2"]
    assert [found.number for found in originals_of(posted)] == ["A", "B"]


def test_the_credit_invoicing_reference_comes_before_the_lot_which_chooses_among_several() -> None:
    lots = (original("B", lot="L1"),)
    originals = {("A", DAY): sale(sold("USMF-A", DENVER)), ("B", DAY): sale(sold("USMF-B", RENO, "L1"))}
    posted = credit(back(originals=lots), named=(original("A"),))
    assert mapped(posted, originals=originals).transaction_reference_id == "USMF-A"
    posted = credit(back(originals=lots), named=(original("A"), original("B")))
    assert mapped(posted, originals=originals).transaction_reference_id == "USMF-B"
    posted = credit(back(), named=(original("A"), original("B")))
    assert held(posted, originals=originals).reasons == (HoldReason.CREDIT_NOTE_UNLINKED,)


def test_of_a_lot_invoiced_in_parts_the_oldest_invoice_with_something_left_is_taken_back() -> None:
    def chain(returned: int) -> tuple[OriginalInvoice, ...]:
        invoiced = (("A", 3, returned), ("B", 2, 0), ("C", 2, 0))
        return tuple(
            original(number, lot="L1", quantity=money(quantity), returned=money(back))
            for number, quantity, back in invoiced
        )

    originals = {(number, DAY): sale(sold(f"USMF-{number}", DENVER)) for number in "ABC"}

    def references(*lines: Line) -> list[str]:
        sent = parts(credit(*lines), originals=originals)
        return [part.transaction.transaction_reference_id for part in sent]

    assert references(back(originals=chain(2))) == ["USMF-A"]
    assert references(back(originals=chain(3))) == ["USMF-B"]
    # Lines of one document follow one another.
    two = back("-100", "-8", 1, quantity=-2, originals=chain(3)), back("-50", "-4", 2, originals=chain(3))
    assert references(*two) == ["USMF-B", "USMF-C"]


def test_a_line_without_a_link_follows_the_only_original_of_the_others() -> None:
    originals = {("A", DAY): sale(sold("USMF-A", DENVER)), ("B", DAY): sale(sold("USMF-B", RENO))}
    linked = back(originals=(original("A", lot="L1"),))
    assert figures(credit(linked, back("-50", "-4", 2)), originals=originals) == ["refund CO -150.00/-12.88"]
    other = back("-20", "0", 3, originals=(original("B", lot="L2"),))
    result = held(credit(linked, back("-50", "-4", 2), other), originals=originals)
    assert result.reasons == (HoldReason.CREDIT_NOTE_UNLINKED,)
    assert "A, B" in result.message


def test_of_several_transactions_of_an_original_the_lot_decides_then_the_state_of_its_own_address() -> None:
    originals = {("INV-1", DAY): sale(sold("USMF-INV-1", DENVER, "L1"), sold("USMF-INV-1-part-2", RENO, "L2"))}
    by_lot = credit(back(originals=(original(lot="L2"),)))
    assert mapped(by_lot, originals=originals).transaction_reference_id == "USMF-INV-1-part-2"
    by_state = credit(
        back(), named=(original(),), customer=Customer("C-1", primary_address=replace(DENVER, city="Boulder"))
    )
    refund = mapped(by_state, originals=originals)
    assert (refund.transaction_reference_id, refund.ship_to.city) == ("USMF-INV-1", "Denver")
    neither = credit(back(), named=(original(),), customer=Customer("C-1", primary_address=AUSTIN))
    assert held(neither, originals=originals).reasons == (HoldReason.CREDIT_NOTE_UNLINKED,)


def test_an_untaxed_refund_takes_the_exemption_of_the_sale_and_a_taxed_one_fits_no_exempt_sale() -> None:
    exempt = sold("USMF-INV-1", DENVER, "L1", exempt=ExemptionType.WHOLESALE)
    taxable = sold("USMF-INV-1-part-2", DENVER, "L2")
    originals = {("INV-1", DAY): sale(exempt, taxable)}
    posted = credit(
        back("-100", "0", originals=(original(lot="L1"),)), back("-50", "-4", 2, originals=(original(lot="L2"),))
    )
    sent = [part.transaction for part in parts(posted, originals=originals)]
    assert [(one.exemption_type, one.transaction_reference_id) for one in sent] == [
        ("wholesale", "USMF-INV-1"),
        ("non_exempt", "USMF-INV-1-part-2"),
    ]
    assert (
        mapped(credit(back(), named=(original(),)), originals=originals).transaction_reference_id == "USMF-INV-1-part-2"
    )
    result = held(credit(back(originals=(original(lot="L1"),))), originals=originals)
    assert result.reasons == (HoldReason.CREDIT_NOTE_UNLINKED,)
    assert "exempt" in result.message


def test_a_refund_of_a_sale_that_went_abroad_is_out_of_scope() -> None:
    originals = {("INV-1", DAY): OriginalSale(abroad=True)}
    assert skipped(credit(back(), named=(original(),)), originals=originals).reason is SkipReason.NOT_US
    originals = {("INV-1", DAY): sale(sold("USMF-INV-1", DENVER, "L1"), abroad_lots=frozenset({"L2"}))}
    posted = credit(back(originals=(original(lot="L1"),)), back("-50", "0", 2, originals=(original(lot="L2"),)))
    assert figures(posted, originals=originals) == ["refund CO -100.00/-8.88"]
    (left,) = outcome(posted, originals=originals).left_out
    assert (left.reason, str(left.amount)) == ("not_us", "-50.00")


def test_a_refund_of_a_sale_that_went_abroad_in_part_goes_by_its_lot_its_tax_or_its_own_address() -> None:
    originals = {("INV-1", DAY): sale(sold("USMF-INV-1", DENVER, "L1"), partly_abroad=True)}
    untaxed = credit(back("-100", "0"), named=(original(),))
    assert skipped(replace(untaxed, delivery_address=LONDON), originals=originals).reason is SkipReason.NOT_US
    assert figures(replace(untaxed, delivery_address=AUSTIN), originals=originals) == ["refund CO -100.00/0.00"]
    assert figures(credit(back(), named=(original(),)), originals=originals) == ["refund CO -100.00/-8.88"]
    assert figures(credit(back("-100", "0", originals=(original(lot="L1"),))), originals=originals) == [
        "refund CO -100.00/0.00"
    ]
    result = held(untaxed, originals=originals)
    assert result.reasons == (HoldReason.CREDIT_NOTE_UNLINKED,)
    assert "what went abroad" in result.message


@pytest.mark.parametrize("reason", [HoldReason.ADDRESS_INCOMPLETE, HoldReason.ZIP_STATE_MISMATCH])
def test_a_refund_of_a_sale_that_is_held_for_its_address_is_held_for_the_same_reason(reason: HoldReason) -> None:
    originals = {("INV-1", DAY): OriginalSale(hold=Hold(reason, "The ZIP code is missing."))}
    result = held(credit(back(), named=(original(),)), originals=originals)
    assert result.reasons == (reason,)
    assert "The ZIP code is missing." in result.message


def test_a_refund_of_a_sale_that_nobody_knows_goes_to_its_own_address_but_never_to_a_return_address() -> None:
    posted = credit(back(), named=(original("OLD-7"),), customer=Customer("C-1", primary_address=DENVER))
    refund = mapped(posted)
    assert (refund.ship_to.state, refund.transaction_reference_id) == ("CO", "USMF-OLD-7")
    result = held(replace(posted, customer=None))
    assert result.reasons == (HoldReason.ADDRESS_INCOMPLETE,)
    assert "company's own" in result.message


def test_a_credit_note_that_is_sent_unlinked_passes_over_every_address_of_the_company() -> None:
    settings = company(unlinked_credit_notes="send")
    stock: dict[str, Any] = {"warehouse": "W1", "warehouse_address": RENO}
    posted = credit(
        back(delivery_address=RENO, order_address=replace(DALLAS, zip="75201-1000"), **stock),
        customer=Customer("C-1", delivery_address=DENVER, primary_address=AUSTIN),
    )
    refund = mapped(posted, settings)
    assert (refund.ship_to.state, refund.transaction_reference_id) == ("CO", "USMF-CRN-1")
    assert held(posted).reasons == (HoldReason.CREDIT_NOTE_UNLINKED,)
    assert held(replace(posted, customer=None), settings).reasons == (HoldReason.ADDRESS_INCOMPLETE,)


def test_a_store_stays_the_destination_of_the_refund_of_a_sale_that_happened_there() -> None:
    originals = {("INV-1", DAY): sale(sold("USMF-INV-1", DALLAS))}
    assert mapped(credit(back(), named=(original(),)), originals=originals).ship_to.city == "Dallas"
    settings = company(unlinked_credit_notes="send", pos_sales_origins=["POS"])
    posted = credit(back(warehouse="W1", warehouse_address=DALLAS), delivery_address=None, sales_origin="POS")
    assert mapped(posted, settings).ship_to.city == "Dallas"


def test_an_unlinked_credit_note_to_a_customer_abroad_is_out_of_scope() -> None:
    assert skipped(credit(back(), delivery_address=LONDON)).reason is SkipReason.NOT_US


def test_what_comes_back_in_an_exchange_refers_to_the_documents_own_order() -> None:
    lines = (back("-100", "-8.25"), line("150", sequence=2))
    order, refund = (part.transaction for part in parts(document(*lines)))
    assert (str(order.amount), str(order.sales_tax)) == ("150.00", "0.00")
    assert (str(refund.amount), str(refund.sales_tax)) == ("-100.00", "-8.25")
    assert refund.transaction_reference_id == order.transaction_id
    known = {("INV-1", DAY): sale(sold("USMF-INV-1", DENVER))}
    order, refund = (part.transaction for part in parts(document(*lines, originals=(original(),)), originals=known))
    assert (refund.transaction_reference_id, refund.ship_to.state) == ("USMF-INV-1", "CO")


def test_what_comes_back_to_the_warehouse_in_an_exchange_had_gone_where_the_new_goods_go() -> None:
    lines = (back(delivery_address=DALLAS), line("150", sequence=2, delivery_address=DENVER))
    posted = document(*lines, delivery_address=None, own_addresses=(DALLAS,))
    assert figures(posted) == ["order CO 150.00/0.00", "refund CO -100.00/-8.88"]


def test_a_trade_in_is_a_refund_of_its_own() -> None:
    lines = (line("1000", tax="95"), back("-300", "0", 2))
    assert figures(document(*lines)) == ["order TX 1000.00/95.00", "refund TX -300.00/0.00"]


def test_a_free_text_credit_of_positive_quantity_is_a_refund_like_any_other() -> None:
    posted = document(line("-100", tax="-8.25"), originals=(original(),))
    assert figures(posted) == ["refund TX -100.00/-8.25"]
    assert mapped(posted).transaction_reference_id == "USMF-INV-1"
    assert held(replace(posted, originals=())).reasons == (HoldReason.CREDIT_NOTE_UNLINKED,)


def test_the_original_as_dynamics_shows_it_is_mapped_by_the_same_rules() -> None:
    settings = company(product_tax_codes={"items": {"P-1": "20010"}})
    lines = (
        line("100", lot="L1", delivery_address=DENVER),
        line("50", lot="L2", sequence=2, delivery_address=LONDON),
        line("30", lot="L3", sequence=3),
    )
    shown = sale_as_shown(document(*lines, number="INV-1", dated=date(2025, 7, 1)), settings)
    assert [(one.transaction_id, one.ship_to.state, set(one.lots)) for one in shown.transactions] == [
        ("USMF-INV-1", "CO", {"L1"}),
        ("USMF-INV-1-part-2", "TX", {"L3"}),
    ]
    assert shown.abroad_lots == {"L2"}
    assert sale_as_shown(document(line(), delivery_address=LONDON), settings).abroad
    no_zip = document(line(), delivery_address=replace(AUSTIN, zip=""))
    assert (hold := original_sale_of(outcome(no_zip), no_zip).hold)
    assert hold.reason is HoldReason.ADDRESS_INCOMPLETE


def test_a_refund_of_a_sale_that_is_held_for_anything_else_goes_where_the_sale_would_go() -> None:
    lines = (line(delivery_address=DENVER, lot="L1"), line(delivery_address=RENO, lot="L2", sequence=2))
    posted = document(*lines, net="190", number="INV-1")
    assert held(posted).reasons == (HoldReason.AMOUNTS_DO_NOT_ADD_UP,)
    originals = {("INV-1", DAY): original_sale_of(outcome(posted), posted)}
    refund = mapped(credit(back(originals=(original(lot="L2"),))), originals=originals)
    assert (refund.ship_to.state, refund.transaction_reference_id) == ("NV", "USMF-INV-1-part-2")


def test_the_route_to_the_original_is_noted() -> None:
    assert "The original invoice is INV-1, found by the returned lot." in notes(
        credit(back(originals=(original(lot="L"),)))
    )
