"""Each role sees and does only its own, and every decision reaches the API as it was made."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.end_to_end.console.conftest import SignIn
from tests.end_to_end.console.fake_api import FakeApi

DOCUMENT = "#/document/main/usmf/USMF-INV-1"
OPERATORS = ["Retry…", "Note…", "Assign…"]


def test_nobody_is_asked_to_sign_in_and_sees_nothing(visit: SignIn, api: FakeApi) -> None:
    nobody = visit(None)
    nobody.open(DOCUMENT)
    assert nobody.page.inner_text("h1") == "Please sign in"
    assert "INV-1" not in nobody.page.inner_text("body")
    link = nobody.page.get_by_role("link", name="Sign in").get_attribute("href")
    assert link
    assert link.startswith("/.auth/login/local?post_login_redirect_uri=%2Fapi%2Fconsole%2F%23%2Fdocument")


@pytest.mark.parametrize(
    ("role", "buttons"),
    [
        ("viewer", []),
        ("operator", OPERATORS),
        ("approver", ["Retry…", "Approve…", "Dismiss…", "Settle…", *OPERATORS[1:]]),
    ],
)
def test_a_document_offers_what_the_role_may_decide(visit: SignIn, role: str, buttons: list[str]) -> None:
    person = visit(role)
    person.go(DOCUMENT)
    assert person.buttons() == buttons
    assert ("Approve: for approvers" in person.text()) is (role != "approver")


def test_a_viewer_cannot_change_anything_on_any_screen(visit: SignIn, api: FakeApi) -> None:
    viewer = visit("viewer")
    for screen in ("todo", "document", "reconciliation", "filing", "running", "backfill", "customers"):
        viewer.go(f"#/{screen}/main/usmf")
        assert not [name for name in viewer.buttons() if name.endswith("…") or name.startswith("Ping")], screen
    assert {method for method, _, _ in api.calls} == {"GET"}


def test_an_approval_needs_the_number_typed(visit: SignIn, api: FakeApi) -> None:
    approver = visit("approver")
    approver.go(DOCUMENT)
    approver.press("Approve…")
    approver.dialog("Approve", reason="Agreed with the customer", typed="INV-2")
    expect(approver.page.get_by_role("alert")).to_have_text("That is not INV-1. Nothing was done.")
    assert not api.asked("POST", "documents")
    approver.dialog("Approve", typed="INV-1")
    expect(approver.page.locator("dialog")).to_have_count(0)
    path = "documents/main/usmf/USMF-INV-1/approve"
    assert api.asked("POST", path) == [{"reason": "Agreed with the customer"}]


def test_what_the_api_refuses_is_shown_in_its_own_words(visit: SignIn, api: FakeApi) -> None:
    error = {"code": "conflict", "message": "Whoever retried a document may not approve it."}
    approver = visit("approver")
    approver.go(DOCUMENT)
    api.failures["documents/main/usmf/USMF-INV-1/dismiss"] = (409, error)
    approver.press("Dismiss…")
    approver.dialog("Dismiss", reason="Kept")
    expect(approver.page.get_by_role("alert")).to_contain_text(error["message"])
    expect(approver.page.locator("dialog")).to_be_visible()


def test_a_settlement_says_what_was_entered_by_hand(visit: SignIn, api: FakeApi) -> None:
    approver = visit("approver")
    approver.go(DOCUMENT)
    approver.press("Settle…")
    approver.dialog("Settle", reason="Entered by hand", transaction_ids="HAND-1, HAND-2")
    expect(approver.page.locator("dialog")).to_have_count(0)
    sent = api.asked("POST", "documents/main/usmf/USMF-INV-1/settle")
    assert sent == [{"reason": "Entered by hand", "transaction_ids": ["HAND-1", "HAND-2"]}]


def test_notes_and_assignments_need_no_more_than_they_say(visit: SignIn, api: FakeApi) -> None:
    operator = visit("operator")
    operator.go(DOCUMENT)
    operator.press("Note…")
    operator.dialog("Note", text="Asked the warehouse")
    expect(operator.page.locator("dialog")).to_have_count(0)
    operator.press("Assign…")
    operator.dialog("Assign", to="Ann Smith")
    expect(operator.page.locator("dialog")).to_have_count(0)
    assert api.asked("POST", "documents/main/usmf/USMF-INV-1/note") == [{"text": "Asked the warehouse"}]
    assert api.asked("POST", "documents/main/usmf/USMF-INV-1/assign") == [{"to": "Ann Smith"}]


def test_a_bulk_retry_shows_first_what_it_would_retry(visit: SignIn, api: FakeApi) -> None:
    operator = visit("operator")
    operator.go("#/todo/main/usmf?state=held&reason=address_incomplete")
    operator.press("Retry all 12…")
    dialog = operator.page.locator("dialog")
    assert "Retry 12 documents" in dialog.inner_text()
    assert dialog.locator("tbody tr").count() == 8
    assert not api.asked("POST", "documents")
    operator.dialog("Retry 12 documents", reason="Addresses were completed")
    expect(dialog).to_have_count(0)
    path = "documents/main/usmf/retry?state=held&order=oldest&reason=address_incomplete"
    assert api.asked("POST", path) == [{"reason": "Addresses were completed"}]


def test_several_documents_are_decided_at_once(visit: SignIn, api: FakeApi) -> None:
    operator = visit("operator")
    operator.go("#/todo/main/usmf")
    for number in ("INV-2", "INV-3"):
        operator.page.get_by_label(f"Select {number}", exact=True).check()
    operator.press("Retry…")
    operator.dialog("Retry", reason="Corrected in F&O")
    expect(operator.page.locator("dialog")).to_have_count(0)
    asked = [path for method, path, _ in api.calls if method == "POST"]
    assert asked == [f"documents/main/usmf/USMF-INV-{number}/retry?voucher=V-{number}" for number in (2, 3)]


def test_several_states_are_closed_and_open_work_has_to_be_confirmed(visit: SignIn, api: FakeApi) -> None:
    approver = visit("approver")
    approver.go("#/filing/main/usmf")
    for state in ("CA", "TX"):
        approver.page.get_by_label(f"Select {state}", exact=True).check()
    approver.press("Close the selected states…")
    approver.dialog("Close", reason="Returns filed", filed_through="2026-09-30")
    expect(approver.page.get_by_role("alert")).to_contain_text("6 documents of TX are still held")
    approver.dialog("Close", confirm=True)
    expect(approver.page.locator("dialog")).to_have_count(0)
    body = {"filed_through": "2026-09-30", "reason": "Returns filed", "confirm": False, "reopen": False}
    assert api.asked("PUT", "filing-periods/main/usmf/CA")[0] == body
    assert api.asked("PUT", "filing-periods/main/usmf/TX") == [body, {**body, "confirm": True}]


def test_jobs_and_runs_are_started_by_operators(visit: SignIn, api: FakeApi) -> None:
    operator = visit("operator")
    operator.go("#/backfill/main/usmf")
    operator.press("Start…")
    operator.page.locator("dialog button.main").click()
    operator.page.wait_for_url("**/backfill/main/usmf/b1")
    [body] = api.asked("POST", "backfills/main")
    assert body == {"company": "usmf", "from": "2026-01-01", "to": "2026-10-02", "dry_run": True, "force": False}
    operator.go("#/reconciliation/main/usmf")
    operator.press("Start…")
    operator.page.locator("dialog button.main").click()
    operator.page.wait_for_url("**/reconciliation/main/usmf/r1")
    [body] = api.asked("POST", "reconciliation-jobs/main/usmf")
    assert body == {"from": "2026-09-01", "to": "2026-09-30", "deep": False, "heal": False}
    operator.go("#/running/main/usmf")
    operator.press("Ping main")
    expect(operator.page.get_by_text("Correct TAXJAR__TOKEN.")).to_be_visible()
    operator.page.get_by_role("button", name="Run now…").first.click()
    operator.page.locator("dialog button.main").click()
    expect(operator.page.locator("dialog")).to_have_count(0)
    assert api.asked("POST", "runs/") == [{}]
