"""Proves an exported audit, offline: signatures, roots, journal, entries and records have to agree (design 4.8).

What a signed root covers is the truth. Where a day has no seal yet, the journal's own rows are used, which proves only
that the file agrees with itself.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import IO

from shared.proof.evidence import Evidence
from shared.proof.journal import BASELINE
from shared.proof.report import Change, Findings, Report, What
from shared.proof.seals import DayRoot, Seal, fingerprint
from shared.proof.verify_rows import check_rows

_GZIP = b"\x1f\x8b"


def verify_file(path: Path, trusted: Sequence[str] = ()) -> Report:
    """Verify the export in ``path``, gzip or not; ``trusted`` are public keys (PEM) that the verifier knows.

    Raises ``OSError`` for a file that cannot be read and ``ValueError`` for a key that is none.
    """
    with path.open("rb") as file:
        head = file.read(2)
        file.seek(0)
        stream: IO[bytes] = io.BufferedReader(gzip.GzipFile(fileobj=file)) if head == _GZIP else file
        return verify(stream, trusted)


def verify(lines: Iterable[bytes], trusted: Sequence[str] = ()) -> Report:
    """Verify the lines of an export. Raises ``ValueError`` for a key in ``trusted`` that is none."""
    known = [fingerprint(key) for key in trusted]
    evidence = Evidence()
    try:
        report = Report()
        findings = Findings(report)
        _read(evidence, lines, findings)
        _describe(evidence, report)
        good = _check_seals(evidence, report, known, findings)
        _take_truth(evidence, good)
        _check_coverage(evidence, report, good, findings)
        check_rows(evidence, good, findings)
        _count(evidence, report)
        return report
    finally:
        evidence.close()


def _read(evidence: Evidence, lines: Iterable[bytes], findings: Findings) -> None:
    try:
        for number in evidence.read(lines):
            findings.add(
                What.FILE,
                Change.UNREADABLE,
                f"line {number}",
                f"Line {number} of the file cannot be read in its place.",
            )
    except (OSError, EOFError) as error:
        findings.add(What.FILE, Change.UNREADABLE, "end", f"The file cannot be read to its end: {error}.")
    for number, key in evidence.unordered:
        findings.add(
            *(What.FILE, Change.REORDERED, f"line {number}"), f"Line {number} of the file ({key}) is out of order."
        )
    if not evidence.is_whole:
        findings.add(What.FILE, Change.REMOVED, "end", "The file has no end: a part of the export is missing.")


def _describe(evidence: Evidence, report: Report) -> None:
    header = evidence.header
    if header:
        report.subject = f"{header.get('connection')} {str(header.get('company')).upper()}"
        report.exported_at = str(header.get("exported_at"))


def _check_seals(evidence: Evidence, report: Report, known: Sequence[str], findings: Findings) -> dict[str, Seal]:
    """The seals whose signature and root hold, by day; the root over their rows in the file."""
    good: dict[str, Seal] = {}
    keys: dict[str, None] = {}
    days = sorted(evidence.seals)
    for position, day in enumerate(days):
        seal = evidence.seals[day]
        before = days[position - 1] if position else ""
        if seal is None:
            findings.add(What.DAY, Change.CHANGED, day, f"The signed root of {day} cannot be read.", at=day)
            continue
        statement = seal.statement
        keys[statement.key] = None
        is_signed = seal.is_signed() and statement.day == day and _is_about(evidence, seal)
        if not is_signed:
            findings.add(What.DAY, Change.CHANGED, day, f"The root of {day} is not what was signed.", at=day)
        elif known and statement.key not in known:
            sentence = f"The root of {day} is signed by a key that you did not name, {statement.key}."
            findings.add(What.DAY, Change.UNSIGNED, day, sentence, at=day)
        elif not known and len(keys) > 1:
            sentence = f"The root of {day} is signed by another key than the days before; name every key that you know."
            findings.add(What.DAY, Change.UNSIGNED, day, sentence, at=day)
        _check_link(evidence, seal, day, before, findings)
        if not is_signed or (known and statement.key not in known) or (not known and len(keys) > 1):
            continue
        if day < evidence.days[0]:
            continue
        if _root_of(evidence, day, seal) == (statement.root, statement.count):
            good[day] = seal
        else:
            sentence = f"The sealed journal of {day} is not what its signed root covers."
            findings.add(What.DAY, Change.CHANGED, day, sentence, at=day)
    if known and not good and evidence.entries:
        findings.add(What.FILE, Change.UNSIGNED, "file", "No day in the file is signed by a key that you named.")
    report.keys = list(keys)
    report.keys_are_trusted = bool(known)
    if good:
        report.first_sealed, report.last_sealed = min(good), max(good)
    return good


def _is_about(evidence: Evidence, seal: Seal) -> bool:
    names = (seal.statement.connection, seal.statement.company)
    return names == (evidence.header.get("connection"), evidence.header.get("company"))


def _check_link(evidence: Evidence, seal: Seal, day: str, before: str, findings: Findings) -> None:
    """Whether the seal goes on from the day before it in the file."""
    if not before:
        if seal.statement.previous and not evidence.days[0]:
            sentence = f"The first sealed day in the file is {day}, but days before it were sealed: they are missing."
            findings.add(What.DAY, Change.REMOVED, day, sentence, at=day)
        return
    expected = (date.fromisoformat(before) + timedelta(days=1)).isoformat()
    if day != expected:
        sentence = f"The signed root of {expected} is missing."
        findings.add(What.DAY, Change.REMOVED, expected, sentence, at=expected)
        return
    earlier = evidence.seals[before]
    if earlier is not None and seal.statement.previous != earlier.statement.root:
        sentence = f"The root of {before} was replaced: {day} was sealed on another one."
        findings.add(What.DAY, Change.CHANGED, before, sentence, at=before)


def _root_of(evidence: Evidence, day: str, seal: Seal) -> tuple[str, int]:
    root = DayRoot(seal.statement.previous)
    for (leaf,) in evidence.database.execute("SELECT leaf FROM sealed WHERE day = ? ORDER BY key", (day,)):
        root.add(leaf)
    return root.hex(), root.count


def _take_truth(evidence: Evidence, good: dict[str, Seal]) -> None:
    """What is known: the rows of good seals, and the journal's own rows of days without one."""
    database = evidence.database
    database.execute("CREATE TABLE good (day TEXT PRIMARY KEY)")
    database.executemany("INSERT INTO good VALUES (?)", [(day,) for day in good])
    start, end = evidence.days
    wanted = {
        "start": start,
        "end": end or "~",
        "whole": evidence.is_of_all_days,
        "first": min(evidence.seals, default=""),
    }
    database.execute(
        "INSERT INTO truth SELECT row, number, entry, record, key, 1,"
        " CASE WHEN key LIKE 'baseline|%' THEN :whole ELSE substr(key, 1, 10) BETWEEN :start AND :end END"
        " FROM sealed WHERE day IN (SELECT day FROM good)",
        wanted,
    )
    database.execute("CREATE INDEX truth_keys ON truth (key)")
    # What lies before the first seal was not there when it was made.
    database.execute(
        "INSERT INTO truth SELECT row, number, entry, record, key, 0, substr(key, 1, 10) BETWEEN :start AND :end"
        " FROM journal j WHERE substr(key, 1, 10) NOT IN (SELECT day FROM good) AND substr(key, 1, 10) >= :first"
        " AND NOT EXISTS (SELECT 1 FROM truth t WHERE t.key = j.key)",
        wanted,
    )
    database.execute("CREATE INDEX truth_places ON truth (row, number)")
    database.execute("CREATE INDEX truth_entries ON truth (entry)")


