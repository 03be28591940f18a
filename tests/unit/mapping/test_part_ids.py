"""Ids stay with their parts, however a document is mapped again."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from hashlib import sha256
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.documents import DocumentKey
from shared.mapping import KeptTransaction, taken_suffix, transaction_id
from shared.mapping.part_ids import PartIds
from shared.transactions import Kind
from tests.unit.mapping.builders import AUSTIN, DENVER, RENO, charge, document, held, line, notes, outcome, parts

KEY = DocumentKey("usmf", date(2026, 3, 17), "INV-9", "V-1")


def kept(id_: str, *keys: str, kind: Kind = Kind.ORDER) -> KeptTransaction:
    return KeptTransaction(id_, kind, frozenset(keys))


def ids(*posted: Any, **options: Any) -> list[str]:
    return [part.transaction.transaction_id for part in parts(*posted, **options)]


def test_further_transactions_of_a_kind_are_counted_in_the_order_of_their_first_lines() -> None:
    lines = [
        line("10", sequence=5, delivery_address=RENO),
        line("10", sequence=2, delivery_address=DENVER),
        line("-10", quantity=-1, sequence=1, delivery_address=RENO),
        line("-10", quantity=-1, sequence=3, delivery_address=AUSTIN),
        line("10", sequence=4, delivery_address=DENVER),
    ]
    sent = [part.transaction for part in parts(document(*lines))]
    assert [(one.transaction_id, one.ship_to.state) for one in sent] == [
        ("USMF-INV-9", "CO"),
        ("USMF-INV-9-part-2", "NV"),
        ("USMF-INV-9-refund", "NV"),
        ("USMF-INV-9-refund-part-2", "TX"),
    ]


def test_transactions_of_charges_or_leftovers_alone_come_last() -> None:
    lines = (line("4", delivery_address=RENO), line("-10", sequence=2), line("-5", quantity=-1, sequence=3))
    sent = [part.transaction for part in parts(document(*lines))]
    assert [(one.transaction_id, one.ship_to.state) for one in sent] == [
        ("USMF-INV-9-refund", "TX"),
        ("USMF-INV-9-refund-part-2", "NV"),
    ]


def test_each_id_keeps_within_fifty_characters_by_itself() -> None:
    number = "9" * 45
    lines = (line(delivery_address=DENVER), line(sequence=2, delivery_address=RENO))
    first, second = ids(document(*lines, number=number))
    assert first == f"USMF-{number}"
    digest = sha256(number.encode()).hexdigest()[:8]
    assert second == f"USMF-{'9' * 29}-{digest}-part-2"
    assert len(second) == 50


def test_a_number_seen_before_is_followed_by_date_and_voucher() -> None:
    suffix = "-" + sha256(b"2026-03-17|V-1").hexdigest()[:8]
    assert taken_suffix(KEY) == suffix
    posted = document(line(), line("-5", quantity=-1, sequence=2))
    assert ids(posted, number_taken=True) == [f"USMF-INV-9{suffix}", f"USMF-INV-9{suffix}-refund"]
    assert "Another document of this number" in notes(posted, number_taken=True)
    unsafe = sha256(b"INV/9").hexdigest()[:8]
    assert ids(document(line(), number="INV/9"), number_taken=True) == [f"USMF-INV-9-{unsafe}{suffix}"]


def test_a_part_keeps_its_id_while_any_of_its_lines_is_in_it() -> None:
    lines = (
        line(delivery_address=DENVER),
        line(sequence=2, delivery_address=RENO),
        line(sequence=3, delivery_address=RENO),
    )
    before = [kept("USMF-INV-9", "1"), kept("USMF-INV-9-part-2", "2", "3")]
    assert ids(document(*lines), kept_transactions=before) == ["USMF-INV-9", "USMF-INV-9-part-2"]
    corrected = (replace(lines[0], delivery_address=AUSTIN), *lines[1:])
    assert ids(document(*corrected), kept_transactions=before) == ["USMF-INV-9", "USMF-INV-9-part-2"]
    gone = (lines[1], lines[2])
    assert ids(document(*gone), kept_transactions=before) == ["USMF-INV-9-part-2"]
    split = (lines[0], lines[1], replace(lines[2], delivery_address=AUSTIN))
    assert ids(document(*split), kept_transactions=before) == ["USMF-INV-9", "USMF-INV-9-part-2", "USMF-INV-9-part-3"]
    joined = tuple(replace(each, delivery_address=DENVER) for each in lines)
    assert ids(document(*joined), kept_transactions=before) == ["USMF-INV-9-part-2"]


def test_an_id_is_never_given_again_to_another_part() -> None:
    before = [kept("USMF-INV-9", "1"), kept("USMF-INV-9-part-2", "2")]
    assert ids(document(line(sequence=7)), kept_transactions=before) == ["USMF-INV-9-part-3"]


def test_an_id_stays_with_its_kind() -> None:
    posted = document(line("100"), line("-40", quantity=-1, sequence=2))
    before = [kept("USMF-INV-9-refund", "1", "2", kind=Kind.REFUND)]
    assert ids(posted, kept_transactions=before) == ["USMF-INV-9", "USMF-INV-9-refund"]


def test_a_transaction_whose_lines_are_not_known_is_the_first_part_of_its_kind() -> None:
    lines = (line(delivery_address=DENVER), line(sequence=2, delivery_address=RENO))
    assert ids(document(*lines), kept_transactions=[kept("USMF-OLD")]) == ["USMF-OLD", "USMF-INV-9"]


def test_a_kept_id_needs_no_suffix_when_the_number_is_taken() -> None:
    assert ids(document(line()), kept_transactions=[kept("USMF-INV-9", "1")], number_taken=True) == ["USMF-INV-9"]


def test_a_refund_refers_to_the_id_that_its_documents_own_order_has() -> None:
    posted = document(line("100"), line("-40", quantity=-1, sequence=2))
    order, refund = (part.transaction for part in parts(posted, kept_transactions=[kept("USMF-INV-9-part-2", "1")]))
    assert (order.transaction_id, refund.transaction_reference_id) == ("USMF-INV-9-part-2", "USMF-INV-9-part-2")


def test_a_held_document_shows_the_id_that_it_has_or_would_have() -> None:
    posted = document(line("-100"), line("40", sequence=2), delivery_address=replace(AUSTIN, zip=""))
    assert held(posted).transaction_id == "USMF-INV-9"
    assert held(posted, kept_transactions=[kept("USMF-INV-9-part-2", "2")]).transaction_id == "USMF-INV-9-part-2"
    assert (
        outcome(replace(posted, currency="CAD"), number_taken=True).transaction_id == f"USMF-INV-9{taken_suffix(KEY)}"
    )


def test_what_is_in_a_part_alone_names_it() -> None:
    lines = (line(lot="L1"), line(sequence=2, lot="L2", delivery_address=DENVER))
    first, second = parts(document(*lines, charges=(charge("10", "FEE", shipping=False),)))
    assert (first.line_keys, first.lots) == (("1",), ("L1",))
    assert (second.line_keys, second.lots) == (("2",), ("L2",))


@given(
    st.lists(st.tuples(st.sampled_from(Kind), st.frozensets(st.sampled_from("123456"), min_size=1)), max_size=5),
    st.lists(st.tuples(st.integers(1, 4), st.sampled_from(Kind), st.frozensets(st.sampled_from("123456"))), max_size=4),
)
def test_ids_are_always_different(found: list[Any], before: list[Any]) -> None:
    earlier = {transaction_id(kind, "usmf", "INV-9", "", part): (kind, keys) for part, kind, keys in before}
    given_ids = PartIds(KEY, [kept(id_, *keys, kind=kind) for id_, (kind, keys) in earlier.items()]).of(found)
    assert len(set(given_ids)) == len(found)
    for (kind, _), id_ in zip(found, given_ids, strict=True):
        assert ("-refund" in id_) is (kind is Kind.REFUND)
