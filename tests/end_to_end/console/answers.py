"""Answers of the API as the operator's page gets them, made up so that every screen has something to show."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

MARKUP = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>&amp;"
"""Stands in texts that come from F&O, TaxJar and people."""
TODAY = "2026-10-02"
NOW = "2026-10-02T14:05:00Z"
REASONS = ("address_incomplete", "filed_transaction_changed", "credit_note_unlinked", "rejected_by_taxjar")
TERMINAL = ("reported", "skipped", "held", "failed", "in_flight")


def dollars(amount: str, sales_tax: str) -> Json:
    """Net and tax."""
    return {"amount": amount, "sales_tax": sales_tax}


def document(index: int, **changes: Any) -> Json:
    """One row of a list of documents; what varies follows from ``index``."""
    reason = REASONS[index % len(REASONS)]
    row = {
        "transaction_id": f"USMF-INV-{index}",
        "kind": "order",
        "number": f"INV-{index}",
        "voucher": f"V-{index}",
        "date": f"2026-09-{index % 30 + 1:02}",
        "customer": f"C-{index % 7}",
        "state": "failed" if index % 17 == 5 else "held",
        "reason": None if index % 17 == 5 else reason,
        "message": f"The delivery address of the order has no ZIP code. {MARKUP}",
        "amount": f"{index * 37 % 4000 + 12}.50",
        "sales_tax": f"{index * 3 % 300}.13",
        "transactions": 1,
        "to_states": ["TX"] if index % 3 else ["NY", "CA"],
        "late": index % 9 == 0,
        "in_taxjar": reason == "filed_transaction_changed",
        "since": "2026-09-29T08:00:00Z",
        "assignee": "Olga Operator" if index % 4 == 0 else None,
        "updated_at": "2026-10-01T08:00:00Z",
    }
    return {**row, **changes}


def payload(sales_tax: str, **changes: Any) -> Json:
    """A transaction as it is sent to TaxJar."""
    line = {
        "id": "0",
        "quantity": 2,
        "product_identifier": "P-1000",
        "description": f"Speaker {MARKUP}",
        "unit_price": "50.00",
    }
    sent = {
        "transaction_id": "USMF-INV-1",
        "transaction_date": "2026-09-02",
        "from_state": "TX",
        "to_country": "US",
        "to_state": "NY",
        "to_city": "New York",
        "to_zip": "10001",
        "amount": "122.00",
        "shipping": "22.00",
        "sales_tax": sales_tax,
        "exemption_type": "non_exempt",
        "line_items": [
            {**line, "sales_tax": sales_tax},
            {**line, "id": "1", "quantity": 1, "unit_price": "0.00", "sales_tax": "0.00"},
        ],
    }
    return {**sent, **changes}


def full_document(number: int = 1) -> Json:
    """A filed document that would now be sent differently."""
    filed, new = payload("8.88"), payload("10.65")
    return {
        **document(number, state="held", reason="filed_transaction_changed", transaction_id=f"USMF-INV-{number}"),
        "message": "New York is filed through 2026-09-30, and the document would now be sent with another tax.",
        "attempts": 2,
        "in_taxjar": True,
        "left_out": [{"reason": "payment", "amount": "30.00", "sales_tax": "0.00", "sentence": "Store credit."}],
        "transactions": [
            {
                "transaction_id": f"USMF-INV-{number}",
                "kind": "order",
                "state": "reported",
                "to_state": "NY",
                "exemption_type": "non_exempt",
                "transaction_date": "2026-09-02",
                **dollars("122.00", "8.88"),
                "shipping": "22.00",
                "payload": filed,
                "in_taxjar": payload(
                    "8.88", to_city="NEW YORK", transaction_date="2026-09-02T00:00:00.000Z", to_zip="10002"
                ),
            }
        ],
        "proposal": {
            "step": "proposed",
            "pairs": [
                {
                    "transaction_id": f"USMF-INV-{number}",
                    "filed": filed,
                    "difference": {"sales_tax": {"filed": "8.88", "new": "10.65"}},
                    "ids": {"reversal": f"USMF-INV-{number}-reversal-1", "replacement": f"USMF-INV-{number}-1"},
                    "kinds": {"reversal": "refund", "replacement": "order"},
                    "payloads": {"reversal": payload("-8.88", amount="-122.00"), "replacement": new},
                }
            ],
        },
        "audit": [
            {
                "at": "2026-09-02T06:00:00Z",
                "function": "poll_posted_invoices",
                "by": "schedule",
                "way": "schedule",
                "subject": "usmf INV-1",
                "decision": "seen",
            },
            {
                "at": "2026-09-02T06:00:04Z",
                "function": "report_documents",
                "by": "queue",
                "way": "queue",
                "subject": "usmf INV-1",
                "decision": "reported",
                "status": 201,
                "request": filed,
            },
            {
                "at": "2026-09-30T15:20:00Z",
                "function": "decide_document",
                "by": f"Olga Operator {MARKUP}",
                "way": "console",
                "subject": "usmf INV-1",
                "decision": "retry",
                "reason": f"The tax group was corrected. {MARKUP}",
                "before": {"state": "reported"},
            },
        ],
        "audit_intact": True,
    }


def status(you: Json, held: int, pauses: list[Json]) -> Json:
    """What ``show_status`` answers to ``you``, with so many held documents."""
    work = [
        {
            "state": "held",
            "reason": reason,
            "count": share,
            **dollars(f"{share * 310}.40", f"{share * 25}.11"),
            "oldest": f"2026-09-1{at}T08:00:00Z",
        }
        for at, (reason, share) in enumerate(
            zip(REASONS, (held - held // 2, held // 4, held // 8, held // 8), strict=True)
        )
        if share
    ]
    failed = {
        "state": "failed",
        "reason": None,
        "count": 1,
        **dollars("99.00", "8.17"),
        "oldest": "2026-09-29T08:00:00Z",
    }
    functions = [
        "poll_posted_invoices",
        "sweep_posted_invoices",
        "sync_exempt_customers",
        "pull_nexus_regions",
        "reconcile_nightly",
    ]
    return {
        "checked_at": NOW,
        "version": "1.0.0",
        "you": you,
        "connections": [
            {
                "name": "main",
                "dynamics_url": "https://contoso.operations.dynamics.com",
                "pauses": pauses,
                "sets_done_without": ["RetailTransactionSalesLinesV2"],
                "companies": [
                    {
                        "id": company,
                        "today": TODAY,
                        "time_zone": "America/New_York",
                        "report_from": "2026-01-01",
                        "filing_lock_day": 4,
                        "reporting": True,
                        "open_work": [*work, failed] if company == "usmf" else [],
                    }
                    for company in ("usmf", "usrt")
                ],
            }
        ],
        "runs": [
            {
                "function": name,
                "connection": "main",
                "company": None,
                "finished_at": NOW,
                "by": "schedule",
                "ok": name != functions[-1],
                "message": MARKUP,
            }
            for name in functions
        ],
        "queues": [
            {"name": "posted-documents", "messages": 12, "oldest_at": NOW},
            {"name": "posted-documents-poison", "messages": 0, "oldest_at": None},
        ],
        "next_steps": [
            {
                "text": f"{held // 4} filed documents would be sent differently: approve or dismiss them.",
                "connection": "main",
                "company": "usmf",
                "state": "held",
                "reason": "filed_transaction_changed",
            }
        ],
        "audit": {
            "intact": False,
            "broken": [{"connection": "main", "company": "usmf", "transaction_id": "USMF-INV-7"}],
            "last_root": {"day": "2026-10-01", "root": "9f" * 32, "signed_at": "2026-10-02T00:10:00Z", "key": "audit"},
        },
        "settings": [
            {"name": "CONNECTIONS__MAIN__TAXJAR__TOKEN", "value": "set"},
            {"name": "POLL_SCHEDULE", "value": MARKUP},
        ],
        "delays": {
            "from": "2026-09-25T00:00:00Z",
            "to": NOW,
            "buckets": [
                {"up_to_seconds": seconds, "count": count}
                for seconds, count in ((60, 12), (300, 804), (900, 131), (3600, 17), (14400, 4), (86400, 1), (None, 2))
            ],
        },
    }


def _listed(count: int, amount: str, sales_tax: str) -> Json:
    rows = [
        {**document(index, number=f"INV-{index} {MARKUP}"), "to_state": "TX"} for index in range(1, min(count, 5) + 1)
    ]
    return {"count": count, **dollars(amount, sales_tax), "documents": rows}


FINDINGS = {
    "late": _listed(2, "410.00", "33.83"),
    "untaxed_without_reason": _listed(7, "1904.20", "0.00"),
    "tax_without_nexus": _listed(1, "80.00", "6.40"),
    "tax_from_exempt_customer": _listed(0, "0.00", "0.00"),
    "left_out": _listed(3, "95.00", "0.00"),
    "foreign": _listed(1, "12.00", "1.00"),
}


def completeness(start: str, end: str, held: int) -> Json:
    """A month: all but NY, TX and CA can be filed."""
    counts = {"reported": 1204, "skipped": 31, "held": held, "failed": 1, "in_flight": 4}
    waiting = {"TX": held - held // 2, "NY": held // 4, "CA": held // 4}
    states = [
        {
            "state": code,
            "nexus": code != "OR",
            "documents": 40 + 13 * at,
            "dynamics": dollars(f"{41250 + at * 1733}.10", f"{3400 + at * 143}.52"),
            "taxjar": dollars(f"{41250 + at * 1733 - waiting.get(code, 0) * 310}.10", f"{3400 + at * 143}.52"),
            "difference": dollars(f"{waiting.get(code, 0) * 310}.00", "0.00"),
            "held": waiting.get(code, 0),
            "failed": 0,
            "in_flight": 0,
            "missing": 0,
            "filed_through": "2026-08-31",
            "ready_to_file": not waiting.get(code),
            "why": [f"{waiting[code]} documents are held."] if waiting.get(code) else [],
        }
        for at, code in enumerate(["AZ", "CA", "CO", "FL", "GA", "IL", "NY", "OR", "TX", "WA"])
    ]
    return {
        "from": start,
        "to": end,
        "seen": sum(counts.values()),
        **counts,
        "complete": False,
        "reasons": {},
        "dynamics": {"listed": sum(counts.values()), "not_seen_yet": 0, "seen_but_gone": 0},
        "amounts": {name: dollars(f"{count * 310}.40", f"{count * 25}.11") for name, count in counts.items()},
        "by_reason": [
            {
                "state": "held",
                "reason": reason,
                "count": 3,
                **dollars("930.40", "75.11"),
                "oldest": "2026-09-10",
                "in_taxjar": 1,
            }
            for reason in REASONS
        ],
        "days": [
            {
                "date": f"{start[:8]}{day:02}",
                "seen": 0 if day % 7 in (5, 6) else 40 + day * 7 % 30,
                "reported": 40,
                "skipped": 0,
                "held": 2 if day in (10, 11, 21) else 0,
                "failed": 1 if day == 29 else 0,
                "in_flight": 4 if day == 30 else 0,
                "not_seen_yet": 0,
            }
            for day in range(1, int(end[8:]) + 1)
        ],
        "states": states,
        "ready_to_file": False,
        "why": ["TX: 6 documents are held.", f"NY: documents are held. {MARKUP}"],
        **FINDINGS,
        "checked_at": NOW,
        "last_poll_at": NOW,
        "nexus_pulled_at": NOW,
    }


def job(name: str, state: str) -> Json:
    """A reconciliation."""
    counts = {
        "reconciled": 1190,
        "missing_in_taxjar": 3,
        "missing_in_dynamics": 1,
        "amount_mismatch": 2,
        "tax_mismatch": 0,
    }
    sides = {
        "dynamics": dollars("1200.00", "99.00"),
        "taxjar": dollars("1100.00", "99.00"),
        "difference": dollars("100.00", "0.00"),
    }
    rows = [
        {
            **document(index),
            "to_state": "TX",
            "status": "amount_mismatch" if index % 2 else "missing_in_taxjar",
            **sides,
        }
        for index in range(1, 7)
    ]
    return {
        "job": name,
        "state": state,
        "from": "2026-09-01",
        "to": "2026-09-30",
        "deep": True,
        "heal": False,
        "by": f"Olga Operator {MARKUP}",
        "started_at": NOW,
        "finished_at": None if state == "running" else NOW,
        "progress": {"done": 0, "total": 1, "now": "2026-09"},
        "counts": counts,
        "totals": {code: {"documents": 300, "counts": counts, **sides} for code in ("CA", "NY", "TX")},
        "documents": rows,
        "count": len(rows),
        "next": None,
        **FINDINGS,
    }


def backfill(name: str, state: str) -> Json:
    """A dry run."""
    return {
        "job": name,
        "state": state,
        "company": "usmf",
        "from": "2026-01-01",
        "to": "2026-08-31",
        "dry_run": True,
        "force": False,
        "by": "Olga Operator",
        "seen": 4200,
        "message": None,
        "reported": 0,
        "would_send": 3900,
        "would_change": 12,
        "skipped": 188,
        "held": 100,
        "failed": 0,
        "remaining": 0 if state == "finished" else 900,
        "reasons": {"held": {"address_incomplete": 100}, "skipped": {"not_us": 188}},
        "totals": {"TX": {"documents": 3900, **dollars("1250000.00", "103125.00")}},
        "started_at": NOW,
        "finished_at": NOW if state == "finished" else None,
        "eta": None,
    }


def filing_periods() -> Json:
    """Three states over a year."""
    months = [
        (f"2026-{month:02}-01", f"2026-{month:02}-{28 if month == 2 else 30 if month in (4, 6, 9, 11) else 31}")
        for month in range(1, 11)
    ]

    def period(at: int, start: str, end: str, code: str) -> Json:
        status = "filed" if at < 8 else "open" if at == 8 else "running"
        return {
            "from": start,
            "to": end,
            "status": status,
            "closes_on": "2026-10-04",
            "held": 6 if at == 8 and code == "TX" else 0,
            "failed": 0,
            "in_flight": 0,
            "late": int(at == 4),
        }

    return {
        "filing_lock_day": 4,
        "closed_through": "2026-08-31",
        "states": [
            {
                "state": code,
                "frequency": "monthly",
                "nexus": True,
                "filed_through": "2026-08-31",
                "by": "Ada Approver",
                "at": "2026-09-18T10:00:00Z",
                "reason": f"Return filed. {MARKUP}",
                "periods": [period(at, start, end, code) for at, (start, end) in enumerate(months)],
            }
            for code in ("CA", "NY", "TX")
        ],
    }


def activity() -> Json:
    """What people and schedules did."""
    person = {"by": f"Ada Approver {MARKUP}", "person": "0a1b", "way": "console"}
    return {
        "activity": [
            {
                "at": NOW,
                "kind": "decision",
                "company": "usmf",
                **person,
                "function": "decide_document",
                "subject": "usmf INV-1",
                "transaction_id": "USMF-INV-1",
                "decision": "approve",
                "reason": f"Agreed with the customer. {MARKUP}",
                "before": {"state": "held"},
                "after": {"state": "retrying"},
            },
            {
                "at": NOW,
                "kind": "nexus",
                "function": "pull_nexus_regions",
                "by": "schedule",
                "way": "schedule",
                "subject": "nexus main",
                "decision": "pulled",
                "message": "10 regions",
            },
        ],
        "next": None,
    }


def customers() -> Json:
    """One who is exempt, one whom TaxJar refused."""
    common = {"exemption_type": "wholesale", "regions": ["TX"], "rule": "sales tax group EXEMPT", "updated_at": NOW}
    return {
        "customers": [
            {
                "customer_id": "USMF-C-1",
                "account": "C-1",
                "name": f"Contoso {MARKUP}",
                "state": "exempt",
                "message": None,
                **common,
            },
            {
                "customer_id": "USMF-C-2",
                "account": "C-2",
                "name": "Fabrikam",
                "state": "refused",
                "message": "name is missing",
                **common,
                "regions": [],
            },
        ],
        "count": 2,
        "next": None,
        "synced_at": NOW,
    }


NEXUS = {
    "pulled_at": NOW,
    "regions": [{"country_code": "US", "country": "United States", "region_code": "TX", "region": "Texas"}],
}
CHECKS = {
    "ok": False,
    "checks": [
        {"name": "sign-in", "ok": True, "message": "Entra ID gives tokens.", "hint": ""},
        {
            "name": "TaxJar account of usmf",
            "ok": False,
            "message": f"401 Unauthorized {MARKUP}",
            "hint": "Correct TAXJAR__TOKEN.",
        },
    ],
}
