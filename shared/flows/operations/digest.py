"""The daily digest: whether there is something to say, and what. Pure: :mod:`.notify` sends it (design 3.2).

It is sent when something changed since the last one, when the filing day is near and something is open, and at least
once a week, so that silence always means that the connector stands still.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from shared.documents import ZERO
from shared.money import plain

NEAR = 3
"""Days before the filing day from which the open work is sent every day."""
AT_LEAST_EVERY = timedelta(days=7)
_WAITING = ("held", "failed")


class Occasion(StrEnum):
    """Why a digest is sent."""

    CHANGED = "changed"
    FILING_DAY_NEAR = "filing_day_near"
    STILL_WAITING = "still_waiting"
    ALL_WELL = "all_well"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Documents of one state and reason that wait for a person; amounts in US dollars, ``oldest`` since when."""

    state: str
    reason: str
    count: int
    amount: Decimal
    sales_tax: Decimal
    oldest: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyStanding:
    """How one company stands. ``filing_day`` is the next day on which its monthly returns begin to be filed."""

    connection: str
    company: str
    today: date
    filing_day: date
    waiting: tuple[Waiting, ...] = ()

    @property
    def days_to_filing(self) -> int:
        """From today; 0 on the day itself."""
        return (self.filing_day - self.today).days

    @property
    def count(self) -> int:
        """Documents that wait."""
        return sum(each.count for each in self.waiting)

    @property
    def oldest(self) -> date | None:
        """Since when the oldest waits."""
        return min((each.oldest for each in self.waiting if each.oldest), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How everything stands; ``troubles`` are sentences: pauses, runs that did not end, a broken audit."""

    companies: tuple[CompanyStanding, ...]
    troubles: tuple[str, ...] = ()

    @property
    def is_well(self) -> bool:
        """Whether nothing waits and nothing is in trouble."""
        return not self.troubles and not any(company.waiting for company in self.companies)

    def fingerprint(self) -> str:
        """Changes when there is something new to say; that a day went by is nothing new."""
        waiting = [
            (company.connection, company.company, sorted(asdict(each).items(), key=str))
            for company in self.companies
            for each in sorted(company.waiting, key=lambda each: (each.state, each.reason))
        ]
        text = json.dumps([waiting, sorted(self.troubles)], default=str)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class LastDigest:
    """The digest that was sent last."""

    fingerprint: str
    sent_at: datetime


def occasion_for(standing: Standing, last: LastDigest | None, now: datetime) -> Occasion | None:
    """Why a digest is due now; ``None`` where there is nothing to say."""
    if last is None or last.fingerprint != standing.fingerprint():
        return Occasion.ALL_WELL if standing.is_well else Occasion.CHANGED
    if any(company.waiting and company.days_to_filing <= NEAR for company in standing.companies):
        return Occasion.FILING_DAY_NEAR
    # A daily timer that is a little early must not make it eight days.
    if now - last.sent_at >= AT_LEAST_EVERY - timedelta(hours=1):
        return Occasion.ALL_WELL if standing.is_well else Occasion.STILL_WAITING
    return None


def next_filing_day(today: date, lock_day: int) -> date:
    """The next day of a month on which TaxJar begins to file, today included."""
    this_month = today.replace(day=lock_day)
    return this_month if today <= this_month else (today.replace(day=1) + timedelta(days=32)).replace(day=lock_day)


def standing_of(status: Mapping[str, Any]) -> Standing:
    """How everything stands by the answer of ``show_status``."""
    companies, troubles = [], []
    for connection in status["connections"]:
        troubles += [f"{connection['name']} is paused: {pause['reason']}" for pause in connection["pauses"]]
        companies += [_company(connection["name"], company) for company in connection["companies"]]
    for run in status["runs"]:
        if not run["ok"]:
            where = f" of {run['connection']}" if run.get("connection") else ""
            troubles.append(f"{run['function']}{where}: {run.get('message') or 'has not ended in time'}")
    if not (status.get("audit") or {}).get("intact", True):
        troubles.append("An audit chain is broken.")
    return Standing(companies=tuple(companies), troubles=tuple(troubles))


def _company(connection: str, company: Mapping[str, Any]) -> CompanyStanding:
    today = date.fromisoformat(company["today"])
    waiting = [
        Waiting(
            state=work["state"],
            reason=work["reason"] or "",
            count=work["count"],
            amount=Decimal(work["amount"]),
            sales_tax=Decimal(work["sales_tax"]),
            oldest=date.fromisoformat(work["oldest"][:10]) if work["oldest"] else None,
        )
        for work in company["open_work"]
        if work["state"] in _WAITING
    ]
    filing_day = next_filing_day(today, company["filing_lock_day"])
    return CompanyStanding(
        connection=connection, company=company["id"], today=today, filing_day=filing_day, waiting=tuple(waiting)
    )


def headline(standing: Standing, occasion: Occasion) -> str:
    """The digest in one sentence."""
    waiting = sum(company.count for company in standing.companies)
    what = f"{waiting} document{'' if waiting == 1 else 's'} wait{'s' if waiting == 1 else ''} for a person"
    if standing.is_well:
        return "All well: nothing waits for a person."
    if not waiting:
        return "The connector is in trouble; no document waits for a person."
    if occasion is Occasion.FILING_DAY_NEAR:
        days = min(company.days_to_filing for company in standing.companies if company.waiting)
        return f"{what}, and filing begins {_in_days(days)}."
    return f"{what}."


def lines(company: CompanyStanding) -> list[str]:
    """What waits in a company, most dollars first; one line a reason."""
    ordered: Sequence[Waiting] = sorted(company.waiting, key=lambda each: (-abs(each.amount), each.reason))
    found = []
    for each in ordered:
        since = f", oldest since {each.oldest}" if each.oldest else ""
        named = each.reason.replace("_", " ") or each.state
        found.append(
            f"{each.count} {each.state}: {named}, {_dollars(each.amount)}, tax {_dollars(each.sales_tax)}{since}"
        )
    return found


def as_json(standing: Standing, occasion: Occasion, links: Mapping[str, str]) -> dict[str, Any]:
    """The digest for any web hook; ``links`` by ``connection/company``."""
    companies = []
    for company in standing.companies:
        total = sum((each.amount for each in company.waiting), ZERO)
        tax = sum((each.sales_tax for each in company.waiting), ZERO)
        companies.append(
            {
                "connection": company.connection,
                "company": company.company,
                "count": company.count,
                "amount": plain(total),
                "sales_tax": plain(tax),
                "oldest": company.oldest.isoformat() if company.oldest else None,
                "filing_day": company.filing_day.isoformat(),
                "days_to_filing": company.days_to_filing,
                "waiting": [_shown(each) for each in company.waiting],
                "link": links.get(f"{company.connection}/{company.company}"),
            }
        )
    text = [headline(standing, occasion), *standing.troubles]
    text += [f"{company.company.upper()}: {line}" for company in standing.companies for line in lines(company)]
    return {
        "text": "\n".join(text),
        "occasion": occasion.value,
        "troubles": list(standing.troubles),
        "companies": companies,
    }


def as_teams_card(standing: Standing, occasion: Occasion, links: Mapping[str, str]) -> dict[str, Any]:
    """The digest as the message with an adaptive card that a Teams workflow takes."""
    blocks: list[dict[str, Any]] = [_block(headline(standing, occasion), weight="Bolder", size="Medium")]
    blocks += [_block(trouble, color="Attention") for trouble in standing.troubles]
    actions = []
    for company in standing.companies:
        until = f"{company.company.upper()}: filing begins {_in_days(company.days_to_filing)}, {company.filing_day}."
        blocks += [_block(until, isSubtle=True), *map(_block, lines(company))]
        if link := links.get(f"{company.connection}/{company.company}"):
            actions.append({"type": "Action.OpenUrl", "title": f"Open {company.company.upper()}", "url": link})
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": blocks,
        "actions": actions[:6],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _shown(waiting: Waiting) -> dict[str, Any]:
    return {
        "state": waiting.state,
        "reason": waiting.reason or None,
        "count": waiting.count,
        "amount": plain(waiting.amount),
    }


def _block(text: str, **style: Any) -> dict[str, Any]:
    return {"type": "TextBlock", "text": text, "wrap": True, **style}


def _in_days(days: int) -> str:
    return {0: "today", 1: "tomorrow"}.get(days, f"in {days} days")


def _dollars(amount: Decimal) -> str:
    return f"{'-' if amount < 0 else ''}${abs(amount):,.2f}"
