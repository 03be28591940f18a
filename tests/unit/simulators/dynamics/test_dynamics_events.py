from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest

from local.simulators.dynamics.events import (
    endpoint_test_event,
    event_grid_envelope,
    event_grid_handshake,
    post_event,
    posted_event,
)
from local.simulators.dynamics.posting import Posting
from local.simulators.dynamics.simulator import DynamicsSimulator
from local.simulators.dynamics.specs import InvoiceSpec, LineSpec, Source
from local.simulators.dynamics.values import render

POSTED_AT = datetime(2026, 3, 17, 18, 42, 7, 118000, tzinfo=UTC)
URL = "http://127.0.0.1:7071/api/business-events/retail?code=key"


@pytest.fixture
def posting() -> Posting:
    simulator = DynamicsSimulator("https://fno.test", lambda _: None, clock=lambda: POSTED_AT, default_company="usrt")
    return Posting(simulator, "USRT")


def event_of(posting: Posting, spec: InvoiceSpec) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(render(posted_event(posting.invoice(spec), 5637611904, POSTED_AT)))
    return event


def test_an_invoice_event_has_midnight_dates_and_an_upper_case_company(posting: Posting) -> None:
    event = event_of(posting, InvoiceSpec("INV-1", date(2026, 3, 17), [LineSpec(tax=8)], order="SO-1"))

    assert event["BusinessEventId"] == "SalesInvoicePostedBusinessEvent"
    assert event["BusinessEventLegalEntity"] == event["LegalEntity"] == "USRT"
    assert event["InvoiceDate"] == "/Date(1773705600000)/"
    assert event["InvoiceDueDate"] == "/Date(1776297600000)/"
    assert event["EventTime"] == "/Date(1773772927118)/"
    assert event["EventTimeIso8601"] == "2026-03-17T18:42:07.1180000Z"
    assert (event["InvoiceAmountInAccountingCurrency"], event["InvoiceTaxAmount"]) == (108, 8)
    assert (event["InvoiceId"], event["SalesOrderId"]) == ("INV-1", "SO-1")
    assert event["EventId"] == event["EventId"].upper()


def test_a_credit_note_event_is_the_same_with_negative_amounts_due_at_once(posting: Posting) -> None:
    event = event_of(posting, InvoiceSpec("CRN-1", date(2026, 3, 17), [LineSpec().negated()]))

    assert event["BusinessEventId"] == "SalesInvoicePostedBusinessEvent"
    assert event["InvoiceAmountInAccountingCurrency"] == -100
    assert event["InvoiceDueDate"] == event["InvoiceDate"]


def test_a_free_text_event_has_its_own_id_and_no_order(posting: Posting) -> None:
    event = event_of(posting, InvoiceSpec("FTI-1", date(2026, 3, 17), source=Source.FREE_TEXT))

    assert event["BusinessEventId"] == "CustFreeTextInvoicePostedBusinessEvent"
    assert "SalesOrderId" not in event


def test_the_endpoint_test_has_the_smallest_control_number() -> None:
    event = endpoint_test_event()
    assert event["BusinessEventId"] == "BusinessEventsTestEndpointContract"
    assert event["ControlNumber"] == -9223372036854775808
    assert event["EventTime"] == "/Date(-2208988800000)/"


def test_event_grid_wraps_the_event_as_a_string_or_as_an_object(posting: Posting) -> None:
    event = posted_event(posting.invoice(InvoiceSpec("INV-1", date(2026, 3, 17))), 1, POSTED_AT)
    (as_string,) = event_grid_envelope(event)
    (as_object,) = event_grid_envelope(event, data_as_string=False)
    (handshake,) = event_grid_handshake("512d38b6", POSTED_AT)

    assert isinstance(as_string["data"], str)
    assert json.loads(as_string["data"])["InvoiceId"] == "INV-1"
    assert as_object["data"] == event
    assert handshake["eventType"] == "Microsoft.EventGrid.SubscriptionValidationEvent"
    assert handshake["data"] == {
        "validationCode": "512d38b6",
        "validationUrl": "https://validation.invalid/512d38b6",
    }


@pytest.mark.parametrize(
    ("answers", "delivered", "tries"),
    [([202], True, 1), ([500, 200], True, 2), ([None, 404, 200], True, 3), ([500, 500, 500, 200], False, 3)],
)
async def test_an_event_is_tried_three_times_a_second_apart(
    answers: list[int | None], delivered: bool, tries: int
) -> None:
    seen: list[httpx.Request] = []
    pauses: list[float] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        status = answers[len(seen) - 1]
        if status is None:
            raise httpx.ConnectError("refused")
        return httpx.Response(status)

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        assert await post_event(client, URL, endpoint_test_event(), sleep=sleep) is delivered

    assert len(seen) == tries
    assert pauses == [1.0] * (tries - 1)
    assert str(seen[0].url) == URL
    assert "authorization" not in seen[0].headers
    assert seen[0].headers["content-type"] == "application/json"
