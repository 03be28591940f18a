"""Whatever F&O posts, a document becomes transactions TaxJar can accept that add up to it, or says why not."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import date
from decimal import Decimal

from hypothesis import assume, event, given
from hypothesis import strategies as st

from shared.documents import Charge, Customer, DocumentType, Line, OriginalInvoice, OriginalRoute, PostedDocument
from shared.mapping import (
    Held,
    KeptTransaction,
    Mapped,
    OriginalKey,
    OriginalSale,
    OriginalTransaction,
    Skipped,
    map_document,
    net_and_tax,
)
from shared.mapping.outcomes import LeftOutReason
from shared.settings import CompanySettings
from shared.transactions import ExemptionType, Kind, Place
from tests.unit.mapping.builders import AUSTIN, DALLAS, DENVER, LONDON, RENO, company, document, lines_sum

COMPANY = company(
    exempt_tax_groups={"EX": "other", "RES": "wholesale"},
    exempt_regions={"RES": ["CO"]},
    shipping_charge_codes=["FREIGHT", "HAULAGE"],
    payment_charge_codes=["CREDIT"],
    fee_charge_codes=["RDF"],
    discount_items=["COUPON"],
    marketplace={"sales_origins": ["AMZ"]},
    pickup_delivery_modes=["PICKUP"],
)
ZERO = Decimal(0)
TO_TEXAS = Place("US", "TX", "78701", "Austin", "410 Congress Ave")
TO_COLORADO = Place("US", "CO", "80202", "Denver", "1 Wynkoop St")
ORIGINALS: dict[OriginalKey, OriginalSale] = {
    ("INV-1", date(2026, 1, 5)): OriginalSale(
        (
            OriginalTransaction("USMF-INV-1", TO_TEXAS, None, ExemptionType.NON_EXEMPT, frozenset("A")),
            OriginalTransaction("USMF-INV-1-part-2", TO_COLORADO, None, ExemptionType.WHOLESALE, frozenset("B")),
        )
    ),
    ("INV-2", date(2026, 1, 6)): OriginalSale(abroad=True),
}
LINKS = st.sampled_from(
    [
        (),
        (),
        (),
        (OriginalInvoice("INV-1", date(2026, 1, 5), OriginalRoute.RETURNED_LOT, lot="A"),),
        (OriginalInvoice("INV-1", date(2026, 1, 5), OriginalRoute.RETURNED_LOT, lot="B"),),
        (OriginalInvoice("INV-2", date(2026, 1, 6), OriginalRoute.RETURNED_LOT, lot="C"),),
    ]
)
# Mostly what can be sent, so that most examples reach the amounts.
ADDRESSES = st.sampled_from(
    [None, None, AUSTIN, DENVER, RENO] * 12 + [LONDON, LONDON, replace(AUSTIN, zip=""), replace(DENVER, state="TX")]
)
PLACES = st.sampled_from([AUSTIN, DENVER, RENO])
TYPES = st.sampled_from([DocumentType.SALES_ORDER, DocumentType.FREE_TEXT] * 12 + list(DocumentType))


def money(low: int, high: int) -> st.SearchStrategy[Decimal]:
    cents = st.integers(low, high).map(lambda n: Decimal(n) / 100)
    return cents | cents | cents | st.integers(low, high).map(lambda n: Decimal(n) / 10000)


@st.composite
def lines(draw: st.DrawFn, sequence: int, rate: Decimal) -> Line:
    quantity = draw(st.integers(-3, 5).map(Decimal) | money(-300, 300))
    value = draw(money(0, 60000))
    amount = -value if quantity < 0 else value
    amount = draw(st.sampled_from([amount] * 5 + [-amount, ZERO]))
    return Line(
        sequence=sequence,
        product=draw(st.sampled_from(["A", "B", "COUPON"])),
        description=draw(st.text(max_size=20)),
        quantity=quantity,
        amount=amount,
        discount=draw(st.just(ZERO) | money(0, 2000)),
        tax=round(amount * draw(st.sampled_from([rate, rate, ZERO])), 2),
        delivery_address=draw(ADDRESSES),
        warehouse=draw(st.sampled_from(["", "W1", "W2"])),
        warehouse_address=draw(st.sampled_from([None, *[DALLAS, RENO] * 4])),
        tax_group=draw(st.sampled_from(["", "", "EX", "RES"])),
        delivery_mode=draw(st.sampled_from(["", "", "", "PICKUP"])),
        lot=f"LOT-{sequence}",
        originals=draw(LINKS) if quantity < 0 else (),
    )


@st.composite
def charges(draw: st.DrawFn, sequences: list[int]) -> Charge:
    amount = draw(money(-3000, 6000))
    code = draw(st.sampled_from(["FREIGHT", "HAULAGE", "HANDLING", "HANDLING", "CREDIT", "RDF"]))
    rate = ZERO if code in ("CREDIT", "RDF") else draw(st.sampled_from([ZERO, Decimal("0.0825")]))
    return Charge(
        code=code,
        text="charge",
        amount=amount,
        tax=round(amount * rate, 2),
        line=draw(st.none() | st.sampled_from([*sequences, 99])),
    )


@st.composite
def documents(draw: st.DrawFn) -> PostedDocument:
    rate = draw(st.sampled_from([ZERO, Decimal("0.0825")]))
    posted_lines = [draw(lines(i, rate)) for i in range(draw(st.integers(0, 6) | st.integers(1, 6)))]
    posted_charges = draw(st.lists(charges([line.sequence for line in posted_lines]), max_size=4).map(tuple))
    end_discount = draw(st.just(ZERO) | st.just(ZERO) | money(0, 5000))
    posted = document(
        *posted_lines,
        charges=draw(st.sampled_from([posted_charges] * 9 + [None])),
        end_discount=end_discount,
        prices_include_tax=draw(st.sampled_from([False, False, False, True])),
        type=draw(TYPES),
        currency=draw(st.sampled_from(["USD"] * 30 + ["CAD"])),
        delivery_address=draw(ADDRESSES),
        customer=Customer("C-1", tax_group=draw(st.sampled_from(["", "", "RES"])), primary_address=AUSTIN),
        tax_group=draw(st.sampled_from(["", "", "EX"])),
        sales_origin=draw(st.sampled_from(["", "", "AMZ"])),
        originals=draw(
            st.sampled_from([(), (OriginalInvoice("INV-7", None, OriginalRoute.HEADER_FIELD),)]),
        ),
    )
    off_total, off_tax, rounding = (
        draw(st.sampled_from([ZERO] * 4 + [Decimal("0.01"), Decimal("-0.02")])) for _ in "123"
    )
    return replace(
        posted,
        total_amount=posted.total_amount + off_total + off_tax + rounding,
        total_tax=posted.total_tax + off_tax,
        round_off=rounding,
    )


def mapping(posted: PostedDocument, settings: CompanySettings = COMPANY, **options: object) -> Mapped | Skipped | Held:
    return map_document(posted, settings, tax_categories=None, originals=ORIGINALS, **options)  # type: ignore[arg-type]


def mapped_or_nothing(posted: PostedDocument) -> Mapped:
    result = mapping(posted)
    event(result.reason if isinstance(result, Skipped | Held) else f"{len(result.transactions)} transactions")
    assume(isinstance(result, Mapped))
    assert isinstance(result, Mapped)
    return result


def is_cents(value: Decimal) -> bool:
    return value.as_tuple().exponent == -2 and not (value == 0 and value.is_signed())


@given(documents())
def test_what_is_not_sent_says_why(posted: PostedDocument) -> None:
    result = mapping(posted)
    if isinstance(result, Skipped | Held):
        assert result.reason
        assert result.message.endswith(".")


@given(documents())
def test_every_transaction_is_one_that_taxjar_accepts(posted: PostedDocument) -> None:
    for part in mapped_or_nothing(posted).transactions:
        sent = part.transaction
        sign = 1 if sent.kind is Kind.ORDER else -1
        assert lines_sum(sent) == sent.amount
        assert min(sent.amount * sign, sent.sales_tax * sign, sent.shipping * sign) >= 0
        assert sent.amount or sent.shipping or sent.sales_tax
        assert sum(abs(item.sales_tax) for item in sent.line_items) <= abs(sent.sales_tax)
        assert sent.shipping or sum(item.sales_tax for item in sent.line_items) == sent.sales_tax
        assert len(sent.transaction_id) <= 50
        for item in sent.line_items:
            assert item.quantity >= 1
            assert 0 <= item.discount <= abs(item.unit_price) * item.quantity
            assert min(item.unit_price * sign, item.sales_tax * sign) >= 0
            assert all(is_cents(value) for value in (item.unit_price, item.discount, item.sales_tax))
        assert all(is_cents(value) for value in (sent.amount, sent.shipping, sent.sales_tax))


@given(documents())
def test_the_transactions_and_what_is_left_out_add_up_to_the_document(posted: PostedDocument) -> None:
    result = mapped_or_nothing(posted)
    net, tax = net_and_tax(posted.total_amount, posted.total_tax)
    sent = [part.transaction for part in result.transactions]
    assert sum(one.amount for one in sent) == result.amount
    assert sum(one.sales_tax for one in sent) == result.sales_tax
    assert result.amount + sum(left.amount for left in result.left_out) == net
    assert result.sales_tax + sum(left.sales_tax for left in result.left_out) == tax


@given(documents())
def test_no_transaction_mixes_directions_destinations_or_exemptions(posted: PostedDocument) -> None:
    result = mapped_or_nothing(posted)
    seen = Counter(
        (one.kind, one.ship_to, one.exemption_type, one.transaction_reference_id)
        for one in (part.transaction for part in result.transactions)
    )
    assert set(seen.values()) == {1}
    by_key = {str(line.sequence): line for line in posted.lines}
    for part in result.transactions:
        exemption = part.transaction.exemption_type
        assert exemption is not None
        if exemption is not ExemptionType.NON_EXEMPT:
            assert not part.transaction.sales_tax
        for line in (by_key[key] for key in part.line_keys if key in by_key):
            reduces = line.product == "COUPON" or line.quantity * line.amount < 0
            went = Kind.REFUND if (line.quantity or line.amount or line.tax) < 0 else Kind.ORDER
            assert reduces or part.transaction.kind is went


@given(documents())
def test_each_line_is_in_exactly_one_transaction_or_left_out(posted: PostedDocument) -> None:
    result = mapped_or_nothing(posted)
    went_abroad = any(left.reason is LeftOutReason.NOT_US for left in result.left_out)
    count = Counter(lot for part in result.transactions for lot in part.lots)
    assert max(count.values(), default=0) <= 1
    lowered = posted.end_discount or posted.charges or any(reduces(line) for line in posted.lines)
    for line in posted.lines:
        # What was lowered or rounded to nothing may have been alone in its transaction, which is not sent then.
        assert count[line.lot] == 1 or reduces(line) or went_abroad or lowered or not round(line.amount, 2)


def reduces(item: Line | Charge) -> bool:
    if isinstance(item, Charge):
        return item.amount < 0
    return item.product == "COUPON" or item.quantity * item.amount < 0


@st.composite
def exchanges(draw: st.DrawFn) -> PostedDocument:
    """Whole dollars, taxed at a tenth or not at all: lines of both directions, coupons and charges of both signs."""

    def tax_of(amount: Decimal) -> Decimal:
        return draw(st.sampled_from([ZERO, amount / 10]))

    rows = []
    for sequence in range(draw(st.integers(1, 7))):
        quantity, value = draw(st.sampled_from([1, 1, -1])), Decimal(draw(st.integers(1, 500)))
        product = draw(st.sampled_from(["A", "A", "COUPON"]))
        amount = -value if product == "COUPON" or quantity < 0 else value
        rows.append(
            Line(sequence, product, "", Decimal(quantity), amount, tax=tax_of(amount), delivery_address=draw(PLACES))
        )
    fees = []
    for _ in range(draw(st.integers(0, 3))):
        amount = Decimal(draw(st.integers(-300, 300)))
        line = draw(st.none() | st.sampled_from([row.sequence for row in rows]))
        fees.append(Charge("HANDLING", "", amount, tax=tax_of(amount), line=line))
    return document(*rows, charges=tuple(fees))


@given(exchanges())
def test_nothing_moves_between_taxed_and_untaxed_lines(posted: PostedDocument) -> None:
    settings = COMPANY.model_copy(update={"unlinked_credit_notes": "send"})
    result = mapping(posted, settings)
    assert isinstance(result, Mapped | Skipped), result
    items: list[Line | Charge] = [*posted.lines, *(posted.charges or ())]
    untaxed = sum((item.amount for item in items if not item.tax), ZERO)
    sent = ZERO
    for part in result.transactions if isinstance(result, Mapped) else ():
        sign = 1 if part.transaction.kind is Kind.ORDER else -1
        for item in part.transaction.line_items:
            if not item.sales_tax:
                sent += item.unit_price * item.quantity - sign * item.discount
    # A taxed line that was lowered to some cents has no tax any more.
    assert abs(sent - untaxed) <= Decimal("0.15") * len(items)


@given(documents(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(posted: PostedDocument, order: random.Random) -> None:
    rows, fees = list(posted.lines), list(posted.charges or ())
    order.shuffle(rows)
    order.shuffle(fees)
    other = replace(posted, lines=tuple(rows), charges=None if posted.charges is None else tuple(fees))
    assert mapping(other) == mapping(posted)


@given(documents(), st.booleans())
def test_mapping_again_gives_the_same_ids_and_payloads(posted: PostedDocument, taken: bool) -> None:
    first = mapping(posted, number_taken=taken)
    assume(isinstance(first, Mapped))
    assert isinstance(first, Mapped)
    kept = [
        KeptTransaction(part.transaction.transaction_id, part.transaction.kind, frozenset(part.line_keys))
        for part in first.transactions
    ]
    again = mapping(posted, number_taken=taken, kept_transactions=kept, kept_tax_codes=first.tax_codes)
    assert isinstance(again, Mapped)
    assert again.transactions == first.transactions


@given(exchanges())
def test_the_opposite_document_becomes_the_opposite_transactions(posted: PostedDocument) -> None:
    # Of several charges of one kind the first is the smallest, on either side.
    assume(len(posted.charges or ()) <= 1)
    settings = COMPANY.model_copy(update={"unlinked_credit_notes": "send", "discount_items": frozenset()})

    def figures(shown: PostedDocument) -> list[tuple[Decimal, Decimal, Decimal, str]]:
        result = mapping(shown, settings)
        assert isinstance(result, Mapped | Skipped), result
        sent = [part.transaction for part in result.transactions] if isinstance(result, Mapped) else []
        return sorted((one.amount, one.shipping, one.sales_tax, one.ship_to.state) for one in sent)

    opposite = replace(
        posted,
        total_amount=-posted.total_amount,
        total_tax=-posted.total_tax,
        total_charges=-posted.total_charges,
        lines=tuple(
            replace(line, quantity=-line.quantity, amount=-line.amount, tax=-line.tax) for line in posted.lines
        ),
        charges=tuple(replace(fee, amount=-fee.amount, tax=-fee.tax) for fee in posted.charges or ()),
    )
    mirrored = [(0 - amount, 0 - shipping, 0 - tax, state) for amount, shipping, tax, state in figures(opposite)]
    assert sorted(mirrored) == figures(posted)
