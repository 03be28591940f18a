"""What counts of a record: its content, without what changes between two audit entries by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.proof.canonical import canonical, sha256

_NO_CONTENT = frozenset({"etag", "odata.etag", "Timestamp", "audit_count", "audit_head", "audit_version", "audit_at"})

UNAUDITED: Mapping[str, frozenset[str]] = {
    "doc": frozenset(
        {"lease_until", "attempts", "first_attempt_at", "outcome_unknown", "updated_at", "enqueued_until", "indexed"}
    ),
    "customer": frozenset({"payload_hash", "lease_until"}),
    "nexus": frozenset({"pulled_at"}),
}
"""By the kind of row: properties that are written without an audit entry."""

_IN_FLIGHT = frozenset({"seen", "reporting", "retrying"})


def kind_of_row(row: str) -> str:
    """``doc``, ``customer``, …: what stands before the first bar of a row key."""
    return row.partition("|")[0]


def plain_record(entity: Mapping[str, Any]) -> dict[str, Any]:
    """A stored entity as JSON content; a typed value of the SDK becomes its value."""
    return {
        name: value if isinstance(value, str | int) else _plain(value)
        for name, value in entity.items()
        if value is not None
    }


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else getattr(value, "value", value)


def record_hash(entity: Mapping[str, Any]) -> str:
    """SHA-256 of the content of a record, with its keys.

    A claim writes no entry, so ``seen``, ``reporting`` and ``retrying`` count as one state.
    """
    kind = kind_of_row(str(entity.get("RowKey", "")))
    left_out = _NO_CONTENT | UNAUDITED.get(kind, frozenset())
    content = {name: value for name, value in plain_record(entity).items() if name not in left_out}
    if kind == "doc" and content.get("state") in _IN_FLIGHT:
        content["state"] = "in flight"
    return sha256(canonical(content))
