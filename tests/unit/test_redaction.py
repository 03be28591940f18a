from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from shared import redaction
from shared.redaction import MASK, RedactingFilter, Redactor, redact

SECRET = "s3cr3t-Value+/=8QX"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwczovL3gifQ.c2lnbmF0dXJl"

secrets = st.text(min_size=4, max_size=40).filter(lambda text: len(text.strip()) >= 4 and MASK[0] not in text)
leaves = st.none() | st.booleans() | st.floats() | st.text()


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        (f"Authorization: Bearer {SECRET}", None),
        ('Token token="5da2f821eee4035d"', 'Token token="***"'),
        ('{"Authorization": "Token token=\\"5da2f821eee4035d\\""}', None),
        ("Authorization: Basic czNjcjN0LVZhbHVl", "Authorization: ***"),
        ("authorization=czNjcjN0LVZhbHVl; a=b", "authorization=***; a=b"),
        ("bearer 5da2f821eee4035d ends", "bearer *** ends"),
        ("client_id=app&client_secret=5da2f821&scope=x", "client_id=app&client_secret=***&scope=x"),
        ('{"client_secret": "5da2 f8,21", "scope": "x"}', '{"client_secret": "***", "scope": "x"}'),
        ('{"password": "5da\\"2f821", "scope": "x"}', '{"password": "***", "scope": "x"}'),
        ("{'access_token': '5da2f821', 'expires_in': 3599}", "{'access_token': '***', 'expires_in': 3599}"),
        ("https://a.test/api/taxes/main?x=1&code=5da2f821==", "https://a.test/api/taxes/main?x=1&code=***"),
        ("https://a.test/q?sv=2024&sig=5da2%2Ff821&se=1", "https://a.test/q?sv=2024&sig=***&se=1"),
        ("AccountName=dev;AccountKey=5da2f821/+==;Queue=x", "AccountName=dev;AccountKey=***;Queue=x"),
        ("SharedAccessKey=5da2f821=;EntityPath=x", "SharedAccessKey=***;EntityPath=x"),
        ("https://user:5da2f821@a.test/", "https://user:***@a.test/"),
        (f"the token {JWT} expired", "the token *** expired"),
        ("x-functions-key: 5da2f821", "x-functions-key: ***"),
        ("CONNECTIONS__MAIN__DYNAMICS__CLIENT_SECRET=5da2f821", "CONNECTIONS__MAIN__DYNAMICS__CLIENT_SECRET=***"),
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str, redacted: str | None) -> None:
    if redacted is not None:
        assert redact(text) == redacted
    for part in (SECRET, SECRET[-6:], "5da2", "f821", "czNj", JWT[-9:]):
        assert part not in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "TaxJar answered 406: shipping is missing",
        "USMF CIV-000712 of 2026-03-17 (voucher ARPM-000023): status code=400",
        "Not authorized for route 'POST /v2/transactions/orders'",
        "https://contoso.operations.dynamics.com/data/SalesInvoiceHeadersV2?cross-company=true&$top=1",
        "a product tax code (20010) and a basic understanding of tokens",
        "set CONNECTIONS__MAIN__TAXJAR__TOKEN or one token per company",
    ],
)
def test_ordinary_text_stays_readable(text: str) -> None:
    assert redact(text) == text


@given(secret=secrets, before=st.text(), after=st.text())
def test_a_registered_secret_never_survives_in_text(secret: str, before: str, after: str) -> None:
    redacted = Redactor([secret]).text(f"{before}{secret}{after}")
    assert secret not in redacted


@given(secret=secrets, data=st.data())
def test_a_registered_secret_never_survives_in_structures(secret: str, data: st.DataObject) -> None:
    hidden = st.builds(lambda before, after: f"{before}{secret}{after}", st.text(), st.text())
    texts = leaves | hidden | st.just(secret) | hidden.map(lambda text: text.encode(errors="replace"))
    tree = st.recursive(
        texts,
        lambda children: (
            st.lists(children) | st.dictionaries(st.text() | hidden, children) | st.tuples(children, children)
        ),
        max_leaves=12,
    )
    for text in _texts(Redactor([secret]).value(data.draw(tree))):
        assert secret not in text


@given(secret=secrets)
def test_a_registered_secret_is_known_in_other_spellings(secret: str) -> None:
    redactor = Redactor([secret])
    for spelling in (json.dumps(secret)[1:-1], repr(secret)[1:-1], secret.strip()):
        assert redactor.text(f"<{spelling}>") == f"<{MASK}>"
    for encode in (quote, quote_plus, lambda text: quote(text, safe="")):
        assert redactor.text(f"<{encode(secret)}>") == f"<{MASK}>"


@given(secret=secrets)
def test_a_registered_secret_is_found_in_json_inside_of_json(secret: str) -> None:
    inner = json.dumps({"detail": secret})
    assert Redactor([secret]).value({"body": inner}) == {"body": Redactor([secret]).text(inner)}


