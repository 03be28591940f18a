"""Two persons for what is filed: who tried a document again does not approve it (``APPROVER_MUST_DIFFER``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def retried_by(audit: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The audit entry (oldest first in ``audit``) of the last retry by a person or key, if there was one."""
    return next((entry for entry in reversed(audit) if entry.get("decision") == "retry"), None)


def is_same_person(entry: Mapping[str, Any], *, name: str, object_id: str) -> bool:
    """Whether the audit entry is of this person: by object id where both have one, else by name."""
    if object_id and entry.get("person"):
        return bool(entry["person"] == object_id)
    return str(entry.get("by", "")).strip().casefold() == name.strip().casefold()
