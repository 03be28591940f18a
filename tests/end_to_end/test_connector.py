"""Every command of ``connector`` against ``up``, with its exit code (design 3.3)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cli.main import build_parser, main
from local.demo import retailer
from local.demo.story import Demo
from local.demo.to_do import CHANGED, LATE, MISMATCH, by_hand, correct_address, to_be_changed
from local.demo.today import today
from local.simulation import CONNECTION, TAXJAR_ACCOUNT
from local.simulators.dynamics.specs import AddressSpec, InvoiceSpec
from local.simulators.taxjar.records import Account, StoredTransaction
from local.stage import Host
from tests.end_to_end.installation import wait_until
from tests.workbooks import sheets_of

CLEAN, WAITS, USAGE, REFUSED = 0, 1, 2, 3
COMPANY = retailer.COMPANY
DOCUMENTS = f"/api/documents/{CONNECTION}/{COMPANY}"
NOWHERE = AddressSpec("1 Main St", "Austin", "NY", "78704")


class Shell:
    """Runs ``connector`` as in a shell where what ``up`` prints last was pasted."""

    def __init__(self, host: Host) -> None:
        self.environment = {
            "HOST": host.url,
            "KEY": host.key,
            "CONNECTOR_CONNECTION": CONNECTION,
            "CONNECTOR_COMPANY": COMPANY,
            "CONNECTOR_CONFIG": "/none",
        }

    def run(self, *arguments: str, **environment: str) -> tuple[int, str, str]:
        """Exit code, standard output and standard error."""
        out, err = io.StringIO(), io.StringIO()
        code = main(arguments, environment=self.environment | environment, out=out, err=err)
        return code, out.getvalue(), err.getvalue()

    def json(self, *arguments: str) -> tuple[int, Any]:
        """Exit code and what ``--json`` prints."""
        code, out, err = self.run(*arguments, "--json")
        return code, json.loads(out) if out else err

    def csv(self, *arguments: str) -> tuple[int, list[dict[str, str]]]:
        """Exit code and the rows that ``--csv`` prints."""
        code, out, _ = self.run(*arguments, "--csv")
        return code, list(csv.DictReader(io.StringIO(out)))


@pytest.fixture
def shell(up: Demo) -> Shell:
    return Shell(up.host)


def account(up: Demo) -> Account:
    return up.simulation.taxjar.account(TAXJAR_ACCOUNT)


def post(up: Demo, spec: InvoiceSpec, state: str) -> str:
    """Post a document, poll, and wait until it is in ``state``; its id in TaxJar."""
    up.simulation.posting(COMPANY).invoice(spec)
    up.host.run("poll_posted_invoices")
    transaction_id = f"{COMPANY.upper()}-{spec.number}"
    wait_until(lambda: found(up.host, spec.number).get("state") == state, within=60)
    return transaction_id


def found(host: Host, number: str) -> Mapping[str, Any]:
    """The document of this number, as it is listed."""
    documents: list[dict[str, Any]] = host.get(DOCUMENTS, number=number)["documents"]
    return documents[0] if documents else {}


def settled(up: Demo, number: str, state: str) -> None:
    wait_until(lambda: found(up.host, number).get("state") == state, within=60)


def net(up: Demo, transaction_id: str) -> tuple[Decimal, Decimal]:
    """Amount and tax of all that TaxJar holds under ids that begin so."""
    held: list[StoredTransaction] = [
        each for (_, name), each in account(up).transactions.items() if name.startswith(transaction_id)
    ]
    return sum((each.amount for each in held), Decimal(0)), sum((each.sales_tax for each in held), Decimal(0))


def test_every_command_is_tried_here() -> None:
    """A command that is added comes with its exit codes."""
    actions: Any = build_parser()._subparsers
    [commands] = [action for action in actions._group_actions if action.choices]
    tests = Path(__file__).read_text(encoding="utf-8")
    assert not [name for name in commands.choices if f'"{name}"' not in tests]


def test_what_waits_is_shown_and_the_exit_code_says_so(up: Demo, shell: Shell) -> None:
    code, out, _ = shell.run("status")
    assert (code, "Next: " in out) == (WAITS, True)
    code, rows = shell.csv("held", "--reason-code", "filed_transaction_changed")
    assert (code, CHANGED in {row["number"] for row in rows}) == (WAITS, True)
    assert shell.run("held", "--number", "NONE")[:2] == (CLEAN, "Nothing waits.\n")
    code, listed = shell.json("held", "--state", "reported", "--late")
    assert (code, LATE in {row["number"] for row in listed}) == (WAITS, True)
    assert shell.run("show", f"USRT-{CHANGED}")[0] == WAITS
    code, shown = shell.json("show", f"USRT-{MISMATCH}", "--live")
    [transaction] = shown["transactions"]
    assert code == CLEAN
    assert Decimal(str(transaction["in_taxjar"]["sales_tax"])) == Decimal(transaction["sales_tax"]) - 1
    code, rows = shell.csv("activity", "--kind", "period")
    assert (code, rows[-1]["by"]) == (CLEAN, "Demo accountant")


def test_a_month_that_waits_and_one_that_is_clean(shell: Shell) -> None:
    # What the demo leaves waiting is dated yesterday.
    code, out, _ = shell.run("month", f"{today() - timedelta(days=1):%Y-%m}")
    assert (code, "waits." in out) == (WAITS, True)
    code, shown = shell.json("month", "2020-01")
    assert (code, shown["why"]) == (WAITS, ["F&O lists no documents in this range."])


def test_both_sides_of_a_range_differ_or_not(shell: Shell) -> None:
    yesterday = str(today() - timedelta(days=1))
    code, rows = shell.csv("reconcile", "--from", yesterday, "--to", yesterday, "--deep")
    assert (code, f"USRT-{MISMATCH}" in {row["transaction_id"] for row in rows}) == (WAITS, True)
    _, as_job = shell.json("reconcile", "--from", yesterday, "--to", yesterday, "--deep", "--job")
    assert MISMATCH in {row["number"] for row in as_job["documents"] if row["status"] == "tax_mismatch"}
    long_ago = ("--from", "2020-01-01", "--to", "2020-01-31")
    assert shell.run("reconcile", *long_ago)[0] == CLEAN


def test_a_correction_is_approved_and_another_dismissed(up: Demo, shell: Shell) -> None:
    for number, decision in (("INV-31001", "approve"), ("INV-31002", "dismiss")):
        transaction_id = post(up, to_be_changed(number, today()), "reported")
        before = net(up, transaction_id)
        assert correct_address(up.host, up.simulation, number)["reason"] == "filed_transaction_changed"
        code, decided = shell.json(decision, transaction_id, "--reason", "as agreed", "--by", "Ann")
        assert (code, decided["transaction_id"]) == (CLEAN, transaction_id)
        settled(up, number, "reported")
        assert net(up, transaction_id) == before
        zips = {name: each.to_zip for (_, name), each in account(up).transactions.items() if transaction_id in name}
        expected = {transaction_id: "98121"}
        if decision == "approve":
            expected |= {f"{transaction_id}-reversal-1": "98121", f"{transaction_id}-1": "98101"}
        assert zips == expected
        assert shell.run(decision, transaction_id, "--reason", "once more")[0] == REFUSED
        assert shell.csv("activity", "--subject", transaction_id)[1][0]["by"] == "Ann"


def test_what_was_entered_by_hand_is_settled_and_can_be_reopened(up: Demo, shell: Shell) -> None:
    up.simulation.posting(COMPANY).customer("C-3002", "Nowhere Inc.")
    spec = InvoiceSpec("INV-31004", today(), customer="C-3002", ship_to=AddressSpec("", "", "TX", ""))
    transaction_id = post(up, spec, "held")
    account(up).store(by_hand("HAND-4712", today()))
    code, decided = shell.json("settle", transaction_id, "--taxjar-id", "HAND-4712", "--reason", "entered by hand")
    assert (code, decided["state"], decided["reason"]) == (CLEAN, "skipped", "handled_outside")
    _, compared = shell.json("reconcile", "--from", str(today()), "--to", str(today()))
    assert "HAND-4712" not in {row["transaction_id"] for row in compared["foreign"]}
    _, month = shell.json("month", f"{today():%Y-%m}")
    assert ("skipped", "handled_outside") in {(row["state"], row["reason"]) for row in month["by_reason"]}
    assert shell.run("retry", transaction_id, "--reason", "look again")[0] == CLEAN
    settled(up, "INV-31004", "held")


def test_notes_and_assignments_change_no_state(up: Demo, shell: Shell) -> None:
    transaction_id = post(up, InvoiceSpec("INV-31003", today(), ship_to=NOWHERE), "held")
    assert shell.run("note", transaction_id, "--text", "asked the warehouse")[0] == CLEAN
    assert shell.run("assign", transaction_id, "--to", "Ann Smith")[0] == CLEAN
    assert [row["number"] for row in shell.csv("held", "--assignee", "ann smith")[1]] == ["INV-31003"]
    assert shell.run("assign", transaction_id, "--to", "")[0] == CLEAN
    assert found(up.host, "INV-31003")["state"] == "held"


def test_all_of_a_reason_are_retried_at_once(up: Demo, shell: Shell) -> None:
    _, listed = shell.json("held", "--reason-code", "mixed_signs")
    code, answer = shell.json("retry", "--reason-code", "mixed_signs", "--reason", "corrected")
    assert (code, answer) == (CLEAN, {"retried": len(listed)})
    for row in listed:
        settled(up, row["number"], "held")


def test_a_state_is_closed_and_never_moves_back_by_itself(shell: Shell) -> None:
    through = ("--through", str(today().replace(day=1) - timedelta(days=1)), "--reason", "filed", "--confirm")
    code, rows = shell.csv("close", "ID", "NV", *through)
    assert (code, [row["state"] for row in rows]) == (CLEAN, ["ID", "NV"])
    back = ("close", "ID", "--through", "2020-01-31", "--reason", "by mistake", "--confirm")
    assert shell.run(*back)[0] == REFUSED
    assert shell.run(*back, "--reopen")[0] == CLEAN


def test_a_move_is_confirmed(shell: Shell) -> None:
    code, answer = shell.json("move", "--reason", "the environment was renamed")
    assert (code, answer["company"]) == (CLEAN, COMPANY)


def test_a_backfill_is_tried_out_watched_and_listed(shell: Shell) -> None:
    day = str(today() - timedelta(days=3))
    code, shown = shell.json("backfill", day, day, "--dry-run")
    assert (code in (CLEAN, WAITS), shown["state"], shown["dry_run"]) == (True, "finished", True)
    assert shown["job"] in {row["job"] for row in shell.csv("backfill", "--list")[1]}
    assert shell.run("backfill", "--show", shown["job"])[0] == code
    code, _, err = shell.run("backfill", "--cancel", shown["job"])
    assert (code, "finished" in err) == (REFUSED, True)


def test_proof_is_taken_along_and_verified(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "audit.ndjson"
    assert shell.run("export", "audit", "-o", str(file))[0] == CLEAN
    assert shell.run("audit", "verify", str(file))[0] == CLEAN
    forged = file.read_text(encoding="utf-8").replace("Demo accountant", "Nobody")
    file.write_text(forged, encoding="utf-8")
    assert shell.run("audit", "verify", str(file))[0] == WAITS
    month = ("--month", f"{today():%Y-%m}")
    assert shell.run("export", "month", *month, "-o", str(tmp_path / "month.xlsx"))[0] == CLEAN
    assert {"By state", "Held", "Evidence"} <= sheets_of((tmp_path / "month.xlsx").read_bytes()).keys()
    assert shell.run("export", "documents", "-o", str(tmp_path / "documents.csv"))[0] == CLEAN
    assert (tmp_path / "documents.csv").read_text(encoding="utf-8").startswith("transaction_id,")


def test_the_page_is_opened_and_the_shell_completes(shell: Shell) -> None:
    code, out, _ = shell.run("open", CHANGED)
    assert (code, out.endswith(f"/api/console/#/document/{CONNECTION}/{COMPANY}?number={CHANGED}\n")) == (CLEAN, True)
    assert shell.run("completion", "bash")[0] == CLEAN


@pytest.mark.parametrize(
    ("arguments", "environment", "code"),
    [
        (("nonsense",), {}, USAGE),
        (("retry", "--reason", "no documents named"), {}, USAGE),
        (("held",), {"CONNECTOR_COMPANY": ""}, USAGE),
        (("held", "--reason-code", "nonsense"), {}, USAGE),
        (("show", "USRT-NONE"), {}, REFUSED),
        (("held", "--company", "none"), {}, REFUSED),
        (("held",), {"KEY": "wrong"}, REFUSED),
        (("status",), {"HOST": "http://127.0.0.1:9"}, REFUSED),
    ],
)
def test_wrong_usage_and_refusals_have_their_own_codes(
    shell: Shell, arguments: tuple[str, ...], environment: dict[str, str], code: int
) -> None:
    found, out, err = shell.run(*arguments, **environment)
    assert (found, out) == (code, "")
    assert err or arguments == ("nonsense",)
