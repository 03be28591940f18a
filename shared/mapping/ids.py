"""Ids in TaxJar, made from F&O's numbers (design 4.3).

TaxJar's ids are limited to ``[A-Za-z0-9_-]`` here, because they stand unencoded in URLs, and to 50 characters. A number
that had to be changed or cut carries the first eight hex digits of its SHA-256, so that different numbers stay apart.
"""

from __future__ import annotations

import re
from hashlib import sha256

from shared.transactions import Kind

MAX_LENGTH = 50
_REFUND = "-refund"
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")
_DIGEST_LENGTH = 8


def order_id(company: str, number: str) -> str:
    """The id of the order for invoice ``number`` of ``company`` (``dataAreaId`` in any case)."""
    return _fit(f"{company.upper()}-", number, "")


def refund_id(company: str, number: str) -> str:
    """The id of the refund for credit note ``number``; never that of an order, though F&O may repeat the number."""
    return _fit(f"{company.upper()}-", number, _REFUND)


def transaction_id(kind: Kind, company: str, number: str) -> str:
    """The id of the order or refund for document ``number``."""
    return refund_id(company, number) if kind is Kind.REFUND else order_id(company, number)


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
        digest = sha256(number.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_LENGTH]
        cleaned = f"{cleaned[: room - _DIGEST_LENGTH - 1]}-{digest}"
    return prefix + cleaned + suffix
