"""The page on the world of ``up``: each role, every decision to its end in TaxJar, and nobody else (design 4.9)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect

from local.demo import retailer
from local.demo.story import Demo
from local.demo.to_do import BY_HAND, CHANGED, HAND_ID, MISMATCH, correct_address, to_be_changed
from local.demo.today import today
from local.simulation import CONNECTION, TAXJAR_ACCOUNT
from local.simulators.dynamics.specs import AddressSpec, InvoiceSpec
from local.simulators.taxjar.records import StoredTransaction
from tests.end_to_end.console.browsing import RULES, Visit, sign_in
from tests.end_to_end.installation import wait_until

VIEWER, OPERATOR, APPROVER = "vera", "otto", "ada"
COMPANY = retailer.COMPANY
PLACE = f"{CONNECTION}/{COMPANY}"
DOCUMENTS = f"/api/documents/{PLACE}"
MARKUP = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>"
NOWHERE = AddressSpec(MARKUP, "Austin", "NY", "78704")
SCREENS = [
    f"#/{screen}/{PLACE}"
    for screen in (
        "month",
        "todo",
        "document",
        "reconciliation",
        "filing",
        "running",
        "activity",
        "backfill",
        "customers",
    )
]
Enter = Callable[..., Visit]


@pytest.fixture
def enter(browser: Browser, up: Demo) -> Iterator[Enter]:
    """``enter("ada")`` opens the page of ``up`` as that person."""
    contexts = []

    def opened(person: str | None, **options: Any) -> Visit:
        contexts.append(browser.new_context(**options))
        return sign_in(contexts[-1], up.host.url, person)

    yield opened
    for context in contexts:
        context.close()


def found(up: Demo, number: str) -> dict[str, Any]:
    """The document of this number, as it is listed."""
    documents: list[dict[str, Any]] = up.host.get(DOCUMENTS, number=number)["documents"]
    return documents[0] if documents else {}


def post(up: Demo, spec: InvoiceSpec, state: str) -> str:
    """Post a document, poll, and wait until it is in ``state``; its id in TaxJar."""
    up.simulation.posting(COMPANY).invoice(spec)
    up.host.run("poll_posted_invoices")
    settled(up, spec.number, state)
    return f"{COMPANY.upper()}-{spec.number}"


def settled(up: Demo, number: str, state: str) -> None:
    wait_until(lambda: found(up, number).get("state") == state, within=60)


def held_in_taxjar(up: Demo, transaction_id: str) -> dict[str, StoredTransaction]:
    """What TaxJar holds of a document and its corrections, by id."""
    account = up.simulation.taxjar.account(TAXJAR_ACCOUNT)
    return {name: each for (_, name), each in account.transactions.items() if name.startswith(transaction_id)}


def fragment(transaction_id: str) -> str:
    return f"#/document/{PLACE}/{transaction_id}"


def decided(visit: Visit) -> None:
    """The dialog has closed, and the page shows what came of it."""
    expect(visit.page.locator("dialog")).to_have_count(0)
    visit.settle()


def test_an_approval_sends_the_correction_and_says_who_approved(up: Demo, enter: Enter) -> None:
    number = "INV-32001"
    transaction_id = post(up, to_be_changed(number, today()), "reported")
    correct_address(up.host, up.simulation, number)
    approver = enter(APPROVER)
    approver.go(fragment(transaction_id))
    assert "to_zip" in approver.page.locator("section.notice").inner_text()
    approver.press("Approve…")
    approver.dialog("Approve", reason="Agreed with the customer", typed=number)
    decided(approver)
    settled(up, number, "reported")
    zips = {name: each.to_zip for name, each in held_in_taxjar(up, transaction_id).items()}
    assert zips == {
        transaction_id: "98121",
        f"{transaction_id}-reversal-1": "98121",
        f"{transaction_id}-1": "98101",
    }
    amounts = [each.amount for each in held_in_taxjar(up, transaction_id).values()]
    assert sum(amounts, Decimal(0)) == Decimal("309.90")
    [entry] = [each for each in up.host.get(f"{DOCUMENTS}/{transaction_id}")["audit"] if each["decision"] == "approve"]
    assert (entry["by"], entry["person"], entry["way"]) == ("Ada Approver", "ada", "console")
    assert approver.complaints == []


def test_a_settlement_makes_what_was_entered_by_hand_its_own(up: Demo, enter: Enter) -> None:
    approver = enter(APPROVER)
    approver.go(f"#/document/{PLACE}?number={BY_HAND}")
    approver.press("Settle…")
    approver.dialog("Settle", reason="Entered by hand in November", transaction_ids=HAND_ID)
    decided(approver)
    assert found(up, BY_HAND)["reason"] == "handled_outside"
    assert "Handled outside" in approver.text()
    shown = up.host.get(f"/api/reconciliations/{PLACE}", **{"from": str(today() - timedelta(days=2))})
    assert HAND_ID not in json.dumps(shown["foreign"])


def test_states_are_closed_by_the_approver(up: Demo, enter: Enter) -> None:
    through = str(today().replace(day=1) - timedelta(days=1))
    approver = enter(APPROVER)
    approver.go(f"#/filing/{PLACE}")
    for state in ("IL", "OH"):
        approver.page.get_by_label(f"Select {state}", exact=True).check()
    approver.press("Close the selected states…")
    approver.dialog("Close", reason="Returns were filed", filed_through=through, confirm=True)
    decided(approver)
    states = {each["state"]: each for each in up.host.get(f"/api/filing-periods/{PLACE}")["states"]}
    for state in ("IL", "OH"):
        assert (states[state]["filed_through"], states[state]["by"]) == (through, "Ada Approver")


def test_a_bulk_retry_reports_what_was_put_right(up: Demo, enter: Enter) -> None:
    # A day on which nothing else waits.
    numbers, on = ["INV-32002", "INV-32003"], today() - timedelta(days=5)
    for number in numbers:
        up.simulation.posting(COMPANY).customer(f"C-{number}", "Nowhere Inc.")
        ship_to = AddressSpec(f"{number[-3:]} Elm St", "Austin", "TX", "")
        spec = InvoiceSpec(number, on, customer=f"C-{number}", ship_to=ship_to, tax_rate=Decimal("0.0825"))
        post(up, spec, "held")
    store = up.simulation.dynamics.store
    for row in [row for row in store.rows("LogisticsPostalAddressBiEntities") if "Elm St" in str(row["Street"])]:
        store.update("LogisticsPostalAddressBiEntities", row, {"ZipCode": "78701"})
    operator = enter(OPERATOR)
    query = f"state=held&reason=address_incomplete&from={on}&to={on}"
    operator.go(f"#/todo/{PLACE}?{query}")
    operator.press("Retry all 2…")
    assert operator.page.locator("dialog tbody tr").count() == 2
    operator.dialog("Retry 2 documents", reason="The addresses are complete now")
    decided(operator)
    for number in numbers:
        settled(up, number, "reported")
        [sent] = held_in_taxjar(up, f"USRT-{number}").values()
        assert (sent.to_zip, sent.amount, sent.sales_tax) == ("78701", Decimal(100), Decimal("8.25"))


def test_a_reconciliation_runs_as_a_job_and_finds_what_somebody_changed_in_taxjar(up: Demo, enter: Enter) -> None:
    operator = enter(OPERATOR)
    operator.go(f"#/reconciliation/{PLACE}")
    yesterday = str(today() - timedelta(days=1))
    operator.page.locator("main [name=from]").fill(yesterday)
    operator.page.locator("main [name=to]").fill(yesterday)
    operator.page.locator("main [name=deep]").check()
    operator.press("Start…")
    operator.page.locator("dialog button.main").click()
    badge = operator.page.locator("main h1 + .badge")
    expect(badge).to_contain_text("Finished", timeout=60_000)
    job = operator.page.url.rpartition("/")[2]
    row = operator.page.locator("tbody tr", has=operator.page.get_by_role("link", name=MISMATCH, exact=True))
    expect(row.first).to_contain_text("Tax mismatch")
    operator.go(f"#/reconciliation/{PLACE}/{job}?status=tax_mismatch")
    expect(operator.page.get_by_role("heading", name="1 difference")).to_be_visible()
    assert "by Otto Operator" in operator.text()
    link = operator.page.get_by_role("link", name="XLSX").get_attribute("href")
    assert operator.page.request.get(f"{up.host.url}{link}").body().startswith(b"PK")
    assert operator.complaints == []


def test_each_role_may_do_only_its_own_whatever_the_page_shows(up: Demo, enter: Enter) -> None:
    """The page hides what a role may not; the API refuses it."""
    script = """async ([method, path, body]) => (await fetch('/api/people/' + path, {method, body: JSON.stringify(body),
        headers: {'X-Connector': 'console', 'Content-Type': 'application/json'}})).status"""
    document = f"documents/{PLACE}/USRT-{CHANGED}"
    why = {"reason": "because"}
    period = [f"filing-periods/{PLACE}/NM", {"filed_through": "2026-01-31", "confirm": True, **why}]
    asked = {
        "approve": ["POST", f"{document}/approve", why],
        "close": ["PUT", *period],
        "note": ["POST", f"{document}/note", {"text": "looked at"}],
    }
    for person, refused in ((VIEWER, {"approve", "close", "note"}), (OPERATOR, {"approve", "close"})):
        visit = enter(person)
        visit.go(fragment(f"USRT-{CHANGED}"))
        assert ("Note…" in visit.buttons()) is (person != VIEWER)
        assert "Approve…" not in visit.buttons()
        statuses = {name: visit.page.evaluate(script, request) for name, request in asked.items()}
        assert {name for name, status in statuses.items() if status == 403} == refused
        assert all(status in (202, 403) for status in statuses.values())
    assert found(up, CHANGED)["state"] == "held"


def test_a_principal_that_was_forged_is_refused(up: Demo) -> None:
    claims = [("tid", "00000000-0000-0000-0000-00000000cafe"), ("oid", "x"), ("name", "Mallory"), ("roles", "approver")]
    principal = {"auth_typ": "aad", "claims": [{"typ": kind, "val": value} for kind, value in claims]}
    forged = {
        "X-MS-CLIENT-PRINCIPAL": base64.b64encode(json.dumps(principal).encode()).decode(),
        "X-MS-CLIENT-PRINCIPAL-ID": "x",
        "X-MS-CLIENT-PRINCIPAL-NAME": "Mallory",
        "X-MS-CLIENT-PRINCIPAL-IDP": "aad",
        "X-Connector": "console",
    }
    url = f"{up.host.url}/api/people"
    assert httpx.get(f"{url}/status", headers=forged).status_code == 401
    body = {"reason": "mine", "by": "Ada Approver"}
    answer = httpx.post(f"{url}/documents/{PLACE}/USRT-{CHANGED}/approve", headers=forged, json=body)
    assert answer.status_code == 401
    with httpx.Client(follow_redirects=True) as client:
        client.get(f"{up.host.url}/.auth/login/local", params={"id": VIEWER})
        answer = client.post(f"{url}/documents/{PLACE}/USRT-{CHANGED}/approve", headers=forged, json=body)
        assert answer.status_code == 403
    assert found(up, CHANGED)["state"] == "held"


def test_every_screen_works_and_what_comes_from_f_and_o_stays_text(up: Demo, enter: Enter) -> None:
    name = MARKUP[:100]
    up.simulation.posting(COMPANY).customer("C-MARKUP", name)
    spec = InvoiceSpec("INV-32004", today(), customer="C-MARKUP", ship_to=NOWHERE)
    screens = [*SCREENS, fragment(post(up, spec, "held")), fragment(f"USRT-{CHANGED}")]
    for options in ({"color_scheme": "dark"}, {"viewport": {"width": 390, "height": 844}}):
        approver = enter(APPROVER, **options)
        for screen in screens:
            approver.go(screen)
            assert approver.page.locator("h1").inner_text() != "This did not work", screen
            assert approver.page.get_by_role("alert").count() == 0, (screen, approver.text())
            assert approver.page.locator("main img, main script").count() == 0, screen
            assert approver.page.title() != "run", screen
            assert approver.faults(RULES) == [], screen
            assert approver.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), screen
        assert approver.complaints == []


def dollars(amount: Decimal) -> str:
    return f"{'-' if amount < 0 else ''}${abs(amount):,.2f}"


def test_the_months_figures_are_those_of_taxjar_to_the_cent(up: Demo, enter: Enter) -> None:
    month = f"{today() - timedelta(days=1):%Y-%m}"
    viewer = enter(VIEWER)
    viewer.go(f"#/month/{PLACE}?month={month}")
    table = viewer.page.locator("section", has=viewer.page.get_by_role("heading", name="By state")).locator("tbody tr")
    account = up.simulation.taxjar.account(TAXJAR_ACCOUNT)
    for row in table.all():
        cells = row.locator("th, td").all_inner_texts()
        state = cells[0].strip()
        held = [
            each
            for each in account.transactions.values()
            if (each.to_state, f"{each.transaction_date:%Y-%m}") == (state, month)
            and each.transaction_id.startswith("USRT-")
        ]
        # Somebody took a dollar of tax from the document MISMATCH: that is for reconciliation to find.
        taken = Decimal(1) if state == "TX" else Decimal(0)
        amount = sum((each.amount for each in held), Decimal(0))
        tax = sum((each.sales_tax for each in held), taken)
        assert (cells[3], cells[6]) == (dollars(amount), dollars(tax)), state
