"""The rows of an export against the truth: the journal, the entries, their chains, the records."""

from __future__ import annotations

from collections.abc import Mapping

from shared.proof.chain import VERSION
from shared.proof.evidence import Evidence
from shared.proof.report import Change, Findings, What, name_of
from shared.proof.seals import Seal


def check_rows(evidence: Evidence, good: Mapping[str, Seal], findings: Findings) -> None:
    """Compare everything with the truth, each thing once."""
    gone = _documents_removed(evidence, findings)
    _check_journal(evidence, findings)
    _check_entries(evidence, gone, findings)
    _check_strays(evidence, findings)
    if evidence.is_of_all_days:
        _check_first_version(evidence, bool(good), findings)
        _check_links(evidence, findings)
    _check_records(evidence, gone, findings)


def _documents_removed(evidence: Evidence, findings: Findings) -> set[str]:
    """Rows of which the truth knows entries, and the file neither an entry nor the record: at most 10,000."""
    gone: set[str] = set()
    for row, at, entries in evidence.database.execute(
        "SELECT t.row, min(t.key), count(DISTINCT t.number) FROM truth t"
        " WHERE NOT EXISTS (SELECT 1 FROM entries e WHERE e.row = t.row)"
        " AND NOT EXISTS (SELECT 1 FROM records r WHERE r.row = t.row)"
        " AND t.wanted GROUP BY t.row ORDER BY 2"
    ):
        if len(gone) < 10_000:
            gone.add(row)
        sentence = f"{_named(row)} was removed, with its record and its {entries} entries."
        findings.add(What.DOCUMENT, Change.REMOVED, row, sentence, at=at)
    return gone


def _check_journal(evidence: Evidence, findings: Findings) -> None:
    """The journal in the table against the sealed one; a day that is gone altogether is named as one."""
    database = evidence.database
    database.execute(
        "CREATE TEMP TABLE missing AS SELECT t.key, t.row, t.number FROM truth t"
        " WHERE t.signed AND t.wanted AND t.key NOT LIKE 'baseline|%'"
        " AND NOT EXISTS (SELECT 1 FROM journal j WHERE j.key = t.key)"
    )
    whole_days: set[str] = set()
    for day, count in database.execute("SELECT substr(key, 1, 10), count(*) FROM missing GROUP BY 1 ORDER BY 1"):
        left = database.execute("SELECT 1 FROM journal WHERE key >= ? AND key < ?", (day, f"{day}~")).fetchone()
        if left is None:
            whole_days.add(day)
            sentence = f"The journal of {day} was removed: {count} rows."
            findings.add(What.DAY, Change.REMOVED, day, sentence, at=day)
    for key, row, number in database.execute("SELECT key, row, number FROM missing ORDER BY key"):
        if key[:10] not in whole_days:
            sentence = f"The journal row of {key} for entry {number} of {name_of(row)} was removed."
            findings.add(What.JOURNAL_ROW, Change.REMOVED, row, sentence, at=key, number=number)
    for key, row, number in database.execute(
        "SELECT t.key, t.row, t.number FROM truth t JOIN journal j ON j.key = t.key WHERE t.signed"
        " AND (j.row, j.number, j.entry, j.record) != (t.row, t.number, t.entry, t.record) ORDER BY t.key"
    ):
        sentence = f"The journal row of {key} for entry {number} of {name_of(row)} was changed."
        findings.add(What.JOURNAL_ROW, Change.CHANGED, row, sentence, at=key, number=number)
    for key, row, number in database.execute(
        "SELECT t.key, t.row, t.number FROM truth t"
        " JOIN entries e ON e.row = t.row AND e.number = t.number AND e.hash = t.entry"
        " WHERE NOT t.signed AND t.key != e.at || '|' || substr(e.hash, 1, 16) ORDER BY t.key"
    ):
        sentence = f"The journal row of {key} for entry {number} of {name_of(row)} is not where it was written."
        findings.add(What.JOURNAL_ROW, Change.REORDERED, row, sentence, at=key, number=number)
    for key, row, number in database.execute(
        "SELECT key, row, number FROM journal j"
        " WHERE NOT EXISTS (SELECT 1 FROM truth t WHERE t.key = j.key) ORDER BY key"
    ):
        sentence = f"The journal row of {key} for entry {number} of {name_of(row)} is in no seal: it was inserted."
        findings.add(What.JOURNAL_ROW, Change.INSERTED, row, sentence, at=key, number=number)


