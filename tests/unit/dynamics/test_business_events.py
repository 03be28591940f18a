from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.simulators.dynamics.events import (
    cloud_event,
    endpoint_test_event,
    event_grid_envelope,
    event_grid_handshake,
    execution_context,
)
from shared.dynamics.business_events import NoBusinessEvent, PostedEvent, cloud_events_handshake, parse_delivery

AT = datetime(2026, 3, 17, 18, 42, tzinfo=UTC)


def event(**changes: object) -> dict[str, Any]:
    """As F&O sends it: company in upper case, the date as midnight UTC."""
    base = {
        "BusinessEventId": "SalesInvoicePostedBusinessEvent",
        "BusinessEventLegalEntity": "CTUS",
        "ControlNumber": 5637611904,
        "EventId": "4C2D7A10-9E55-4B0B-8F43-5A1B70C2D9E1",
        "EventTimeIso8601": "2026-03-17T18:42:07.1180000Z",
        "InvoiceDate": "/Date(1773705600000)/",
        "InvoiceId": "INV-104417",
        "LegalEntity": "CTUS",
    }
    return {name: value for name, value in {**base, **changes}.items() if value is not None}


def parse(content: object) -> Any:
    return parse_delivery(json.dumps(content).encode())


CONTEXT_EVENT = event(EventTime="/Date(1773772927000)/")
ATTRIBUTES: list[dict[str, Any]] = [
    {"key": "mserp_businesseventid", "value": "SalesInvoicePostedBusinessEvent"},
    {"key": "mserp_legalentity", "value": {"__type": "string", "Value": "CTUS"}},
    {"key": "mserp_invoiceid", "value": "INV-104417"},
    {"key": "mserp_invoicedate", "value": "2026-03-17T00:00:00Z"},
]
POSTED = PostedEvent("ctus", "INV-104417", date(2026, 3, 17))
FREE_TEXT = event(BusinessEventId="CustFreeTextInvoicePostedBusinessEvent", InvoiceId="FTI-1")


@pytest.mark.parametrize(
    "content",
    [
        event(),
        [event()],
        event_grid_envelope(event()),
        event_grid_envelope(event(), data_as_string=False),
        event_grid_envelope(event())[0],
        cloud_event(event(EventTime="/Date(1)/")),
        [cloud_event(event(EventTime="/Date(1)/"), data_as_string=True)],
        execution_context(CONTEXT_EVENT),
        execution_context(CONTEXT_EVENT, as_parameters=True),
        [execution_context(CONTEXT_EVENT)],
        {"data": execution_context(CONTEXT_EVENT), "eventType": "x"},
        {"InputParameters": {"Target": CONTEXT_EVENT}},
        {"InputParameters": [{"Key": "events", "Value": json.dumps([CONTEXT_EVENT])}]},
        {"InputParameters": [{"key": "Target", "value": {"LogicalName": "x", "Attributes": ATTRIBUTES}}]},
        {
            "MessageName": "mserp_SalesInvoicePostedBusinessEvent",
            "InputParameters": [{"key": "Target", "value": {"LogicalName": "x", "Attributes": ATTRIBUTES[1:]}}],
        },
        {
            "MessageName": "mserp_SalesInvoicePostedBusinessEvent",
            "InputParameters": [pair for pair in ATTRIBUTES if pair["key"] != "mserp_businesseventid"],
        },
    ],
)
def test_every_form_of_delivery_names_the_document(content: object) -> None:
    assert parse(content).posted == [POSTED]


def test_an_event_may_begin_with_a_byte_order_mark_and_hold_members_nobody_knows() -> None:
    body = b"\xef\xbb\xbf" + json.dumps(event(Nested={"a": [1]}, InvoiceTaxAmount=46.61)).encode()
    assert parse_delivery(body).posted == [POSTED]


def test_a_free_text_invoice_has_an_event_of_its_own() -> None:
    assert parse(FREE_TEXT).posted == [PostedEvent("ctus", "FTI-1", date(2026, 3, 17))]


def test_a_document_that_is_named_twice_counts_once() -> None:
    again = event(EventId="another", ControlNumber=1)
    assert parse([event(), again, FREE_TEXT, event()]).posted == [POSTED, *parse(FREE_TEXT).posted]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("/Date(1773705600000)/", date(2026, 3, 17)),
        ("/Date(1773705600000+0000)/", date(2026, 3, 17)),
        ("/Date(-2208988800000)/", None),
        ("2026-03-17T12:00:00Z", date(2026, 3, 17)),
        ("/Date(999999999999999)/", None),
        ("tomorrow", None),
        (17, None),
        (None, None),
    ],
)
def test_the_date_is_a_calendar_date_or_unknown(given: object, found: date | None) -> None:
    assert parse(event(InvoiceDate=given)).posted[0].dated == found


def test_the_company_may_be_given_by_either_field() -> None:
    assert parse(event(LegalEntity=None)).posted == [POSTED]
    assert parse(event(BusinessEventLegalEntity=None)).posted == [POSTED]


