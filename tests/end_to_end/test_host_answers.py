"""The HTTP functions as an operator meets them (design 3.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from local.simulators.dynamics.specs import AddressSpec, InvoiceSpec
from local.stage import Host
from tests.end_to_end.installation import COMPANY, Installation, running_installation, wait_until

DOCUMENTS = f"/api/documents/main/{COMPANY}"
SUMMARY = {
    "transaction_id",
    "kind",
    "number",
    "voucher",
    "date",
    "customer",
    "state",
    "reason",
    "message",
    "amount",
    "sales_tax",
    "transactions",
    "to_states",
    "late",
    "in_taxjar",
    "since",
    "assignee",
    "updated_at",
}
DETAIL = {"attempts", "left_out", "payload", "proposal", "audit", "audit_intact"}


@dataclass
class Office:
    """A running host whose documents have all settled."""

    host: Host
    installation: Installation

    def get(self, path: str, *, key: str | None = "", **params: str) -> httpx.Response:
        """A GET with the function key, or with another, or with none."""
        headers = {} if key is None else {"x-functions-key": key or self.host.key}
        return self.host.client.get(f"{self.host.url}{path}", params=params or None, headers=headers)

    def listed(self, **params: str) -> list[dict[str, Any]]:
        answer = self.get(DOCUMENTS, **params)
        assert answer.status_code == 200
        found: list[dict[str, Any]] = answer.json()["documents"]
        return found


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    """103 orders, a refund, a held and a skipped document."""
    with running_installation() as installation:
        installation.post(103)
        today = installation.today
        tax = Decimal("0.0825")
        installation.posting.credit_note(installation.posted[0], "CRN-1", today)
        installation.posting.invoice(
            InvoiceSpec("HELD-1", today, ship_to=AddressSpec("1 Main St", "Austin", "NY", "78704"), tax_rate=tax)
        )
        installation.posting.invoice(InvoiceSpec("PRO-1", today, is_proforma=True))
        with installation.host() as host:
            host.run("poll_posted_invoices")
            installation.settle(host, documents=106)
            yield Office(host, installation)


def test_health_is_anonymous(office: Office) -> None:
    answer = office.get("/api/health", key=None)
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert re.fullmatch(r"\d+\.\d+\.\d+", answer.json()["version"])


@pytest.mark.parametrize("key", [None, "wrong"])
@pytest.mark.parametrize("path", [DOCUMENTS, f"{DOCUMENTS}/USRT-INV-0000"])
def test_everything_else_needs_a_function_key(office: Office, path: str, key: str | None) -> None:
    assert office.get(path, key=key).status_code == 401


@pytest.mark.parametrize(
    ("path", "params", "status"),
    [
        ("/api/documents/other/usrt", {}, 404),
        ("/api/documents/main/none", {}, 404),
        (f"{DOCUMENTS}/USRT-NONE", {}, 404),
        (DOCUMENTS, {"state": "lost"}, 400),
        (DOCUMENTS, {"from": "yesterday"}, 400),
        (DOCUMENTS, {"colour": "red"}, 400),
    ],
)
def test_errors_are_json_with_a_message_that_says_what_is_wrong(
    office: Office, path: str, params: dict[str, str], status: int
) -> None:
    answer = office.get(path, **params)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert error.keys() == {"code", "message"}
    named = next(iter(params), path.rsplit("/", 1)[-1] if "other" not in path else "other")
    assert named in error["message"]


def test_a_body_over_256_kib_is_refused(office: Office) -> None:
    url, headers = f"{office.host.url}{DOCUMENTS}", {"x-functions-key": office.host.key}
    answer = office.host.client.request("GET", url, headers=headers, content=b"x" * (256 * 1024 + 1))
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


def test_documents_are_listed_in_pages_that_lead_to_each_other(office: Office) -> None:
    first = office.get(DOCUMENTS).json()
    assert len(first["documents"]) == 100
    second = office.get(first["next"]).json()
    assert second["next"] is None
    numbers = [document["number"] for document in first["documents"] + second["documents"]]
    assert len(numbers) == len(set(numbers)) == 106
    dates = [document["date"] for document in first["documents"] + second["documents"]]
    assert dates == sorted(dates)


def test_a_page_keeps_its_filter(office: Office) -> None:
    page = office.get(DOCUMENTS, state="reported").json()
    assert "state=reported" in page["next"]
    assert len(office.get(page["next"]).json()["documents"]) == 4


def test_a_listed_document_has_the_fields_of_the_contract(office: Office) -> None:
    [order] = [document for document in office.listed(state="reported") if document["number"] == "INV-0001"]
    posted = office.installation.posted[1]
    assert order.keys() == SUMMARY
    assert (order["transaction_id"], order["kind"]) == ("USRT-INV-0001", "order")
    assert (order["date"], order["reason"], order["message"]) == (posted.date.isoformat(), None, None)
    assert (order["amount"], order["sales_tax"]) == (str(posted.total_amount - posted.total_tax), str(posted.total_tax))
    assert order["updated_at"].endswith("Z")
    assert datetime.fromisoformat(order["updated_at"]).utcoffset() == timedelta(0)


def test_held_and_skipped_documents_say_why(office: Office) -> None:
    [held], [skipped] = office.listed(state="held"), office.listed(state="skipped")
    assert (held["transaction_id"], held["reason"]) == ("USRT-HELD-1", "zip_state_mismatch")
    assert "78704" in held["message"]
    assert (skipped["transaction_id"], skipped["reason"]) == ("USRT-PRO-1", "proforma")
    assert office.listed(reason="proforma") == [skipped]


def test_dates_in_queries_are_inclusive(office: Office) -> None:
    day = office.installation.posted[2].date
    found = office.listed(**{"from": day.isoformat(), "to": day.isoformat()})
    expected = [posted for posted in office.installation.posted if posted.date == day]
    assert len(found) == len(expected)
    assert {document["date"] for document in found} == {day.isoformat()}


def test_a_document_is_shown_with_its_payload_and_its_whole_audit(office: Office) -> None:
    refund = office.get(f"{DOCUMENTS}/USRT-CRN-1-refund").json()
    assert refund.keys() >= SUMMARY | DETAIL
    assert (refund["kind"], refund["state"], refund["late"], refund["proposal"]) == ("refund", "reported", False, None)
    assert refund["payload"]["transaction_reference_id"] == "USRT-INV-0000"
    assert refund["audit_intact"] is True
    assert [entry["decision"] for entry in refund["audit"]] == ["seen", "reported"]
    assert refund["audit"][-1]["request"] == refund["payload"]
    assert [entry["function"] for entry in refund["audit"]] == ["poll_posted_invoices", "report_documents"]


def test_a_timer_function_runs_now_when_the_master_key_asks(office: Office) -> None:
    url = f"{office.host.url}/admin/functions/sweep_posted_invoices"
    answer = office.host.client.post(url, json={"input": ""}, headers={"x-functions-key": office.host.key})
    assert answer.status_code == 202
    assert office.host.client.post(url, json={"input": ""}).status_code == 401


def test_what_is_settled_costs_no_taxjar_call(office: Office) -> None:
    before = len(office.installation.simulation.taxjar.calls)
    pages = len(office.installation.simulation.dynamics.calls)
    office.host.run("poll_posted_invoices")
    wait_until(lambda: len(office.installation.simulation.dynamics.calls) > pages)
    office.installation.settle(office.host, documents=106)
    assert len(office.installation.simulation.taxjar.calls) == before