def _check_entries(evidence: Evidence, gone: set[str], findings: Findings) -> None:
    """Every entry that the truth knows has to be there, unchanged and in its place."""
    for key, row, number, entry, signed, there, other in evidence.database.execute(
        "SELECT t.key, t.row, t.number, t.entry, t.signed,"
        " EXISTS (SELECT 1 FROM entries e WHERE e.row = t.row AND e.number = t.number),"
        " EXISTS (SELECT 1 FROM truth o JOIN entries e ON e.row = o.row AND e.number = o.number AND e.hash = o.entry"
        "  WHERE o.row = t.row AND o.number = t.number AND o.entry != t.entry)"
        " FROM truth t WHERE t.wanted"
        " AND NOT EXISTS (SELECT 1 FROM entries e WHERE e.row = t.row AND e.number = t.number AND e.hash = t.entry)"
        " ORDER BY t.key"
    ):
        if row in gone:
            continue
        if other and not signed:
            sentence = f"The journal row of {key} names another entry {number} of {name_of(row)} than there is."
            findings.add(What.JOURNAL_ROW, Change.INSERTED, row, sentence, at=key, number=number)
        elif not there:
            sentence = f"Entry {number} of {name_of(row)} was removed."
            findings.add(What.ENTRY, Change.REMOVED, row, sentence, at=key, number=number)
        elif _is_moved(evidence, row, number, entry):
            sentence = f"Entry {number} of {name_of(row)} is not what was written there: entries changed places."
            findings.add(What.ENTRY, Change.REORDERED, row, sentence, at=key, number=number)
        else:
            sentence = f"Entry {number} of {name_of(row)} was changed."
            findings.add(What.ENTRY, Change.CHANGED, row, sentence, at=key, number=number)


def _is_moved(evidence: Evidence, row: str, number: int, entry: str) -> bool:
    """Whether what stands in the place is what was written in another one."""
    found = evidence.database.execute(
        "SELECT 1 FROM entries e JOIN truth t ON t.entry = e.stored WHERE e.row = ? AND e.number = ? AND e.stored != ?",
        (row, number, entry),
    )
    return found.fetchone() is not None


def _check_strays(evidence: Evidence, findings: Findings) -> None:
    """Entries that the truth does not know, beside those that stand where a known one was."""
    for row, number, at in evidence.database.execute(
        "SELECT e.row, e.number, e.at FROM entries e WHERE e.version = ?"
        " AND NOT EXISTS (SELECT 1 FROM truth t WHERE t.row = e.row AND t.number = e.number AND t.entry = e.hash)"
        " AND ((SELECT count(*) FROM entries o WHERE o.row = e.row AND o.number = e.number) > 1"
        "  OR NOT EXISTS (SELECT 1 FROM truth t WHERE t.row = e.row AND t.number = e.number))"
        " ORDER BY e.at",
        (VERSION,),
    ):
        sentence = f"Entry {number} of {name_of(row)} is in no journal: it was inserted."
        findings.add(What.ENTRY, Change.INSERTED, row, sentence, at=at, number=number)


def _check_first_version(evidence: Evidence, has_seals: bool, findings: Findings) -> None:
    """Chains that are older than the journal: whole in themselves, and ending where the first seal or entry says."""
    for row, number in evidence.database.execute(
        "SELECT row, number FROM entries WHERE version = 1 AND (hash != stored OR hash = '') ORDER BY row, number"
    ):
        sentence = (
            f"Entry {number} of {name_of(row)} was changed, removed or inserted: it does not follow the one before."
        )
        findings.add(What.ENTRY, Change.CHANGED, row, sentence, number=number)
    for row, number, head in evidence.database.execute(
        "SELECT e.row, e.number, e.hash FROM entries e WHERE e.version = 1 AND NOT EXISTS"
        " (SELECT 1 FROM entries o WHERE o.row = e.row AND o.version = 1"
        "  AND (o.number > e.number OR o.hash != o.stored))"
    ):
        if not _goes_on(evidence, row, number, head, has_seals):
            sentence = f"The first {number} entries of {name_of(row)} do not end as they did when they were sealed."
            findings.add(What.ENTRY, Change.CHANGED, row, sentence, number=number)


def _goes_on(evidence: Evidence, row: str, number: int, head: str, has_seals: bool) -> bool:
    database = evidence.database
    if database.execute(
        "SELECT 1 FROM truth WHERE row = ? AND number = ? AND entry = ?", (row, number, head)
    ).fetchone():
        return True
    following = database.execute(
        "SELECT e.previous FROM entries e JOIN truth t ON t.row = e.row AND t.number = e.number AND t.entry = e.hash"
        " WHERE e.row = ? AND e.number = ?",
        (row, number + 1),
    ).fetchone()
    if following:
        return bool(following[0] == head)
    # Without any seal the record is all there is to compare with; what the first seal leaves out came after it.
    record = database.execute("SELECT number, head FROM records WHERE row = ?", (row,)).fetchone()
    return not has_seals and record == (number, head)