def test_a_secret_inside_another_leaves_no_rest() -> None:
    assert Redactor(["abcd", "abcdefgh"]).text("abcdefgh abcd") == "*** ***"


def test_blank_secrets_mask_nothing() -> None:
    assert Redactor(["", "  "]).text("a  b") == "a  b"


def test_credential_headers_are_dropped_and_named_secrets_masked() -> None:
    request = {
        "headers": {"Authorization": "x", "X-Functions-Key": "y", "Cookie": "z", "x-api-version": "2022-01-24"},
        "body": {"client_secret": "abc", "token": SecretStr("abc"), "refresh_token": None, "to_zip": "90002"},
        "lines": [("taxjar_token", {"amount": 1.5, "CLIENTS__TOKEN": "abc"})],
    }
    assert redact(request) == {
        "headers": {"x-api-version": "2022-01-24"},
        "body": {"client_secret": MASK, "token": MASK, "refresh_token": None, "to_zip": "90002"},
        "lines": [("taxjar_token", {"amount": 1.5, "CLIENTS__TOKEN": MASK})],
    }


def test_what_is_no_text_stays_what_it_is() -> None:
    money = SecretStr("hidden")
    assert redact({"a": 1, "b": money, "c": None}) == {"a": 1, "b": money, "c": None}


@pytest.fixture
def log() -> Iterator[tuple[logging.Logger, io.StringIO]]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(RedactingFilter(Redactor([SECRET])))
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s %(detail)s", defaults={"detail": ""}))
    logger = logging.getLogger("tests.redaction")
    logger.propagate = False
    logger.addHandler(handler)
    yield logger, stream
    logger.removeHandler(handler)
    logger.propagate = True


def test_messages_and_their_arguments_are_redacted(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = log
    logger.warning("%s, %r and %s", SECRET, {"key": SECRET}, 7)
    logger.warning(f"direct {SECRET}")
    assert stream.getvalue() == "WARNING ***, {'key': '***'} and 7 \nWARNING direct *** \n"


def test_exceptions_with_their_causes_are_redacted(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = log
    try:
        try:
            raise KeyError(SECRET)
        except KeyError as error:
            raise RuntimeError(f"bad {SECRET}") from error
    except RuntimeError:
        logger.exception("failed")
    text = stream.getvalue()
    assert SECRET not in text
    assert "RuntimeError: bad ***" in text
    assert "KeyError: '***'" in text


def test_stacks_are_redacted() -> None:
    record = _record(ValueError("harmless"))
    record.stack_info = f'call("{SECRET}")'
    RedactingFilter(Redactor([SECRET])).filter(record)
    assert record.stack_info == 'call("***")'


def test_an_exception_that_tells_nothing_is_kept_for_other_handlers() -> None:
    kept = _record(ValueError("harmless"))
    told = _record(ValueError(SECRET))
    for record in (kept, told):
        assert RedactingFilter(Redactor([SECRET])).filter(record)
    assert kept.exc_info is not None
    assert told.exc_info is None
    assert told.exc_text is not None


def test_extra_fields_are_redacted(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = log
    logger.warning("x", extra={"detail": {"sent": [f"a {SECRET}"], "Authorization": "b"}})
    assert stream.getvalue() == "WARNING x {'sent': ['a ***']}\n"


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize("arguments", [(), (1, 2), (Unprintable(),)])
def test_a_message_that_cannot_be_formatted_is_still_logged(
    log: tuple[logging.Logger, io.StringIO], arguments: tuple[Any, ...]
) -> None:
    logger, stream = log
    logger.warning("%s %s %s" if arguments else "100% %s", *arguments)
    assert stream.getvalue().startswith("WARNING ")
    assert "%s" in stream.getvalue()


def test_bytes_are_read_as_text() -> None:
    assert redact(b"client_secret=abc") == "client_secret=***"
    assert Redactor([SECRET]).value(SECRET.encode()) == MASK


def _record(error: Exception) -> logging.LogRecord:
    return logging.LogRecord("x", logging.ERROR, "f", 1, "failed", (), (type(error), error, None))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from (*_texts(key), *_texts(item))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


SHAPED = st.lists(
    st.sampled_from(
        [
            "Token token=",
            "BEARER ",
            "Authorization: ",
            "eyJhbGci.abc",
            "?code=",
            "&sig=",
            "&key=",
            "https://u:p@h",
            "=",
            '"',
            "client_secret",
            "client-assertion",
            "access_token",
            "AccountKey",
            "shared_access_signature",
            "passwd: ",
            "\u017fecret",
            "\u212aey",
            "pa\u017fsword=",
            "5da2f821eee4035d",
            " ",
            "x-functions-key: ",
            "api-token: ",
        ]
    )
    | st.text(max_size=3),
    max_size=8,
).map("".join)


@given(SHAPED)
def test_the_quick_look_for_hints_lets_no_shape_pass(text: str) -> None:
    masked = text
    for shape, replacement in redaction._SHAPES:
        masked = shape.sub(replacement, masked)
    assert redact(text) == masked
