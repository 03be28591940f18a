from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.retry_after import retry_after_seconds
from shared.taxjar.errors import Rejected, TaxJarError, Throttled, Unavailable
from shared.taxjar.responses import read_answer

REQUEST = httpx.Request("POST", "https://api.taxjar.com/v2/transactions/orders")


def clock() -> datetime:
    return datetime(2026, 3, 20, 9, 30, tzinfo=UTC)


def error_of(status: int, content: bytes = b"", *, headers: dict[str, str] | None = None) -> TaxJarError:
    response = httpx.Response(status, content=content, headers=headers, request=REQUEST)
    with pytest.raises(TaxJarError) as caught:
        read_answer(response, "order", creates=False, may_be_absent=True, clock=clock)
    return caught.value


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b'{"status":406,"error":"Not Acceptable","detail":"shipping is missing"}', "shipping is missing"),
        (
            b'{"status":"406","error":"Not Acceptable","detail":["state is bad.","zip is bad."]}',
            "state is bad.; zip is bad.",
        ),
        (b'{"status":406,"error":"Some words"}', "Some words"),
        (b'{"detail":null}', "Not Acceptable"),
        (b'{"detail":{"state":"bad"}}', "{'state': 'bad'}"),
        (b"[1]", "Not Acceptable"),
        (b"", "Not Acceptable"),
        (b"plain\n\twords", "plain words"),
        (b"\xff", "\ufffd"),
    ],
)
def test_the_detail_is_read_from_every_known_shape(body: bytes, detail: str) -> None:
    error = error_of(406, body)
    assert isinstance(error, Rejected)
    assert (error.status, error.detail) == (406, detail)
    assert str(error) == f"TaxJar answered 406: {detail}"


def test_a_status_without_a_name_still_has_a_detail() -> None:
    assert error_of(499).detail == "no explanation"
    assert error_of(499, b"<p>").detail == "no explanation (a web page instead of TaxJar's API)"


def test_a_long_detail_is_cut() -> None:
    assert error_of(400, b"x" * 5000).detail == "x" * 1000


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("17", 17),
        (" 17 ", 17),
        ("1.5", 1.5),
        ("Fri, 20 Mar 2026 09:31:30 GMT", 90),
        ("Fri, 20 Mar 2026 09:31:30 -0000", 90),
        ("Fri, 20 Mar 2026 10:31:30 +0100", 90),
        ("Fri, 20 Mar 2026 09:00:00 GMT", 0),
        ("9" * 400, 86_400),
        ("", None),
        ("-5", None),
        ("soon", None),
        ("inf", None),
        ("nan", None),
        ("Fri, 99 Mar 2026 09:31:30 GMT", None),
        ("Fri, 31 Dec 99999999999 23:59:59 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 86_400),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_read_as_seconds_or_date(status: int, value: str, seconds: float | None) -> None:
    error = error_of(status, headers={"Retry-After": value})
    assert isinstance(error, Throttled | Unavailable)
    assert error.retry_after == seconds


def test_without_retry_after_taxjar_says_nothing() -> None:
    error = error_of(429)
    assert isinstance(error, Throttled)
    assert error.retry_after is None


@given(value=st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_no_retry_after_breaks_the_reading(value: str) -> None:
    response = httpx.Response(429, headers={"Retry-After": value}, request=REQUEST)
    seconds = retry_after_seconds(response, clock)
    assert seconds is None or 0 <= seconds <= 86_400


@given(status=st.integers(200, 599), content=st.binary(max_size=60) | st.just(b"[" * 100_000))
def test_no_body_breaks_the_reading(status: int, content: bytes) -> None:
    response = httpx.Response(status, content=content, request=REQUEST)
    with pytest.raises(TaxJarError):
        read_answer(response, "order", creates=True, may_be_absent=False, clock=clock)