def _check_links(evidence: Evidence, findings: Findings) -> None:
    """Each entry goes on from the one before it, which has to be there."""
    for row, number, at in evidence.database.execute(
        "SELECT e.row, e.number, e.at FROM entries e"
        " JOIN truth t ON t.row = e.row AND t.number = e.number AND t.entry = e.hash"
        " WHERE e.version = ? AND e.number > 1 AND NOT EXISTS"
        " (SELECT 1 FROM entries b WHERE b.row = e.row AND b.number = e.number - 1)"
        " AND NOT EXISTS (SELECT 1 FROM truth b WHERE b.row = e.row AND b.number = e.number - 1)"
        " ORDER BY e.at",
        (VERSION,),
    ):
        sentence = f"Entry {number - 1} of {name_of(row)} was removed."
        findings.add(What.ENTRY, Change.REMOVED, row, sentence, at=at, number=number - 1)
    for row, number, at in evidence.database.execute(
        "SELECT e.row, e.number, e.at FROM entries e"
        " JOIN truth t ON t.row = e.row AND t.number = e.number AND t.entry = e.hash"
        " JOIN truth b ON b.row = e.row AND b.number = e.number - 1"
        " WHERE e.version = ? AND b.entry != e.previous AND NOT EXISTS"
        " (SELECT 1 FROM truth c WHERE c.row = e.row AND c.number = e.number - 1 AND c.entry = e.previous)"
        " ORDER BY e.at",
        (VERSION,),
    ):
        sentence = f"Entry {number} of {name_of(row)} does not go on from the entry before it."
        findings.add(What.ENTRY, Change.CHANGED, row, sentence, at=at, number=number)


def _check_records(evidence: Evidence, gone: set[str], findings: Findings) -> None:
    """Every record has to be as its last entry left it."""
    database = evidence.database
    for row, at, last in database.execute(
        "SELECT t.row, max(t.key), max(t.number) FROM truth t"
        " WHERE NOT EXISTS (SELECT 1 FROM records r WHERE r.row = t.row) AND t.wanted"
        " GROUP BY t.row ORDER BY 2"
    ):
        if row not in gone:
            sentence = f"The record of {name_of(row)} was removed; its last entry is {last}."
            findings.add(What.RECORD, Change.REMOVED, row, sentence, at=at)
    for row, number, head, content, again, last, at in database.execute(
        "SELECT r.row, r.number, r.head, r.hash, r.again, max(t.number), max(t.key) FROM records r"
        " LEFT JOIN truth t ON t.row = r.row AND (t.signed OR EXISTS (SELECT 1 FROM entries e"
        "  WHERE e.row = t.row AND e.number = t.number AND e.hash = t.entry)) GROUP BY r.row ORDER BY 7"
    ):
        if last is None:
            if evidence.is_of_all_days:
                _check_alone(evidence, row, number, head, findings)
        elif number > last:
            if not again and not evidence.days[1]:
                sentence = f"The record of {name_of(row)} names {number} entries, and {last} were written."
                findings.add(What.RECORD, Change.CHANGED, row, sentence, at=at)
        elif number < last:
            sentence = f"The record of {name_of(row)} was put back to its entry {number}; its last is {last}."
            findings.add(What.RECORD, Change.CHANGED, row, sentence, at=at)
        elif not database.execute(
            "SELECT 1 FROM truth WHERE row = ? AND number = ? AND entry = ? AND record IN ('', ?)",
            (row, number, head, content),
        ).fetchone():
            sentence = f"The record of {name_of(row)} is not as its entry {number} left it: it was changed."
            findings.add(What.RECORD, Change.CHANGED, row, sentence, at=at)


def _check_alone(evidence: Evidence, row: str, number: int, head: str, findings: Findings) -> None:
    """A record that the truth does not know: claimed and never settled, older than the journal, or inserted."""
    if not number and not head and not row.startswith("doc|"):
        return
    older = evidence.database.execute(
        "SELECT number, hash FROM entries WHERE row = ? AND version = 1 ORDER BY number DESC LIMIT 1", (row,)
    ).fetchone()
    if older is None:
        sentence = f"The record of {name_of(row)} has no entry: it was inserted."
        findings.add(What.RECORD, Change.INSERTED, row, sentence)
    elif older != (number, head):
        sentence = f"The record of {name_of(row)} does not name its last entry: it was changed."
        findings.add(What.RECORD, Change.CHANGED, row, sentence)


def _named(row: str) -> str:
    name = name_of(row)
    return name[:1].upper() + name[1:]
