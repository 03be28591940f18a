"""The fingerprint of a posted document: equal exactly when F&O shows the same content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache
from operator import attrgetter
from typing import Any

from shared.documents import Charge, Line, OriginalInvoice, PostedDocument

_OF_OTHERS = {
    # What the reader noted on the way, and the company's own addresses.
    PostedDocument: {"notes", "own_addresses", "read_without"},
    # How much of a lot later credit notes have taken back.
    OriginalInvoice: {"returned"},
}
_SINCE_VERSION_1 = {
    PostedDocument: {"tax_group_exempt", "sales_origin", "round_off", "invoice_address"},
    Line: {"tax_group", "tax_group_exempt", "delivery_mode", "lot", "originals"},
    Charge: {"line"},
    OriginalInvoice: {"voucher", "lot", "quantity"},
}


def fingerprint(document: PostedDocument) -> str:
    """SHA-256 (hex) over the document's content.

    What changes for other reasons than the document itself does not count.
    """
    return _hash(document, version=2)


def is_fingerprint_of(known: str, document: PostedDocument) -> bool:
    """Whether ``known``, which may be of version 1, is the document's fingerprint."""
    return known == fingerprint(document) or known == _hash(document, version=1)


def _hash(document: PostedDocument, version: int) -> str:
    def plain(value: Any) -> object:
        return _content(value, version) if is_dataclass(value) else str(value)

    return hashlib.sha256(json.dumps(plain(document), sort_keys=True, default=plain).encode()).hexdigest()


def _content(part: Any, version: int) -> dict[str, Any]:
    names, values = _reading(part.__class__, version)
    return dict(zip(names, values(part), strict=True))


@cache
def _reading(kind: Any, version: int) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    left_out = _OF_OTHERS.get(kind, set()) | (_SINCE_VERSION_1.get(kind, set()) if version == 1 else set())
    names = tuple(field.name for field in fields(kind) if field.name not in left_out)
    return names, attrgetter(*names)
