"""Two readings of a document have one fingerprint exactly when F&O shows the same content."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from datetime import date
from decimal import Decimal

import pytest

from shared.documents import Address, OriginalInvoice, OriginalRoute, PostedDocument
from shared.fingerprint import fingerprint, is_fingerprint_of
from tests.unit.mapping.builders import charge, document, line

ORIGINAL = OriginalInvoice("INV-1", date(2026, 1, 5), OriginalRoute.RETURNED_LOT, lot="L1", returned=Decimal(2))


def test_it_is_the_hash_of_the_content_as_sorted_json() -> None:
    """The ledger keeps fingerprints: another form of the same content would make every document look changed."""
    content = asdict(document())
    del content["notes"], content["own_addresses"], content["read_without"]
    expected = hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
    assert fingerprint(document()) == expected


@pytest.mark.parametrize(
    "changed",
    [
        replace(document(), lines=(line(amount=Decimal("10.01")),)),
        document(line(amount="10.00", lot="L2")),
        document(line(amount="10.00"), round_off=Decimal("0.01")),
    ],
)
def test_a_cent_or_a_lot_changes_it(changed: PostedDocument) -> None:
    assert fingerprint(changed) != fingerprint(document(line(amount="10.00")))


def test_what_the_reader_noted_on_the_way_does_not_count() -> None:
    read = replace(document(), notes=("The order was not found.",), read_without=("SalesOrderHeadersV3",))
    assert fingerprint(read) == fingerprint(document())


def test_what_happens_elsewhere_does_not_count() -> None:
    posted = document(line(originals=(ORIGINAL,)), originals=(ORIGINAL,))
    later = replace(ORIGINAL, returned=Decimal(3))
    again = document(line(originals=(later,)), originals=(later,), own_addresses=(Address(city="Reno"),))
    assert fingerprint(again) == fingerprint(posted)
    assert fingerprint(replace(again, originals=(replace(later, lot="L2"),))) != fingerprint(posted)


def test_a_fingerprint_of_the_first_version_is_still_understood() -> None:
    posted = document(line(lot="L1", tax_group="TX"), charges=(charge("5", of_line=1),), sales_origin="WEB")
    content = asdict(posted)
    noted = ("notes", "own_addresses", "read_without")
    for name in (*noted, "tax_group_exempt", "sales_origin", "round_off", "invoice_address"):
        del content[name]
    for each in content["lines"]:
        for name in ("tax_group", "tax_group_exempt", "delivery_mode", "lot", "originals"):
            del each[name]
    del content["charges"][0]["line"]
    first = hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
    assert first != fingerprint(posted)
    assert is_fingerprint_of(first, posted)
    assert is_fingerprint_of(fingerprint(posted), posted)
    assert not is_fingerprint_of(first, replace(posted, total_tax=Decimal(1)))
