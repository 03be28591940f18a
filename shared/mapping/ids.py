"""Ids in TaxJar, made from F&O's numbers (design 4.3).

TaxJar's ids are limited to ``[A-Za-z0-9_-]`` here, because they stand unencoded in URLs, and to 50 characters. A number
that had to be changed or cut carries the first eight hex digits of its SHA-256, so that different numbers stay apart.
"""

from __future__ import annotations

import re
from hashlib import sha256

from shared.documents import DocumentKey
from shared.transactions import Kind

MAX_LENGTH = 50
_REFUND = "-refund"
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")
_DIGEST_LENGTH = 8


def order_id(company: str, number: str, suffix: str = "") -> str:
    """The id of the order for invoice ``number`` of ``company`` (``dataAreaId`` in any case).

    ``suffix`` stands behind the number: see :func:`taken_suffix`.
    """
    return _fit(f"{company.upper()}-", number, suffix)


def refund_id(company: str, number: str, suffix: str = "") -> str:
    """The id of the refund for credit note ``number``; never that of an order, though F&O may repeat the number."""
    return _fit(f"{company.upper()}-", number, suffix + _REFUND)


def transaction_id(kind: Kind, company: str, number: str, suffix: str = "", part: int = 1) -> str:
    """The id of part ``part`` (from 1) of the order or refund for document ``number``."""
    behind = (_REFUND if kind is Kind.REFUND else "") + (f"-part-{part}" if part > 1 else "")
    return _fit(f"{company.upper()}-", number, suffix + behind)


def taken_suffix(key: DocumentKey) -> str:
    """What keeps the ids of ``key`` apart from those of an earlier document of the same number."""
    return f"-{_digest(f'{key.date.isoformat()}|{key.voucher}')}"


def customer_id(company: str, account: str) -> str:
    """The id of customer ``account`` of ``company``."""
    return _fit(f"{company.upper()}-", account, "")


def derived_id(base_id: str, suffix: str) -> str:
    """An id made from an id, such as a reversal (``-reversal-1``) or a replacement (``-1``)."""
    return _fit("", base_id, suffix)


def _fit(prefix: str, number: str, suffix: str) -> str:
    cleaned = _UNSAFE.sub("-", number)
    room = MAX_LENGTH - len(prefix) - len(suffix)
    if cleaned != number or len(cleaned) > room:
        cleaned = f"{cleaned[: room - _DIGEST_LENGTH - 1]}-{_digest(number)}"
    return prefix + cleaned + suffix


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_LENGTH]
