"""The audit chain: what was changed, removed, cut off, moved or added shows (design 4.8)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ledger import wide
from shared.ledger.audit import Actor, AuditEntry, Chain, read_chain
from shared.people.caller import KEY_HOLDER, Caller, Way, acting
from shared.people.roles import Role
from shared.redaction import Redactor

AT = datetime(2026, 3, 17, 12, tzinfo=UTC)
ACTOR = Actor(function="report_documents", by="queue")
SECRET = "s3cret-token-value"

entries = st.lists(st.text(max_size=30), min_size=1, max_size=8)


def entry(message: str, **more: Any) -> AuditEntry:
    return AuditEntry(at=AT, actor=ACTOR, subject="USMF INV-1", decision="held", message=message, **more)


def written(messages: list[str]) -> tuple[list[Mapping[str, Any]], Chain]:
    """The entities of a chain, and its end."""
    chain = Chain()
    entities: list[Mapping[str, Any]] = []
    for message in messages:
        chain, entity = chain.append("main|usmf", "doc|1", entry(message), Redactor([SECRET]).value)
        entities.append(entity)
    return entities, chain


@given(entries)
def test_a_whole_chain_is_intact_and_reads_oldest_first(messages: list[str]) -> None:
    entities, end = written(messages)
    found, intact = read_chain(entities, end)
    assert intact
    assert [item.get("message", "") for item in found] == messages
    assert [entity["RowKey"] for entity in entities] == sorted(entity["RowKey"] for entity in entities)


@given(entries, st.data())
def test_any_tampering_shows(messages: list[str], data: st.DataObject) -> None:
    entities, end = written(messages)
    position = data.draw(st.integers(0, len(entities) - 1))
    changed = dict(entities[position])
    match data.draw(st.sampled_from(["change", "remove", "add", "swap", "rehash"])):
        case "change":
            entities[position] = changed | wide.pack("entry", wide.unpack("entry", changed) + " ")
        case "remove":
            del entities[position]
        case "add":
            entities.insert(position, changed)
        case "swap":
            entities = entities[position:] + entities[:position] if position else [*entities, entities[0]]
        case "rehash":
            # A forger who knows the rule makes a new chain; the end in the subject's own row gives him away.
            forged = [*messages[:position], messages[position] + "!", *messages[position + 1 :]]
            entities, _ = written(forged)
    assert not read_chain(entities, end)[1]


def test_a_stray_row_behind_the_last_one_is_marked_and_stands_in_nobodys_way() -> None:
    entities, end = written(["one", "two"])
    stray = {**entities[-1], "RowKey": "audit|doc|1|000003"}
    copied = {**entities[-1], "RowKey": "audit|doc|1|000003|0123456789abcdef"}
    found, intact = read_chain([*entities, stray, copied], end)
    assert not intact
    assert [(item["message"], item.get("stray", False)) for item in found] == [
        *(("one", False), ("two", False)),
        *(("two", True), ("two", True)),
    ]
    _, following = end.append("main|usmf", "doc|1", entry("three"), Redactor([]).value)
    assert following["RowKey"] not in (stray["RowKey"], copied["RowKey"])


def test_a_chain_that_was_begun_by_the_first_version_goes_on() -> None:
    entities: list[Mapping[str, Any]] = []
    head = ""
    for number, message in enumerate(["one", "two"], 1):
        text = json.dumps(entry(message).content(), sort_keys=True)
        head = hashlib.sha256(f"{head}\n{text}".encode()).hexdigest()
        row = {"PartitionKey": "main|usmf", "RowKey": f"audit|doc|1|{number:06d}", "hash": head, "entry": text}
        entities.append(row)
    assert read_chain(entities, Chain(2, head))[1]
    end, added = Chain(2, head).append("main|usmf", "doc|1", entry("three"), Redactor([]).value)
    assert read_chain([*entities, added], end)[1]
    assert not read_chain([entities[0], {**entities[1], "entry": entities[1]["entry"] + " "}, added], end)[1]
    assert not read_chain([entities[1], added], end)[1]


@pytest.mark.parametrize("count", ["two", None, -3, 1.5])
def test_a_forged_count_stops_no_entry(count: Any) -> None:
    end, added = Chain(count, "x").append("main|usmf", "doc|1", entry("one"), Redactor([]).value)
    assert end.count == 1
    assert not read_chain([added], end)[1]


def test_the_last_entry_covers_the_record() -> None:
    record = {"PartitionKey": "main|usmf", "RowKey": "doc|1", "state": "reported", "amount": "10.00", "attempts": 1}
    end, written_entry = Chain().append("main|usmf", "doc|1", entry("one"), Redactor([]).value, content=record)
    stored = record | end.stored()
    assert read_chain([written_entry], end, stored)[1]
    assert read_chain([written_entry], end, stored | {"attempts": 2})[1], "a claim writes no entry"
    assert not read_chain([written_entry], end, stored | {"amount": "10.01"})[1]
    assert not read_chain([written_entry], end, stored | {"state": "held"})[1]
    assert not read_chain([written_entry], end, stored | {"note": ""})[1]


@pytest.mark.parametrize("text", ["{", "", "zlib:", "zlib:AAAA", "zlib:!", "zlib:eJzT0wMAAH4AlQ==", "[" * 20_000])
def test_an_entry_that_cannot_be_read_is_tampering_and_the_others_are_still_shown(text: str) -> None:
    entities, end = written(["one", "two"])
    entities[0] = {**entities[0], "entry": text}
    found, intact = read_chain(entities, end)
    assert not intact
    assert [item["message"] for item in found] == ["two"]


def test_an_empty_chain_is_intact() -> None:
    assert read_chain([], Chain()) == ([], True)


def test_secrets_never_reach_an_entry() -> None:
    request = {"url": f"https://a.test/?code={SECRET}", "headers": {"Authorization": f"Bearer {SECRET}"}}
    entity = Chain().append("p", "r", entry(f"TaxJar said {SECRET}", request=request), Redactor([SECRET]).value)[1]
    assert SECRET not in str(entity)


def test_an_entry_leaves_out_what_is_empty_and_keeps_money_exact() -> None:
    content = entry("why", attempt=0, before={"amount": Decimal("10.10")}).content()
    assert content.keys() == {"at", "function", "by", "subject", "decision", "message", "attempt", "before"}
    _, entity = Chain().append("p", "r", entry("why", before={"amount": Decimal("10.10")}), Redactor([]).value)
    assert read_chain([entity], Chain(1, entity["hash"]))[0][0]["before"] == {"amount": "10.10"}


@pytest.mark.parametrize("text", ["Größe → 5", "🧾", "line\nbreak", "\ud800"])
def test_any_text_may_be_audited(text: str) -> None:
    entities, end = written([text])
    found, intact = read_chain(entities, end)
    assert intact
    assert found[0]["message"] == text


def test_who_makes_the_present_request_is_in_its_entries_and_in_no_other() -> None:
    ann = Caller(name="Ann", object_id="a-1", way=Way.CONSOLE, role=Role.OPERATOR)
    with acting(ann):
        found = Actor(function="reconcile", by="function key")
        named = Actor(function="decide_document", by="Ann Smith")
    assert (found.by, found.object_id, found.way) == ("Ann", "a-1", "console")
    assert (named.by, named.object_id) == ("Ann Smith", "a-1")
    with acting(KEY_HOLDER):
        assert (Actor(function="f", by="Pat").by, Actor(function="f", by="Pat").way) == ("Pat", "key")
    content = AuditEntry(at=AT, actor=Actor(function="f", by="schedule"), subject="s", decision="d").content()
    assert content.keys() == {"at", "function", "by", "subject", "decision"}
