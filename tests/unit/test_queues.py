"""Queue messages: keys of documents, never documents (design 4.1)."""

from __future__ import annotations

import base64
import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.documents import DocumentKey
from shared.queues import (
    KEYS_PER_MESSAGE,
    MalformedMessage,
    NumberToFind,
    encode,
    messages,
    number_messages,
    parse_message,
)

KEY = DocumentKey("usmf", date(2026, 3, 17), "INV-1", "ARI-1")
VALID: dict[str, Any] = {
    "connection": "main",
    "company": "usmf",
    "keys": [{"number": "1", "date": "2026-03-17", "voucher": "V"}],
}

NOON = "2026-03-17T12:00:00Z"

# F&O's invoice numbers and vouchers have twenty characters at most.
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
document_keys = st.lists(
    st.builds(DocumentKey, st.sampled_from(["usmf", "usrt", "awlt"]), st.dates(), texts, texts), max_size=70
)


def in_base64(content: object) -> bytes:
    text = content if isinstance(content, str) else json.dumps(content)
    return base64.b64encode(text.encode())


@given(document_keys)
def test_every_key_travels_once_with_those_of_its_company(keys: list[DocumentKey]) -> None:
    sent = [parse_message(encode(message).encode()) for message in messages("main", keys)]
    arrived = [key for message in sent for key in message.document_keys()]
    assert sorted(set(arrived)) == sorted(set(keys))
    assert all(message.connection == "main" for message in sent)
    assert all({key.company for key in message.document_keys()} == {message.company} for message in sent)


@given(document_keys)
def test_a_message_has_twenty_keys_at_most_and_less_than_a_kibibyte_for_each(keys: list[DocumentKey]) -> None:
    for message in messages("main", keys):
        assert 1 <= len(message.keys) <= KEYS_PER_MESSAGE == 20
        assert len(encode(message)) < 1024 * len(message.keys)


def test_full_messages_come_first() -> None:
    keys = [DocumentKey("usmf", date(2026, 3, 17), f"INV-{number}", "V") for number in range(45)]
    assert [len(message.keys) for message in messages("main", keys)] == [20, 20, 5]


def test_a_key_given_twice_in_a_message_is_one_document() -> None:
    [message] = messages("main", [KEY, KEY])
    assert message.document_keys() == [KEY]


@given(st.lists(texts, max_size=50), st.none() | st.dates())
def test_every_number_travels_with_its_date_and_the_time_it_was_asked_for(names: list[str], dated: date | None) -> None:
    asked_at = datetime(2026, 3, 17, 12, tzinfo=UTC)
    numbers = [NumberToFind(number=name, dated=dated, asked_at=asked_at) for name in names]
    sent = [parse_message(encode(message).encode()) for message in number_messages("main", "usmf", numbers)]
    assert [number for message in sent for number in message.numbers] == numbers
    assert all(len(message.numbers) <= KEYS_PER_MESSAGE and not message.document_keys() for message in sent)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"", "body"),
        (b"\xff\xfe", "base64"),
        (b"not base64!", "base64"),
        (in_base64("no JSON"), "body"),
        (in_base64([]), "body"),
        (in_base64({**VALID, "keys": []}), "1 to 20"),
        (in_base64({**VALID, "keys": VALID["keys"] * 21}), "1 to 20"),
        (in_base64({**VALID, "keys": VALID["keys"] * 20, "numbers": [{"number": "1", "asked_at": NOON}]}), "1 to 20"),
        (in_base64({**VALID, "numbers": [{"number": "", "asked_at": NOON}]}), "numbers.0.number"),
        (in_base64({**VALID, "numbers": [{"number": "1", "asked_at": "2026-03-17T12:00:00"}]}), "numbers.0.asked_at"),
        (in_base64({**VALID, "connection": ""}), "connection"),
        (in_base64({**VALID, "surprise": 1}), "surprise"),
        (in_base64({**VALID, "keys": [{"number": "1", "date": "yesterday", "voucher": "V"}]}), "keys.0.date"),
    ],
)
def test_what_names_no_documents_is_malformed_and_says_where(body: bytes, named: str) -> None:
    with pytest.raises(MalformedMessage, match=named):
        parse_message(body)


def test_a_malformed_message_does_not_show_what_it_held() -> None:
    with pytest.raises(MalformedMessage) as malformed:
        parse_message(in_base64({"connection": "main", "client_secret": "s3cret-value"}))
    assert "s3cret-value" not in str(malformed.value)
