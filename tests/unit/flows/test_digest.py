"""When the daily digest is sent, and what it says (design 3.2)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.flows.operations.digest import (
    CompanyStanding,
    LastDigest,
    Occasion,
    Standing,
    Waiting,
    as_json,
    as_teams_card,
    headline,
    next_filing_day,
    occasion_for,
    standing_of,
)

NOW = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
TODAY = NOW.date()
LINKS = {"main/usmf": "https://app/api/console/#/todo/main/usmf"}


def waiting(count: int = 3, amount: str = "1200.00", reason: str = "address_incomplete") -> Waiting:
    return Waiting(
        state="held",
        reason=reason,
        count=count,
        amount=Decimal(amount),
        sales_tax=Decimal("9.90"),
        oldest=date(2026, 11, 2),
    )


def standing(*work: Waiting, today: date = TODAY, troubles: tuple[str, ...] = ()) -> Standing:
    company = CompanyStanding(
        connection="main", company="usmf", today=today, filing_day=next_filing_day(today, 4), waiting=work
    )
    return Standing(companies=(company,), troubles=troubles)


def after(sent: Standing, **ago: float) -> LastDigest:
    return LastDigest(sent.fingerprint(), NOW - timedelta(**ago))


def test_the_first_one_is_sent() -> None:
    assert occasion_for(standing(), None, NOW) is Occasion.ALL_WELL
    assert occasion_for(standing(waiting()), None, NOW) is Occasion.CHANGED


def test_what_did_not_change_is_not_said_again() -> None:
    assert occasion_for(standing(waiting()), after(standing(waiting()), days=1), NOW) is None
    assert occasion_for(standing(), after(standing(), days=6), NOW) is None


@pytest.mark.parametrize(
    "now",
    [
        standing(waiting(4)),
        standing(waiting(amount="1.00")),
        standing(waiting(), waiting(reason="mixed_signs")),
        standing(waiting(), troubles=("main is paused",)),
    ],
)
def test_a_change_is_said_at_once(now: Standing) -> None:
    assert occasion_for(now, after(standing(waiting()), hours=1), NOW) is Occasion.CHANGED


def test_that_all_is_well_again_is_said_at_once() -> None:
    assert occasion_for(standing(), after(standing(waiting()), hours=1), NOW) is Occasion.ALL_WELL


def test_once_a_week_there_is_a_sign_of_life() -> None:
    assert occasion_for(standing(), after(standing(), days=7), NOW) is Occasion.ALL_WELL
    assert occasion_for(standing(), after(standing(), days=6, hours=23, minutes=59), NOW) is Occasion.ALL_WELL
    assert occasion_for(standing(waiting()), after(standing(waiting()), days=7), NOW) is Occasion.STILL_WAITING


@pytest.mark.parametrize(("day", "due"), [(30, False), (1, True), (4, True), (5, False)])
def test_near_the_filing_day_what_waits_is_said_every_day(day: int, due: bool) -> None:
    today = date(2026, 11 if day == 30 else 12, day)
    now = standing(waiting(), today=today)
    found = occasion_for(now, after(now, days=1), NOW)
    assert found is (Occasion.FILING_DAY_NEAR if due else None)
    well = standing(today=today)
    assert occasion_for(well, after(well, days=1), NOW) is None


@given(st.dates(date(2000, 1, 1), date(2099, 12, 1)), st.integers(1, 28))
def test_the_filing_day_is_the_next_one(today: date, lock_day: int) -> None:
    found = next_filing_day(today, lock_day)
    assert found.day == lock_day
    assert timedelta(0) <= found - today < timedelta(days=31)


def test_the_passing_of_days_is_no_change() -> None:
    assert standing(waiting(), today=TODAY).fingerprint() == standing(waiting(), today=date(2026, 12, 1)).fingerprint()
    both = (waiting(), waiting(reason="mixed_signs"))
    assert standing(*both).fingerprint() == standing(*reversed(both)).fingerprint()


def test_it_counts_documents_and_dollars_and_says_how_old_they_are() -> None:
    found = as_json(standing(waiting(), waiting(1, "-5.00", "mixed_signs")), Occasion.CHANGED, LINKS)
    [company] = found["companies"]
    assert (company["count"], company["amount"], company["sales_tax"]) == (4, "1195.00", "19.80")
    assert (company["oldest"], company["days_to_filing"], company["link"]) == ("2026-11-02", 14, LINKS["main/usmf"])
    assert found["text"].splitlines()[0] == "4 documents wait for a person."
    assert "USMF: 3 held: address incomplete, $1,200.00, tax $9.90, oldest since 2026-11-02" in found["text"]


def test_the_headline_names_the_filing_day_when_it_is_near() -> None:
    near = standing(waiting(1), today=date(2026, 12, 3))
    assert headline(near, Occasion.FILING_DAY_NEAR) == "1 document waits for a person, and filing begins tomorrow."
    assert headline(standing(), Occasion.ALL_WELL) == "All well: nothing waits for a person."


def test_teams_gets_a_card_with_a_link() -> None:
    message = as_teams_card(standing(waiting(), troubles=("main is paused",)), Occasion.CHANGED, LINKS)
    [attachment] = message["attachments"]
    card = attachment["content"]
    assert (message["type"], attachment["contentType"]) == ("message", "application/vnd.microsoft.card.adaptive")
    assert [action["url"] for action in card["actions"]] == [LINKS["main/usmf"]]
    assert [block["text"] for block in card["body"]][:2] == ["3 documents wait for a person.", "main is paused"]


@pytest.mark.parametrize(
    ("change", "troubles"),
    [
        (lambda status: None, 0),
        (lambda status: status["connections"][0]["pauses"].append({"reason": "The token is refused."}), 1),
        (lambda status: status["runs"][0].update(ok=False), 1),
        (lambda status: status.update(audit={"intact": False}), 1),
    ],
)
def test_it_is_read_from_the_status(change: Callable[[dict[str, object]], None], troubles: int) -> None:
    work = {"count": 2, "amount": "10.00", "sales_tax": "1.00", "oldest": "2026-11-02T10:00:00Z"}
    status: dict[str, object] = {
        "connections": [
            {
                "name": "main",
                "pauses": [],
                "companies": [
                    {
                        "id": "usmf",
                        "today": "2026-11-20",
                        "filing_lock_day": 4,
                        "open_work": [
                            {"state": "held", "reason": "mixed_signs", **work},
                            {"state": "retrying", "reason": None, **work},
                        ],
                    }
                ],
            }
        ],
        "runs": [{"function": "poll_posted_invoices", "ok": True}],
    }
    change(status)
    found = standing_of(status)
    [company] = found.companies
    assert [(each.state, each.reason, each.count) for each in company.waiting] == [("held", "mixed_signs", 2)]
    assert (company.filing_day, company.oldest) == (date(2026, 12, 4), date(2026, 11, 2))
    assert len(found.troubles) == troubles
