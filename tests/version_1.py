"""Rows of the ledger as version 1 wrote them."""

from __future__ import annotations

from datetime import timedelta

from local.simulation import CONNECTION
from tests.world import COMPANY, NOW, TODAY


def row_of_version_1(number: str, state: str, **properties: object) -> dict[str, object]:
    """A record as version 1 wrote it."""
    on = (TODAY - timedelta(days=3)).isoformat()
    return {
        "PartitionKey": f"{CONNECTION}|{COMPANY}",
        "RowKey": f"doc|{on}|{number}|ARI-{number}",
        "company": COMPANY,
        "number": number,
        "date": on,
        "voucher": f"ARI-{number}",
        "connection": CONNECTION,
        "state": state,
        "kind": "order",
        "transaction_id": f"USMF-{number}",
        "owns_id": True,
        "seen_at": (NOW - timedelta(days=2)).isoformat(),
        "updated_at": (NOW - timedelta(days=2)).isoformat(),
        "total_amount": "108.25",
        "total_tax": "8.25",
        "to_state": "",
        "reason": "",
        "message": "",
        "late": False,
        "attempts": 0,
        "outcome_unknown": False,
        "fingerprint": "",
        "payload_hash": "",
        "remap": False,
        "forced": "",
        "dismissed": "",
        "corrections": 0,
        "stand_in": False,
        "audit_count": 0,
        "audit_head": "",
        **properties,
    }
