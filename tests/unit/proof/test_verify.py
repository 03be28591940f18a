"""``audit verify`` names what was changed, removed, inserted or put in another order, and accuses nothing else."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ledger.audit import AuditEntry, Chain, entry_text
from shared.ledger.journal import journal_row
from shared.proof.chain import first_version_hash
from shared.proof.report import Report
from shared.proof.verify import verify
from tests.ledger_model import ACTOR, FIRST_DAY, KEY, PARTITION, KeyInMemory, Ledger

DAYS = [(FIRST_DAY + timedelta(days=number)).isoformat() for number in range(4)]


def a_ledger() -> Ledger:
    """Three sealed days and a fourth that goes on."""
    ledger = Ledger()
    for name in ("INV-1", "INV-2", "INV-3"):
        ledger.settle(name, state="seen")
    ledger.settle("INV-1", amount="10.00")
    ledger.next_day()
    ledger.settle("INV-2", amount="20.00")
    ledger.settle("INV-3", amount="30.00")
    ledger.next_day()
    ledger.settle("INV-1", amount="11.00")
    ledger.next_day()
    ledger.settle("INV-4", amount="40.00")
    return ledger


def row(name: str) -> str:
    return f"doc|2026-09-30|{name}|V-{name}"


def entry_key(ledger: Ledger, name: str, number: int) -> str:
    [key] = [key for key in ledger.entries if key.startswith(f"audit|{row(name)}|{number:06d}")]
    return key


def found(report: Report) -> set[tuple[str, str, str]]:
    return {(finding.what.value, finding.change.value, finding.where) for finding in report.findings}


def first(report: Report) -> str:
    return next(line for line in report.sentences() if "The first: " in line).split("The first: ")[1]


def rewritten(ledger: Ledger, name: str, *, journal: bool) -> None:
    """All entries of a document anew, with a consistent chain, record and (where wanted) journal."""
    chain = Chain()
    record = {**ledger.records[row(name)], "amount": "99.00"}
    for number in range(1, record["audit_count"] + 1):
        old = ledger.entries.pop(entry_key(ledger, name, number))
        content = json.loads(entry_text(old))
        entry = AuditEntry(
            at=datetime.fromisoformat(content["at"]),
            actor=ACTOR,
            subject=name,
            decision=content["decision"],
            message="forged",
        )
        chain, audit = chain.append(PARTITION, row(name), entry, lambda value: value, content=record)
        ledger.entries[audit["RowKey"]] = audit
        if journal:
            [known] = [key for key, line in ledger.journal.items() if line["entry"] == old["hash"]]
            del ledger.journal[known]
            ledger.journal[journal_row(audit)["RowKey"]] = journal_row(audit)
    ledger.records[row(name)] = record | chain.stored()


def without_document(ledger: Ledger, name: str, *, journal: bool) -> None:
    del ledger.records[row(name)]
    for key in [key for key in ledger.entries if row(name) in key]:
        del ledger.entries[key]
    if journal:
        for key in [key for key, line in ledger.journal.items() if line["row"] == row(name)]:
            del ledger.journal[key]


def test_what_was_not_touched_is_proved_and_what_is_not_sealed_yet_is_said() -> None:
    report = verify(a_ledger().lines())
    assert report.ok, report.sentences()
    assert (report.first_sealed, report.last_sealed) == (DAYS[0], DAYS[2])
    assert (report.sealed_rows, report.unsealed_rows, report.first_unsealed) == (7, 1, DAYS[3])
    assert (report.entries, report.records) == (8, 4)
    assert any(f"since {DAYS[3]}" in sentence for sentence in report.sentences())


def test_one_byte_of_an_entry() -> None:
    ledger = a_ledger()
    entry = ledger.entries[entry_key(ledger, "INV-1", 2)]
    entry["entry"] = entry["entry"].replace("10.00", "10.01")
    report = verify(ledger.lines())
    assert found(report) == {("entry", "changed", row("INV-1"))}
    assert "Entry 2 of document INV-1 of 2026-09-30" in first(report)


@pytest.mark.parametrize("journal", [False, True])
def test_all_entries_of_a_document_rewritten_with_a_consistent_chain(journal: bool) -> None:
    ledger = a_ledger()
    rewritten(ledger, "INV-2", journal=journal)
    report = verify(ledger.lines())
    assert {("entry", "changed", row("INV-2")), ("record", "changed", row("INV-2"))} <= found(report)
    assert {where for _, _, where in found(report)} == {row("INV-2")}
    assert "entry 1 of document INV-2" in first(report).replace("Entry", "entry")


def test_the_amount_of_a_record_alone() -> None:
    ledger = a_ledger()
    ledger.records[row("INV-3")]["amount"] = "31.00"
    report = verify(ledger.lines())
    assert found(report) == {("record", "changed", row("INV-3"))}
    assert "The record of document INV-3" in first(report)


@pytest.mark.parametrize("journal", [False, True])
def test_a_document_deleted_with_all_its_rows(journal: bool) -> None:
    ledger = a_ledger()
    without_document(ledger, "INV-3", journal=journal)
    report = verify(ledger.lines())
    assert ("document", "removed", row("INV-3")) in found(report)
    assert {where for _, _, where in found(report)} == {row("INV-3")}


def test_a_days_journal_deleted() -> None:
    ledger = a_ledger()
    for key in [key for key in ledger.journal if DAYS[1] in key]:
        del ledger.journal[key]
    report = verify(ledger.lines())
    assert found(report) == {("day", "removed", DAYS[1])}
    assert f"The journal of {DAYS[1]} was removed: 2 rows" in first(report)


def test_a_root_replaced_by_one_that_somebody_else_signed() -> None:
    ledger = a_ledger()
    ledger.seal(date.fromisoformat(DAYS[2]), KeyInMemory())
    assert found(verify(ledger.lines())) == {("day", "unsigned", DAYS[2])}


def test_who_knows_the_key_takes_no_other() -> None:
    known, other = asyncio.run(KEY.public_key()), asyncio.run(KeyInMemory().public_key())
    report = verify(a_ledger().lines(), [known])
    assert (report.ok, report.keys_are_trusted) == (True, True)
    assert {change for _, change, _ in found(verify(a_ledger().lines(), [other]))} == {"unsigned"}
    ledger = Ledger()
    older(ledger, "OLD-1")
    assert verify(ledger.lines()).ok, "the day before anything is sealed"
    assert found(verify(ledger.lines(), [known])) == {("file", "unsigned", "file")}


def test_a_root_replaced_and_signed_with_the_right_key() -> None:
    """The day after it was sealed on the root that was there."""
    ledger = a_ledger()
    rewritten(ledger, "INV-3", journal=True)
    ledger.seal(date.fromisoformat(DAYS[1]))
    report = verify(ledger.lines())
    assert ("day", "changed", DAYS[1]) in found(report)
    assert {where for _, _, where in found(report)} <= {DAYS[1], row("INV-3")}


@pytest.mark.parametrize("part", ["root", "count", "previous", "day", "late"])
def test_a_statement_that_was_changed_is_not_what_was_signed(part: str) -> None:
    ledger = a_ledger()
    statement = ledger.seals[DAYS[1]][0]["statement"]
    statement[part] = {"count": 7, "late": ["x"], "day": DAYS[0]}.get(part, "0" * 64)
    assert ("day", "changed", DAYS[1]) in found(verify(ledger.lines()))


def test_a_removed_day() -> None:
    ledger = a_ledger()
    del ledger.seals[DAYS[1]]
    report = verify(ledger.lines())
    assert found(report) == {("day", "removed", DAYS[1])}
    del ledger.seals[DAYS[0]]
    assert ("day", "removed", DAYS[2]) in found(verify(ledger.lines()))


def test_days_that_should_have_been_sealed_are_named() -> None:
    ledger = a_ledger()
    del ledger.seals[DAYS[2]]
    ledger.now += timedelta(days=2)
    assert found(verify(ledger.lines())) == {("day", "unsealed", DAYS[2])}


def test_rows_swapped_between_days() -> None:
    ledger = a_ledger()
    one = next(key for key in ledger.journal if DAYS[0] in key)
    other = next(key for key in ledger.journal if DAYS[1] in key)
    ledger.journal[one], ledger.journal[other] = (
        {**ledger.journal[other], "RowKey": one},
        {**ledger.journal[one], "RowKey": other},
    )
    report = verify(ledger.lines())
    assert {(what, change) for what, change, _ in found(report)} == {("journal row", "changed")}
    assert [finding.at[:10] for finding in report.findings] == [DAYS[0], DAYS[1]]


@pytest.mark.parametrize("spoil", ["changed", "removed", "inserted"])
def test_the_sealed_rows_of_a_day_are_what_its_root_covers(spoil: str) -> None:
    ledger = a_ledger()
    rows = ledger.seals[DAYS[1]]
    match spoil:
        case "changed":
            rows[1]["number"] = 7
        case "removed":
            del rows[1]
        case "inserted":
            rows.append({**rows[1], "key": f"{DAYS[1]}T23:00:00.000000|0123456789abcdef"})
    assert found(verify(ledger.lines())) == {("day", "changed", DAYS[1])}


def test_a_record_that_was_put_back() -> None:
    ledger = Ledger()
    subject = ledger.settle("INV-1", amount="1.00")
    older_record = dict(ledger.records[subject])
    ledger.settle("INV-1", amount="2.00")
    ledger.next_day()
    ledger.records[subject] = older_record
    report = verify(ledger.lines())
    assert found(report) == {("record", "changed", subject)}
    assert "was put back to its entry 1" in first(report)


def test_an_entry_of_today_that_does_not_go_on_from_the_last_one() -> None:
    """Forged with its journal row and its record before the day is sealed, by somebody who left the chain."""
    ledger = a_ledger()
    subject = row("INV-1")
    entry = AuditEntry(at=ledger.now, actor=ACTOR, subject="INV-1", decision="reported", message="forged")
    forked = Chain(ledger.records[subject]["audit_count"], "0" * 64)
    record = {**ledger.records[subject], "amount": "0.01"}
    chain, audit = forked.append(PARTITION, subject, entry, lambda value: value, content=record)
    ledger.entries[audit["RowKey"]] = audit
    ledger.journal[journal_row(audit)["RowKey"]] = journal_row(audit)
    ledger.records[subject] = record | chain.stored()
    assert found(verify(ledger.lines())) == {("entry", "changed", subject)}


def test_entries_that_changed_places() -> None:
    ledger = a_ledger()
    one, other = entry_key(ledger, "INV-1", 1), entry_key(ledger, "INV-1", 2)
    ledger.entries[one], ledger.entries[other] = (
        {**ledger.entries[other], "RowKey": one},
        {**ledger.entries[one], "RowKey": other},
    )
    assert found(verify(ledger.lines())) == {("entry", "reordered", row("INV-1"))}


def test_an_inserted_document() -> None:
    ledger, other = a_ledger(), a_ledger()
    forged = other.settle("INV-9", amount="1.00")
    ledger.records[forged] = other.records[forged]
    assert found(verify(ledger.lines())) == {("record", "inserted", forged)}
    key = entry_key(other, "INV-9", 1)
    ledger.entries[key] = other.entries[key]
    assert ("entry", "inserted", forged) in found(verify(ledger.lines()))


def test_a_stray_entry_behind_the_last_one_is_named_and_its_document_is_not_accused_of_more() -> None:
    ledger = a_ledger()
    last = ledger.entries[entry_key(ledger, "INV-1", 3)]
    stray = f"audit|{row('INV-1')}|000004|0123456789abcdef"
    ledger.entries[stray] = {**last, "RowKey": stray}
    assert found(verify(ledger.lines())) == {("entry", "inserted", row("INV-1"))}


def test_a_journal_row_inserted_into_a_sealed_day() -> None:
    ledger = a_ledger()
    key = f"journal|{DAYS[0]}T12:00:00.000000|0123456789abcdef"
    ledger.journal[key] = {**next(iter(ledger.journal.values())), "RowKey": key}
    assert {(what, change) for what, change, _ in found(verify(ledger.lines()))} == {("journal row", "inserted")}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda lines: lines[:-1],
        lambda lines: lines[1:],
        lambda lines: [*lines[:5], b"{\n", *lines[5:]],
        lambda lines: [*lines[:2], lines[3], lines[2], *lines[4:]],
        lambda lines: [*lines[:4], lines[3], *lines[4:]],
        lambda lines: [*lines[:4], b'{"type": "page", "after": "x"}\n', *lines[4:]],
        lambda lines: [],
    ],
    ids=["cut off", "no header", "broken line", "swapped", "twice", "a page is missing", "empty"],
)
def test_a_file_that_is_not_as_it_was_exported(spoil: Callable[[list[bytes]], list[bytes]]) -> None:
    report = verify(spoil(a_ledger().lines()))
    assert any(what == "file" for what, _, _ in found(report))


def older(ledger: Ledger, name: str) -> str:
    """A document with two entries of the first version."""
    head, subject = "", row(name)
    for number in (1, 2):
        text = json.dumps({"message": f"{name} {number}"})
        head = first_version_hash(head, text)
        key = f"audit|{subject}|{number:06d}"
        ledger.entries[key] = {"PartitionKey": PARTITION, "RowKey": key, "hash": head, "entry": text}
    ledger.records[subject] = {
        **{"PartitionKey": PARTITION, "RowKey": subject, "state": "reported", "amount": "5.00"},
        **{"audit_count": 2, "audit_head": head},
    }
    return subject


def test_chains_that_are_older_than_the_journal_are_whole_where_they_go_on_and_where_they_do_not() -> None:
    ledger = Ledger()
    subject, other = older(ledger, "OLD-1"), older(ledger, "OLD-2")
    ledger.settle("OLD-1", amount="6.00")
    report = verify(ledger.lines())
    assert report.ok, report.sentences()
    assert report.older_entries == 2
    taken = [ledger.entries.pop(f"audit|{subject}|{number:06d}") for number in (1, 2)]
    assert found(verify(ledger.lines())) == {("entry", "removed", subject)}
    ledger.entries |= {entry["RowKey"]: entry for entry in taken}
    ledger.entries[f"audit|{subject}|000001"]["entry"] += " "
    ledger.records[other]["audit_head"] = "0" * 64
    assert {where for _, _, where in found(verify(ledger.lines()))} == {subject, other}


def test_memory_does_not_grow_with_the_file() -> None:
    """What SQLite holds is limited by its cache; what Python holds is measured here."""

    def peak(settlements: int) -> int:
        ledger = Ledger()
        for number in range(settlements):
            ledger.settle(f"INV-{number}", amount="1.00")
        ledger.next_day()
        lines = ledger.lines()
        tracemalloc.start()
        try:
            assert verify(lines).ok
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)
    # 810 settlements more are more than a megabyte of lines.
    assert peak(900) < peak(90) + 100_000


TAMPERINGS = st.sampled_from(
    ["text", "drop entry", "record", "drop record", "drop document", "journal", "drop journal", "move", "rewrite"]
)


@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(0, 3)), min_size=1, max_size=14),
    st.lists(TAMPERINGS, max_size=2),
    st.randoms(use_true_random=False),
)
def test_no_tampering_is_missed_and_nothing_untouched_is_accused(
    settlements: list[tuple[int, int]], tamperings: list[str], random: Any
) -> None:
    ledger = Ledger()
    for number, nights in settlements:
        ledger.settle(f"INV-{number}", amount=f"{random.randrange(1000)}.00")
        for _ in range(nights if nights > 1 else 0):
            ledger.next_day()
    assert verify(ledger.lines()).ok
    touched: set[str] = set()
    for kind in tamperings:
        touched |= tampered(ledger, kind, random)
    report = verify(ledger.lines())
    assert report.ok == (not touched), (touched, report.sentences())
    accused = {finding.where for finding in report.findings}
    assert accused <= touched, report.sentences()


def tampered(ledger: Ledger, kind: str, random: Any) -> set[str]:
    """Change something; the rows and days that may be named for it. Where there is nothing to change, none."""
    signed = {line["row"] for _, *rows in ledger.seals.values() for line in rows}
    subjects = sorted(ledger.records)
    if not subjects or not ledger.entries or not ledger.journal:
        return set()
    subject = random.choice(subjects)
    name = subject.split("|")[2]
    entry = ledger.entries[random.choice(sorted(ledger.entries))]
    about = entry["RowKey"].split("|", 1)[1].rsplit("|", 2)[0]
    key = random.choice(sorted(ledger.journal))
    match kind:
        case "text":
            entry["entry"] += " "
            return {about}
        case "drop entry":
            del ledger.entries[entry["RowKey"]]
            return {about}
        case "record":
            ledger.records[subject]["amount"] += "0"
            return {subject}
        case "drop record":
            del ledger.records[subject]
            return {subject}
        case "drop document" if subject in signed:
            without_document(ledger, name, journal=True)
            return {subject, *days_of(ledger)}
        case "journal":
            ledger.journal[key]["entry"] = "0" * 64
            return {ledger.journal[key]["row"]}
        case "drop journal":
            about = ledger.journal.pop(key)["row"]
            return {about, *days_of(ledger)}
        case "move":
            moved = ledger.journal.pop(key)
            to = key.replace("|2026-10-", "|2026-09-")
            ledger.journal[to] = {**moved, "RowKey": to}
            return {moved["row"], *days_of(ledger), to.removeprefix("journal|")[:10]}
        case "rewrite" if subject in signed and all(
            any(entry["RowKey"].startswith(f"audit|{subject}|{n:06d}") for entry in ledger.entries.values())
            for n in range(1, ledger.records[subject]["audit_count"] + 1)
        ):
            rewritten(ledger, name, journal=False)
            return {subject}
    return set()


def days_of(ledger: Ledger) -> set[str]:
    """A day whose only rows are gone is named as a day."""
    return set(ledger.seals)
