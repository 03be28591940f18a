"""Whatever F&O posts, a document becomes a transaction TaxJar can accept, or says why not."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from shared.documents import Charge, DocumentType, Line, OriginalInvoice, OriginalRoute, PostedDocument
from shared.mapping import Held, HoldReason, Mapped, Skipped, map_document
from shared.transactions import Kind, LineItem, Transaction
from tests.unit.mapping.builders import AUSTIN, DENVER, LONDON, company, document, lines_sum

COMPANY = company(exempt_tax_groups={"EX": "other"}, shipping_charge_codes=["FREIGHT"])
# Mostly what can be sent, so that most examples reach the amounts.
ADDRESSES = st.sampled_from([None, AUSTIN, DENVER] * 4 + [LONDON, replace(AUSTIN, zip=""), replace(DENVER, state="TX")])
TYPES = st.sampled_from([DocumentType.SALES_ORDER, DocumentType.FREE_TEXT] * 4 + list(DocumentType))


def amounts(low: int, high: int) -> st.SearchStrategy[Decimal]:
    return st.integers(low, high).map(lambda n: Decimal(n) / 100) | st.integers(low, high).map(
        lambda n: Decimal(n) / 10000
    )


LINES = st.builds(
    Line,
    sequence=st.just(0),
    product=st.sampled_from(["A", "B"]),
    description=st.text(max_size=300),
    quantity=st.integers(-3, 5).map(Decimal) | amounts(-300, 300),
    amount=amounts(-2000, 60000),
    discount=amounts(0, 2000),
    tax=amounts(-100, 2000),
    delivery_address=ADDRESSES,
    warehouse=st.sampled_from(["", "W1", "W2"]),
    warehouse_address=ADDRESSES,
)
CHARGES = st.builds(
    Charge,
    code=st.sampled_from(["FREIGHT", "FEE"]),
    text=st.just("charge"),
    amount=amounts(-3000, 6000),
    tax=amounts(-10, 200),
)


@st.composite
def documents(draw: st.DrawFn) -> PostedDocument:
    rate = draw(st.sampled_from([None, Decimal(0), Decimal("0.0825")]))
    lines = [replace(line, sequence=i) for i, line in enumerate(draw(st.lists(LINES, max_size=6)))]
    if rate is not None:
        lines = [replace(line, tax=round(line.amount * rate, 2)) for line in lines]
    charges = draw(st.none() | st.lists(CHARGES, max_size=3).map(tuple))
    posted = document(
        *lines,
        charges=charges,
        total_charges=draw(amounts(-500, 500)) if charges is None else sum((c.amount for c in charges), Decimal(0)),
        end_discount=draw(st.just(Decimal(0)) | amounts(0, 5000)),
        prices_include_tax=draw(st.booleans()),
        type=draw(TYPES),
        delivery_address=draw(ADDRESSES),
        tax_group=draw(st.sampled_from(["", "EX"])),
        originals=(OriginalInvoice("INV-1", None, OriginalRoute.HEADER_FIELD),),
    )
    off_total, off_tax = (draw(st.just(Decimal(0)) | amounts(-4, 4)) for _ in range(2))
    posted = replace(posted, total_amount=posted.total_amount + off_total, total_tax=posted.total_tax + off_tax)
    return negated(posted) if draw(st.booleans()) else posted


def negated(posted: PostedDocument) -> PostedDocument:
    return replace(
        posted,
        total_amount=-posted.total_amount,
        total_tax=-posted.total_tax,
        total_charges=-posted.total_charges,
        lines=tuple(
            replace(line, quantity=-line.quantity, amount=-line.amount, tax=-line.tax) for line in posted.lines
        ),
        charges=posted.charges and tuple(replace(c, amount=-c.amount, tax=-c.tax) for c in posted.charges),
    )


def is_cents(value: Decimal) -> bool:
    return value.as_tuple().exponent == -2 and not (value == 0 and value.is_signed())


@given(documents())
def test_a_document_becomes_a_valid_transaction_or_says_why_not(posted: PostedDocument) -> None:
    result = map_document(posted, COMPANY, tax_categories=None)
    if isinstance(result, Skipped | Held):
        assert result.reason
        assert result.message.strip()
        return
    sent = result.transaction
    sign = 1 if sent.kind is Kind.ORDER else -1
    assert lines_sum(sent) == sent.amount
    assert sent.amount * sign >= 0
    assert sent.sales_tax * sign >= 0
    assert sent.shipping * sign >= 0
    assert sum(abs(item.sales_tax) for item in sent.line_items) <= abs(sent.sales_tax)
    for item in sent.line_items:
        assert item.quantity >= 1
        assert item.discount >= 0
        assert item.unit_price * sign >= 0
        assert item.sales_tax * sign >= 0
        assert item.discount <= abs(item.unit_price) * item.quantity
        assert len(item.description) <= 255
        assert all(is_cents(value) for value in (item.unit_price, item.discount, item.sales_tax))
    assert all(is_cents(value) for value in (sent.amount, sent.shipping, sent.sales_tax))
    if sent.exemption_type == "other":
        assert not sent.sales_tax


def mirrored(sent: Transaction) -> Transaction:
    def turned(item: LineItem) -> LineItem:
        return replace(item, unit_price=0 - item.unit_price, sales_tax=0 - item.sales_tax)

    return replace(
        sent,
        kind=Kind.ORDER if sent.kind is Kind.REFUND else Kind.REFUND,
        amount=0 - sent.amount,
        shipping=0 - sent.shipping,
        sales_tax=0 - sent.sales_tax,
        line_items=tuple(turned(item) for item in sent.line_items),
        transaction_id="",
        transaction_reference_id="",
    )


@given(documents())
def test_a_credit_note_maps_to_the_mirror_of_the_negated_invoice(posted: PostedDocument) -> None:
    one = map_document(posted, COMPANY, tax_categories=None)
    other = map_document(negated(posted), COMPANY, tax_categories=None)
    assert type(one) is type(other)
    if isinstance(one, Mapped) and isinstance(other, Mapped):
        unnamed = replace(other.transaction, transaction_id="", transaction_reference_id="")
        assert mirrored(one.transaction) == unnamed
    if isinstance(one, Held) and isinstance(other, Held):
        assert one.reasons == other.reasons


@given(
    st.lists(st.tuples(amounts(-5000, 90000), st.integers(1, 4)), min_size=1, max_size=8),
    st.lists(CHARGES.map(lambda c: replace(c, tax=Decimal(0))), max_size=3),
    st.booleans(),
)
def test_a_document_that_adds_up_is_never_held_for_its_amounts(
    lines: list[tuple[Decimal, int]], charges: list[Charge], credit: bool
) -> None:
    rows = [
        Line(i, "P", "d", Decimal(quantity if amount >= 0 else -quantity), amount, tax=Decimal(0))
        for i, (amount, quantity) in enumerate(lines)
    ]
    posted = document(
        *rows, charges=tuple(charges), originals=(OriginalInvoice("1", None, OriginalRoute.RETURNED_LOT),)
    )
    result = map_document(negated(posted) if credit else posted, COMPANY, tax_categories=None)
    assert not isinstance(result, Held) or HoldReason.AMOUNTS_DO_NOT_ADD_UP not in result.reasons