@pytest.mark.parametrize(
    "content",
    [
        event(BusinessEventId="VendInvoicePostedBusinessEvent"),
        event(InvoiceId=None),
        event(InvoiceId=" "),
        event(InvoiceId="X" * 101),
        event(InvoiceId="INV\x00"),
        event(InvoiceId="\ud800"),
        event(InvoiceId={"a": 1}),
        event(LegalEntity=None, BusinessEventLegalEntity=""),
    ],
)
def test_an_event_that_names_no_posted_document_is_ignored_with_a_reason(content: object) -> None:
    delivery = parse(content)
    assert (delivery.posted, len(delivery.ignored)) == ([], 1)


def test_the_endpoint_test_and_the_handshake_are_recognised() -> None:
    assert parse(endpoint_test_event()).is_test
    assert parse(event_grid_handshake("512d38b6", AT)).handshake == "512d38b6"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"null",
        b"17",
        b'"SalesInvoicePostedBusinessEvent"',
        b"[]",
        b"{}",
        b"[[]]",
        b'{"InvoiceId": "INV-1", "LegalEntity": "CTUS"}',
        b'{"data": "no json"}',
        b'{"data": null}',
        b'{"data": [1]}',
        b'[{"eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "data": {}}]',
        b"\xff\xfe\x00",
        b"[" * 100_000,
    ],
)
def test_what_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(NoBusinessEvent):
        parse_delivery(body)


@pytest.mark.parametrize("stranger", [{"hello": "world"}, 5, None, [], {"data": "no json"}])
def test_a_stranger_in_an_array_is_ignored_and_keeps_no_event(stranger: object) -> None:
    for items in ([event(), stranger], [stranger, event()]):
        delivery = parse(items)
        assert (delivery.posted, len(delivery.ignored)) == ([POSTED], 1)


def test_each_item_of_an_array_is_either_a_document_or_ignored() -> None:
    delivery = parse([event(), event(), event(InvoiceId="INV-2"), event(InvoiceId="")])
    assert (len(delivery.posted), len(delivery.ignored)) == (2, 2)


def test_an_array_of_strangers_is_refused() -> None:
    with pytest.raises(NoBusinessEvent):
        parse([5, {"hello": "world"}])


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["BusinessEventId", "LegalEntity", "InvoiceId", "InvoiceDate", "data", "eventType", "x"]),
            inner | st.sampled_from(["SalesInvoicePostedBusinessEvent", "/Date(1)/"]),
            max_size=5,
        )
    ),
    max_leaves=10,
)


@given(_JSON)
def test_any_json_is_either_read_or_refused(content: object) -> None:
    try:
        delivery = parse(content)
    except NoBusinessEvent:
        return
    assert delivery.posted or delivery.ignored or delivery.is_test or delivery.handshake
    assert all(posted.company == posted.company.lower() and posted.number for posted in delivery.posted)


def test_the_test_of_an_endpoint_is_known_inside_an_execution_context() -> None:
    assert parse(execution_context(endpoint_test_event())).is_test


@pytest.mark.parametrize(
    "content",
    [
        {"InputParameters": []},
        {"InputParameters": None, "MessageName": "mserp_SalesInvoicePostedBusinessEvent"},
        {"InputParameters": [{"key": "Target", "value": "no event"}, 5, None]},
        {"data": {"data": {"data": {"data": {"data": {"data": {"data": event()}}}}}}},
    ],
)
def test_an_execution_context_without_an_event_is_none(content: object) -> None:
    with pytest.raises(NoBusinessEvent):
        parse(content)


@given(
    st.recursive(
        st.none() | st.text(max_size=5) | st.integers(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["InputParameters", "key", "value", "Value", "Attributes", "data", "x"]), inner
            )
        ),
    )
)
def test_any_context_is_an_event_or_refused(content: object) -> None:
    with suppress(NoBusinessEvent):
        parse(content)


# The CloudEvents handshake.


def test_a_cloud_events_sender_is_allowed_to_post_at_the_rate_that_it_asks_for() -> None:
    asked = {"webhook-request-origin": "eventgrid.azure.net", "WebHook-Request-Rate": "120"}
    assert cloud_events_handshake(asked) == {
        "WebHook-Allowed-Origin": "eventgrid.azure.net",
        "WebHook-Allowed-Rate": "120",
        "Allow": "OPTIONS, POST",
    }


@pytest.mark.parametrize(("rate", "allowed"), [({}, "*"), ({"WebHook-Request-Rate": "a lot"}, "*")])
def test_a_rate_that_is_none_is_no_limit(rate: dict[str, str], allowed: str) -> None:
    answer = cloud_events_handshake({"WebHook-Request-Origin": "eventgrid.azure.net", **rate})
    assert answer is not None
    assert answer["WebHook-Allowed-Rate"] == allowed


@pytest.mark.parametrize("headers", [{}, {"WebHook-Request-Origin": ""}, {"WebHook-Request-Origin": "a\r\nX: y"}])
def test_options_without_a_usable_origin_are_no_handshake(headers: dict[str, str]) -> None:
    assert cloud_events_handshake(headers) is None
