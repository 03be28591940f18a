"""What the screens say, whatever the API answers, and how little they need for it."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Error, expect

from tests.end_to_end.console.answers import MARKUP
from tests.end_to_end.console.browsing import RULES
from tests.end_to_end.console.conftest import SignIn
from tests.end_to_end.console.fake_api import FakeApi

MOST_STATIC, MOST_CALLS = 6, 5
SCREENS = {
    "month": "#/month/main/usmf?month=2026-09",
    "to do": "#/todo/main/usmf",
    "document": "#/document/main/usmf/USMF-INV-1",
    "documents": "#/document/main/usmf",
    "reconciliations": "#/reconciliation/main/usmf",
    "reconciliation": "#/reconciliation/main/usmf/r1",
    "filing": "#/filing/main/usmf",
    "running": "#/running/main/usmf",
    "activity": "#/activity/main/usmf",
    "backfills": "#/backfill/main/usmf",
    "backfill": "#/backfill/main/usmf/b1",
    "customers": "#/customers/main/usmf",
    "a wrong company": "#/month/main/none",
}
LOOKS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
    "narrow": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}},
}


def test_the_month_says_in_one_sentence_what_is_in_and_what_can_be_filed(visit: SignIn, api: FakeApi) -> None:
    viewer = visit("viewer")
    viewer.open("#/month/main/usmf?month=2026-09")
    sentence = viewer.page.inner_text("main .lead")
    assert sentence == (
        "Not everything is in: 1 failed, 12 held, 4 in flight; 7 of 10 states can be filed, not CA, NY, TX."
    )
    assert "2 days to Oct 4, 2026, when TaxJar begins to file." in viewer.text()


def test_the_month_in_hand_is_the_one_before_until_the_filing_day(visit: SignIn, api: FakeApi) -> None:
    viewer = visit("viewer")
    assert viewer.page.inner_text("h1") == "September 2026"


def test_the_first_answer_costs_few_requests(visit: SignIn, api: FakeApi) -> None:
    viewer = visit("viewer")
    viewer.requests.clear()
    viewer.open()
    reloaded = viewer.requests[len(viewer.requests) // 2 :]
    static = [path for path in reloaded if path.startswith("/api/console")]
    assert 1 < len(static) <= MOST_STATIC
    assert 1 <= len([path for path in reloaded if path.startswith("/api/people/")]) <= MOST_CALLS


def test_what_comes_from_elsewhere_stays_text_on_every_screen(visit: SignIn) -> None:
    approver = visit("approver")
    shown = 0
    for name, fragment in SCREENS.items():
        approver.go(fragment)
        for summary in approver.page.locator("summary").all():
            summary.click()
        assert approver.page.locator("img, main script, main style, iframe").count() == 0, name
        assert approver.page.title() != "run", name
        shown += MARKUP in approver.page.inner_text("body")
    assert shown >= 8


def test_nothing_on_any_screen_offends_the_content_security_policy(visit: SignIn) -> None:
    approver = visit("approver")
    for fragment in SCREENS.values():
        approver.go(fragment)
    assert approver.complaints == []
    policy = approver.page.request.get(f"{approver.url}/api/console/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    for sink in ("document.body.innerHTML = 'x'", "document.createElement('script').src = '/x.js'"):
        with pytest.raises(Error, match="requires 'Trusted"):
            approver.page.evaluate(sink)


def test_axe_finds_nothing_on_any_screen_in_any_look(visit: SignIn) -> None:
    for look, options in LOOKS.items():
        approver = visit("approver", **options)
        # The dark look differs in its colours only.
        rules = ["color-contrast"] if look == "dark" else RULES
        for name, fragment in SCREENS.items():
            approver.go(fragment)
            assert approver.faults(rules) == [], f"{name}, {look}"


def test_axe_finds_nothing_in_a_dialog(visit: SignIn) -> None:
    approver = visit("approver", **LOOKS["dark"])
    approver.go(SCREENS["document"])
    approver.press("Approve…")
    assert approver.faults() == []


def test_no_screen_is_wider_than_390_pixels(visit: SignIn) -> None:
    approver = visit("approver", **LOOKS["narrow"])
    for name, fragment in SCREENS.items():
        approver.go(fragment)
        assert approver.page.evaluate("document.documentElement.scrollWidth") <= 390, name


def test_a_number_that_two_documents_have_is_a_choice(visit: SignIn) -> None:
    viewer = visit("viewer")
    viewer.go("#/document/main/usmf?number=INV-TWICE")
    assert viewer.page.locator("tbody tr").count() == 2
    assert "V-0" in viewer.text()
    assert "V-1" in viewer.text()
    viewer.go("#/document/main/usmf/SEVERAL")
    assert "Two documents show this id." in viewer.text()
    assert viewer.page.locator("tbody tr").count() == 2


def test_an_invoice_is_found_by_its_number(visit: SignIn) -> None:
    viewer = visit("viewer")
    viewer.page.get_by_label("Invoice number").fill("INV-1")
    viewer.page.get_by_label("Invoice number").press("Enter")
    viewer.page.wait_for_url("**/#/document/main/usmf?number=INV-1")
    expect(viewer.page.locator("h1")).to_have_text("Invoice INV-1")


def test_a_document_shows_what_would_change_and_what_taxjar_holds(visit: SignIn, api: FakeApi) -> None:
    viewer = visit("viewer")
    viewer.go(SCREENS["document"])
    change = viewer.page.locator("section.notice tbody tr")
    assert [row.inner_text().split() for row in change.all()] == [
        ["sales_tax", "8.88", "10.65", "$1.77"],
        ["line", "1", "sales_tax", "8.88", "10.65", "$1.77"],
    ]
    rows = viewer.page.locator("details table").first.locator("tbody tr", has=viewer.page.locator(".failed"))
    # A city in capitals and a date with a time are no differences.
    assert [row.inner_text().split() for row in rows.all()] == [["to_zip", "10001", "10002"]]
    assert any("live=true" in path for _, path, _ in api.calls)


def test_trouble_in_one_part_leaves_the_rest_and_can_be_tried_again(visit: SignIn, api: FakeApi) -> None:
    words = "F&O does not answer. It is tried again by itself."
    api.failures["completeness"] = (503, {"code": "unavailable", "message": words})
    viewer = visit("viewer")
    assert viewer.page.inner_text("h1") == "September 2026"
    assert words in viewer.text()
    assert "Try again in 120 seconds." in viewer.text()
    api.failures.clear()
    viewer.press("Try again")
    expect(viewer.page.locator("main .lead")).to_be_visible()


def test_the_whole_api_gone_is_said_and_can_be_tried_again(visit: SignIn, api: FakeApi) -> None:
    api.failures["status"] = (503, {"code": "unavailable", "message": "The storage account does not answer."})
    viewer = visit("viewer")
    assert "The storage account does not answer." in viewer.text()
    api.failures.clear()
    viewer.press("Try again")
    expect(viewer.page.locator("main .lead")).to_be_visible()


def test_a_pause_stands_above_every_screen(visit: SignIn, api: FakeApi) -> None:
    reason = "TaxJar answered 401 Unauthorized."
    api.pauses.append({"side": "taxjar", "company": None, "kind": "refused", "until": None, "reason": reason})
    viewer = visit("viewer")
    viewer.go("#/filing/main/usmf")
    assert f"TaxJar is paused: {reason}" in viewer.page.inner_text("#notices")


def test_ten_thousand_held_documents_come_in_pages(visit: SignIn, api: FakeApi) -> None:
    api.held = 10_000
    operator = visit("operator")
    operator.go("#/todo/main/usmf")
    assert "10,000 documents" in operator.text()
    rows = operator.page.locator("section:last-of-type tbody tr")
    assert rows.count() == 100
    operator.page.get_by_role("link", name="Next page").click()
    operator.page.wait_for_url("**after=100**")
    expect(operator.page.get_by_role("link", name="INV-199", exact=True)).to_be_visible()
    operator.page.go_back()
    expect(operator.page.get_by_role("link", name="INV-0", exact=True)).to_be_visible()


def test_groups_are_sorted_by_dollars_on_demand(visit: SignIn, api: FakeApi) -> None:
    viewer = visit("viewer")
    viewer.go("#/todo/main/usmf")
    table = viewer.page.locator("table").first
    table.get_by_role("button", name="Net").click()
    assert table.locator("th[aria-sort]").inner_text().startswith("Net")
    cells = table.locator("tbody td:nth-child(4)").all_inner_texts()
    dollars = [float(text.replace("$", "").replace(",", "")) for text in cells]
    assert dollars == sorted(dollars, reverse=True)


def test_exports_are_links_to_the_api(visit: SignIn) -> None:
    viewer = visit("viewer")
    viewer.open(SCREENS["month"])
    link = viewer.page.get_by_role("link", name="XLSX").get_attribute("href")
    assert link
    assert urlsplit(link).path == "/api/people/completeness/main/usmf"
    assert parse_qs(urlsplit(link).query) == {"from": ["2026-09-01"], "to": ["2026-09-30"], "format": ["xlsx"]}


def test_the_keyboard_alone_is_enough(visit: SignIn, api: FakeApi) -> None:
    approver = visit("approver")
    keyboard = approver.page.keyboard

    def tab_to(name: str) -> None:
        for _ in range(120):
            keyboard.press("Tab")
            if approver.page.evaluate("document.activeElement.innerText || document.activeElement.name") == name:
                return
        raise AssertionError(f"the keyboard does not reach {name!r}")

    tab_to("To do 12")
    keyboard.press("Enter")
    expect(approver.page.locator("h1")).to_have_text("To do")
    expect(approver.page.locator("h1")).to_be_focused()
    tab_to("INV-1")
    keyboard.press("Enter")
    expect(approver.page.locator("h1")).to_be_focused()
    tab_to("Approve…")
    keyboard.press("Enter")
    expect(approver.page.locator("dialog [name=reason]")).to_be_focused()
    keyboard.type("Agreed")
    tab_to("typed")
    keyboard.type("INV-1")
    keyboard.press("Enter")
    expect(approver.page.locator("dialog")).to_have_count(0)
    assert api.asked("POST", "documents/main/usmf/USMF-INV-1/approve") == [{"reason": "Agreed"}]
    # Escape leaves a dialog, and nothing is done.
    approver.settle()
    tab_to("Dismiss…")
    keyboard.press("Enter")
    keyboard.press("Escape")
    expect(approver.page.locator("dialog")).to_have_count(0)
    assert not api.asked("POST", "documents/main/usmf/USMF-INV-1/dismiss")