def _check_coverage(evidence: Evidence, report: Report, good: dict[str, Seal], findings: Findings) -> None:
    """Days that are over for long and have no signed root."""
    exported = report.exported_at[:10]
    try:
        due = (date.fromisoformat(exported) - timedelta(days=2)).isoformat()
    except ValueError:
        return
    due = min(due, evidence.days[1] or due)
    last = max(evidence.seals, default="")
    first_open = (date.fromisoformat(last) + timedelta(days=1)).isoformat() if last and _is_day(last) else ""
    if not last:
        row = evidence.database.execute("SELECT min(key) FROM journal").fetchone()
        first_open = row[0][:10] if row[0] else ""
    if first_open and first_open <= due:
        sentence = (
            f"{first_open} was over two days before the export and has no signed root, nor have the days after it."
        )
        findings.add(What.DAY, Change.UNSEALED, first_open, sentence, at=first_open)
    report.late_rows = sum(len(seal.statement.late) for seal in good.values())


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _count(evidence: Evidence, report: Report) -> None:
    def one(query: str, *values: str) -> int:
        return int(evidence.database.execute(query, values).fetchone()[0])

    report.entries = evidence.entries
    report.records = one("SELECT count(*) FROM records")
    report.sealed_rows = one("SELECT count(*) FROM truth WHERE signed")
    report.unsealed_rows = one("SELECT count(*) FROM truth WHERE NOT signed")
    first = evidence.database.execute("SELECT min(key) FROM truth WHERE NOT signed").fetchone()[0]
    report.first_unsealed = first[:10] if first else ""
    if not one("SELECT count(*) FROM truth WHERE key LIKE ?", f"{BASELINE}%"):
        report.older_entries = one(
            "SELECT count(*) FROM entries e WHERE version = 1 AND NOT EXISTS"
            " (SELECT 1 FROM truth t WHERE t.row = e.row AND t.number > e.number)"
        )
