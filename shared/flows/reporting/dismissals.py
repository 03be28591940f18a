"""What people decided not to send: remembered with the document, so that only that is not held again (design 4.6).

A dismissal is about one thing: a payload that would be filed instead, a reason to report nothing, a document that
vanished from F&O, or totals that F&O shows. Once something else is filed in TaxJar, all of them are over.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from shared.ledger.records import DocumentRecord
from shared.mapping import HoldReason, Skipped
from shared.money import plain
from shared.taxjar.wire import payload_hash

VANISHED = HoldReason.MISSING_IN_DYNAMICS.value
"""F&O does not show the document any more."""
_REMEMBERED = 20
"""Of one document; the latest."""


def content_of(payload: Mapping[str, Any] | None, skipped: Skipped | None = None) -> str:
    """Names the payload that would be filed instead, or why none would be."""
    return f"skipped|{skipped.reason}" if skipped else payload_hash(payload or {})


def totals_of(amount: Decimal, sales_tax: Decimal) -> str:
    """Names the totals that F&O shows, net and tax."""
    return f"totals|{plain(amount)}|{plain(sales_tax)}"


def dismissed_also(record: DocumentRecord, *dismissed: str) -> tuple[str, ...]:
    """What is dismissed for the document, with ``dismissed`` as the latest."""
    before = (earlier for earlier in record.dismissed if earlier not in dismissed)
    return (*before, *dismissed)[-_REMEMBERED:]
