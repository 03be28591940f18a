"""What people decided not to send: remembered with the document, so that only that is not held again (design 4.6).

A dismissal is about one thing: the transactions that would be filed instead, a reason to report nothing, a document
that vanished from F&O, or totals that F&O shows. Once something else is filed in TaxJar, all of them are over.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from hashlib import sha256

from shared.mapping import HoldReason, Skipped
from shared.money import plain

VANISHED = HoldReason.MISSING_IN_DYNAMICS.value
"""F&O does not show the document any more."""
_REMEMBERED = 20
"""Of one document; the latest."""


def content_of(hashes: Iterable[str], skipped: Skipped | None = None) -> str:
    """Names the transactions that would be filed instead, by their hashes, or why none would be."""
    if skipped:
        return f"skipped|{skipped.reason}"
    each = sorted(hashes)
    return each[0] if len(each) == 1 else sha256(" ".join(each).encode()).hexdigest()


def totals_of(amount: Decimal, sales_tax: Decimal) -> str:
    """Names the totals that F&O shows, net and tax."""
    return f"totals|{plain(amount)}|{plain(sales_tax)}"


def dismissed_also(dismissed: tuple[str, ...], *more: str) -> tuple[str, ...]:
    """What is dismissed for a document, with ``more`` as the latest."""
    before = (earlier for earlier in dismissed if earlier not in more)
    return (*before, *more)[-_REMEMBERED:]
