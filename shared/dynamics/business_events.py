"""Business events as they are delivered: one event, an array of them, in Event Grid's or CloudEvents' envelope, or in
an execution context of Dataverse.

An event is only a trigger. It names a posted document by company, number and date; everything else that it says,
amounts above all, is left to what F&O itself holds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from shared.dynamics.business_event_envelopes import (
    VALIDATION_EVENT,
    NoBusinessEvent,
    cloud_events_handshake,
    events_in,
)

__all__ = ["POSTED", "Delivery", "NoBusinessEvent", "PostedEvent", "cloud_events_handshake", "parse_delivery"]

POSTED = frozenset({"salesinvoicepostedbusinessevent", "custfreetextinvoicepostedbusinessevent"})
"""Ids (case-folded) of the events that tell of a posted document; credit notes come as sales invoices."""
_TEST_CONTRACT = "businesseventstestendpointcontract"
_LONGEST_NUMBER = 100
"""Characters; F&O's own field has 20. It keeps a queue message small."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_JSON_DATE = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BLANK_DATE = date(1900, 1, 1)


@dataclass(frozen=True, slots=True)
class PostedEvent:
    """A document was posted. ``company`` is lower case; ``dated`` is the invoice date, where the event has it."""

    company: str
    number: str
    dated: date | None


@dataclass(slots=True)
class Delivery:
    """What one request delivered."""

    posted: list[PostedEvent] = field(default_factory=list)
    """Each document once, in order."""
    ignored: list[str] = field(default_factory=list)
    """Why, for each item that names no posted document, or one that another has named."""
    is_test: bool = False
    """F&O tries the endpoint; it is created only if the answer is 200."""
    handshake: str | None = None
    """Event Grid's validation code, to be given back."""


def parse_delivery(body: bytes) -> Delivery:
    """The events in the body of a request. Raises :class:`NoBusinessEvent` when there is none at all."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        raise NoBusinessEvent("The body is not JSON.") from None
    delivery = Delivery()
    foreign: list[NoBusinessEvent] = []
    for item in content if isinstance(content, list) else [content]:
        try:
            for event in events_in(item):
                _take(event, delivery)
        except NoBusinessEvent as error:
            foreign.append(error)
    if delivery == Delivery():
        raise foreign[0] if foreign else NoBusinessEvent("The body holds no business event of Dynamics 365 F&O.")
    delivery.ignored += map(str, foreign)
    return delivery


def _take(event: Mapping[str, Any], delivery: Delivery) -> None:
    event_id = _text(event, "BusinessEventId")
    match event_id.casefold():
        case "":
            raise NoBusinessEvent("The body holds an object without BusinessEventId, which is not a business event.")
        case id if id == VALIDATION_EVENT:
            code = _text(event, "validationCode")
            if not code:
                raise NoBusinessEvent("The validation event of Event Grid carries no validationCode.")
            delivery.handshake = code
        case id if id == _TEST_CONTRACT:
            delivery.is_test = True
        case id if id in POSTED:
            _take_posted(event, delivery)
        case _:
            delivery.ignored.append(f"{event_id[:_LONGEST_NUMBER]!r} tells of no posted document")


def _take_posted(event: Mapping[str, Any], delivery: Delivery) -> None:
    company = (_text(event, "LegalEntity") or _text(event, "BusinessEventLegalEntity")).lower()
    number = _text(event, "InvoiceId")
    if not company or not number or len(number) > _LONGEST_NUMBER or _CONTROL.search(number):
        delivery.ignored.append("an event without a usable LegalEntity and InvoiceId")
        return
    posted = PostedEvent(company, number, _day(event.get("InvoiceDate")))
    if posted in delivery.posted:
        delivery.ignored.append("an event that the request holds twice")
    else:
        delivery.posted.append(posted)


def _text(event: Mapping[str, Any], name: str) -> str:
    value = event.get(name)
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _day(value: object) -> date | None:
    """The calendar date, which events give as midnight UTC in ``/Date(milliseconds)/``."""
    found = _JSON_DATE.fullmatch(value) if isinstance(value, str) else None
    try:
        day = (_EPOCH + timedelta(milliseconds=int(found[1]))).date() if found else date.fromisoformat(str(value)[:10])
    except (ValueError, OverflowError):
        return None
    return None if day == _BLANK_DATE else day
