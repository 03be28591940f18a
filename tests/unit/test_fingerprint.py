"""Two readings of a document have one fingerprint exactly when F&O shows the same content."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from decimal import Decimal

from shared.fingerprint import fingerprint
from tests.unit.mapping.builders import document, line


def test_it_is_the_hash_of_the_content_as_sorted_json() -> None:
    """The ledger keeps fingerprints: another form of the same content would make every document look changed."""
    content = asdict(document())
    del content["notes"], content["own_addresses"]
    expected = hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
    assert fingerprint(document()) == expected


def test_a_cent_on_one_line_changes_it() -> None:
    changed = replace(document(), lines=(line(amount=Decimal("10.01")),))
    assert fingerprint(changed) != fingerprint(replace(document(), lines=(line(amount=Decimal("10.00")),)))


def test_what_the_reader_noted_on_the_way_does_not_count() -> None:
    assert fingerprint(replace(document(), notes=("The order was not found.",))) == fingerprint(document())
