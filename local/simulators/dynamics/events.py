"""Business events of posted documents, and their delivery to an HTTPS endpoint as F&O does it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime, time
from uuid import UUID, uuid5

import httpx

from local.simulators.dynamics.journal_rows import due_date
from local.simulators.dynamics.specs import PostedInvoice, Source
from local.simulators.dynamics.values import render

SALES_INVOICE_POSTED = "SalesInvoicePostedBusinessEvent"
FREE_TEXT_INVOICE_POSTED = "CustFreeTextInvoicePostedBusinessEvent"
TEST_ENDPOINT = "BusinessEventsTestEndpointContract"

TRIES = 3
SECONDS_BETWEEN_TRIES = 1.0
TIMEOUT_SECONDS = 10.0

_IDS = UUID("0c5d8d2b-8c38-4c0b-8f3e-3b7de1a4f5aa")
_NOBODY = "{00000000-0000-0000-0000-000000000000}"


def posted_event(invoice: PostedInvoice, control_number: int, at: datetime) -> dict[str, object]:
    """The event of a posted invoice or credit note. Dates are at midnight, amounts in the accounting currency.

    ``control_number`` is unique but says nothing about order.
    """
    is_free_text = invoice.spec.source is Source.FREE_TEXT
    company = invoice.company.upper()
    body = _base(FREE_TEXT_INVOICE_POSTED if is_free_text else SALES_INVOICE_POSTED, company, control_number, at)
    body |= {
        "InvoiceAccount": invoice.invoice_account,
        "InvoiceAmountInAccountingCurrency": invoice.total_amount,
        "InvoiceDate": _json_date(invoice.date),
        "InvoiceDueDate": _json_date(due_date(invoice)),
        "InvoiceId": invoice.number,
        "InvoiceTaxAmount": invoice.total_tax,
        "LegalEntity": company,
    }
    if not is_free_text:
        body["SalesOrderId"] = invoice.order
    return body


def endpoint_test_event() -> dict[str, object]:
    """What F&O sends when an endpoint is set up; without a 200 the endpoint is not created."""
    return _base(TEST_ENDPOINT, "", -(2**63), datetime(1900, 1, 1, tzinfo=UTC))


def event_grid_envelope(event: Mapping[str, object], *, data_as_string: bool = True) -> list[dict[str, object]]:
    """The same event as Event Grid delivers it: by default ``data`` is a string of JSON."""
    return [
        {
            "id": event["EventId"],
            "topic": "/subscriptions/0/resourceGroups/erp/providers/Microsoft.EventGrid/topics/fno-events",
            "subject": event["BusinessEventId"],
            "eventType": event["BusinessEventId"],
            "eventTime": event["EventTimeIso8601"],
            "dataVersion": "1.0",
            "metadataVersion": "1",
            "data": render(event) if data_as_string else dict(event),
        }
    ]


def cloud_event(event: Mapping[str, object], *, data_as_string: bool = False) -> dict[str, object]:
    """The same event as Event Grid delivers it in the CloudEvents schema."""
    return {
        "specversion": "1.0",
        "id": event["EventId"],
        "source": "/subscriptions/0/resourceGroups/erp/providers/Microsoft.EventGrid/topics/fno-events",
        "subject": event["BusinessEventId"],
        "type": event["BusinessEventId"],
        "time": event["EventTimeIso8601"],
        "datacontenttype": "application/json",
        "data": render(event) if data_as_string else dict(event),
    }


def execution_context(event: Mapping[str, object], *, as_parameters: bool = False) -> dict[str, object]:
    """The same event as a webhook of Dataverse delivers it; the exact form is not documented.

    The event is one input parameter, as text; or with ``as_parameters`` each of its fields is a parameter of its own.
    """
    name = str(event["BusinessEventId"])
    parameters = (
        [{"key": f"mserp_{field.lower()}", "value": value} for field, value in event.items()]
        if as_parameters
        else [{"key": "Target", "value": render(event)}]
    )
    return {
        "MessageName": f"mserp_{name}",
        "PrimaryEntityName": "none",
        "OrganizationName": "erp",
        "Stage": 40,
        "Mode": 1,
        "Depth": 1,
        "OperationCreatedOn": event["EventTime"],
        "InputParameters": parameters,
        "OutputParameters": [],
        "SharedVariables": [],
        "ParentContext": None,
    }


def event_grid_handshake(code: str, at: datetime) -> list[dict[str, object]]:
    """The validation that Event Grid wants answered with ``{"validationResponse": code}``."""
    return [
        {
            "id": str(uuid5(_IDS, code)),
            "topic": "/subscriptions/0/resourceGroups/erp/providers/Microsoft.EventGrid/topics/fno-events",
            "subject": "",
            "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
            "eventTime": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "dataVersion": "1",
            "metadataVersion": "1",
            "data": {"validationCode": code, "validationUrl": f"https://validation.invalid/{code}"},
        }
    ]


async def post_event(
    client: httpx.AsyncClient,
    url: str,
    event: object,
    *,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> bool:
    """Deliver an event to ``url``, which carries its own key: three tries, then it is lost to the error log.

    Returns whether an answer of the 2xx kind came.
    """
    for attempt in range(TRIES):
        if attempt:
            await sleep(SECONDS_BETWEEN_TRIES)
        try:
            answer = await client.post(
                url, content=render(event), headers={"Content-Type": "application/json"}, timeout=TIMEOUT_SECONDS
            )
        except httpx.TransportError:
            continue
        if answer.is_success:
            return True
    return False


def _base(event_id: str, company: str, control_number: int, at: datetime) -> dict[str, object]:
    return {
        "BusinessEventId": event_id,
        "BusinessEventLegalEntity": company,
        "ContextRecordSubject": "",
        "ControlNumber": control_number,
        "EventId": str(uuid5(_IDS, f"{event_id} {control_number}")).upper(),
        "EventTime": f"/Date({round(at.timestamp() * 1000)})/",
        "EventTimeIso8601": at.strftime("%Y-%m-%dT%H:%M:%S.%f0Z"),
        "InitiatingUserAADObjectId": _NOBODY,
        "MajorVersion": 0,
        "MinorVersion": 0,
        "ParentContextRecordSubjects": None,
    }


def _json_date(day: date) -> str:
    midnight = datetime.combine(day, time(), UTC)
    return f"/Date({round(midnight.timestamp() * 1000)})/"
