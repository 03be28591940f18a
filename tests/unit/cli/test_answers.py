"""What ``connector`` makes of the API's answers, in the form that the API's models have (design 3.1, 3.3)."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from cli.main import main
from shared.api_models.connector import Activity, Status
from shared.api_models.jobs import BackfillShown, JobStarted, ReconciliationResult
from shared.api_models.months import Completeness

AT = "2026-11-20T05:00:00Z"
MONEY = {"amount": "100.00", "sales_tax": "8.25"}
NONE = {"amount": "0.00", "sales_tax": "0.00"}
WORK = {"state": "held", "reason": "address_incomplete", "count": 3, "oldest": AT, **MONEY}


class Deployment:
    """Answers what a test says, by method and path, each list of answers in turn."""

    def __init__(self, **answers: Any) -> None:
        self.asked: list[httpx.Request] = []
        self._answers = {name.replace("_", " /api/", 1): answer for name, answer in answers.items()}

    def say(self, request: str, *answers: Any) -> None:
        """What ``request`` (``GET /api/status``) is answered, the last one for ever."""
        self._answers[request] = list(answers)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answers = self._answers[f"{request.method} {request.url.path}"]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)


def run(deployment: Deployment, *arguments: str, environment: dict[str, str] | None = None) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = main(
        arguments,
        environment=environment or {"CONNECTOR_URL": "https://app", "CONNECTOR_KEY": "k", "CONNECTOR_CONFIG": "/none"},
        today=date(2026, 11, 20),
        sleep=lambda _: None,
        transport=httpx.MockTransport(deployment),
        out=out,
        err=err,
    )
    return code, out.getvalue(), err.getvalue()


def known(model: type[BaseModel], answer: dict[str, Any]) -> dict[str, Any]:
    """The answer, which has the API's form."""
    model.model_validate(answer)
    return answer


def status(*work: dict[str, Any], companies: tuple[str, ...] = ("usmf",), **changes: Any) -> dict[str, Any]:
    shown = [
        {
            "id": company,
            "today": "2026-11-20",
            "time_zone": "America/New_York",
            "report_from": "2026-01-01",
            "filing_lock_day": 4,
            "reporting": True,
            "open_work": list(work),
        }
        for company in companies
    ]
    connection = {
        "name": "main",
        "dynamics_url": "https://x",
        "pauses": [],
        "sets_done_without": [],
        "companies": shown,
    }
    answer = {
        "checked_at": AT,
        "version": "1.0.0",
        "connections": [connection],
        "runs": [{"function": "poll_posted_invoices", "finished_at": AT, "ok": True}],
        "queues": [{"name": "posted-documents", "messages": 2, "oldest_at": None}],
        "next_steps": [{"text": "3 documents are held because their address is incomplete."}],
        **changes,
    }
    return known(Status, answer)


def deployed(request: str, *answers: Any, companies: tuple[str, ...] = ("usmf",)) -> Deployment:
    deployment = Deployment()
    deployment.say("GET /api/status", status(companies=companies))
    deployment.say(request, *answers)
    return deployment


@pytest.mark.parametrize(
    ("shown", "code"),
    [
        (status(), 0),
        (status({**WORK, "state": "retrying", "reason": None}), 0),
        (status(WORK), 1),
        (status({**WORK, "state": "failed"}), 1),
        (status(runs=[{"function": "poll_posted_invoices", "finished_at": None, "ok": False, "message": "late"}]), 1),
        (status(audit={"intact": False}), 1),
    ],
)
def test_status_is_clean_when_nothing_waits_and_everything_runs(shown: dict[str, Any], code: int) -> None:
    deployment = Deployment()
    deployment.say("GET /api/status", shown)
    found, out, _ = run(deployment, "status")
    assert found == code
    assert "posted-documents" in out
    assert "Next: 3 documents are held" in out
    assert run(deployment, "status", "--json")[0] == code
    assert run(deployment, "status", "--csv")[0] == code


def test_connection_and_company_are_found_where_there_is_only_one() -> None:
    page = {"documents": [], "count": 0, "next": None}
    assert run(deployed("GET /api/documents/main/usmf", page), "held")[0] == 0
    several = deployed("GET /api/documents/main/usmf", page, companies=("usmf", "usrt"))
    code, _, err = run(several, "held")
    assert (code, "main/usmf, main/usrt" in err) == (2, True)
    assert run(several, "held", "--company", "USMF")[0] == 0


def month(ready: bool) -> dict[str, Any]:
    state = {
        "state": "TX",
        "nexus": True,
        "documents": 120,
        "dynamics": MONEY,
        "taxjar": MONEY,
        "difference": NONE,
        "held": 0 if ready else 1,
        "failed": 0,
        "in_flight": 0,
        "ready_to_file": ready,
        "why": [] if ready else ["1 document is held."],
    }
    answer = {
        "from": "2026-10-01",
        "to": "2026-10-31",
        **dict.fromkeys(("seen", "reported"), 120),
        **dict.fromkeys(("skipped", "held", "failed", "in_flight"), 0),
        "complete": True,
        "dynamics": {"listed": 120, "not_seen_yet": 0, "seen_but_gone": 0},
        "reasons": {},
        "checked_at": AT,
        "states": [state],
        "ready_to_file": ready,
        "why": [] if ready else ["TX: 1 document is held."],
    }
    return known(Completeness, answer)


@pytest.mark.parametrize("ready", [True, False])
def test_month_is_the_one_before_and_says_state_by_state_what_is_filed(ready: bool) -> None:
    deployment = deployed("GET /api/completeness/main/usmf", month(ready))
    code, out, _ = run(deployment, "month")
    assert code == (0 if ready else 1)
    assert ("can be filed" in out, "1 document is held." in out) == (ready, not ready)
    assert dict(deployment.asked[-1].url.params) == {"from": "2026-10-01", "to": "2026-10-31"}
    code, out, _ = run(deployment, "month", "2026-10", "--csv")
    [row] = csv.DictReader(io.StringIO(out))
    assert (row["state"], row["dynamics"], row["difference"]) == ("TX", "8.25", "0.00")


def job(state: str, *rows: dict[str, Any], following: str | None = None) -> dict[str, Any]:
    answer = {
        **{"job": "j1", "state": state, "from": "2026-01-01", "to": "2026-11-20", "deep": True, "heal": False},
        **{"by": "Pat", "started_at": AT, "finished_at": None, "message": None},
        "counts": {"reconciled": 5, "amount_mismatch": len(rows)},
        "progress": {"done": 2, "total": 11, "now": "2026-03"},
        "totals": {},
        "documents": list(rows),
        "count": len(rows),
        "next": following,
    }
    return known(ReconciliationResult, answer)


DIFFERS = {
    "transaction_id": "USMF-1",
    "status": "amount_mismatch",
    "dynamics": MONEY,
    "taxjar": None,
    "difference": MONEY,
}
LONG = ("--from", "2026-01-01", "--to", "2026-11-20", "--deep")


def test_a_long_range_is_reconciled_by_a_job_that_is_watched() -> None:
    path = "/api/reconciliation-jobs/main/usmf"
    more = f"{path}/j1?after=1"
    deployment = deployed(f"POST {path}", httpx.Response(202, json=known(JobStarted, {"job": "j1"})))
    first, second = job("finished", DIFFERS, following=more), job("finished", {**DIFFERS, "transaction_id": "USMF-2"})
    deployment.say(f"GET {path}/j1", job("running"), job("running"), first, first, second)
    code, out, err = run(deployment, "reconcile", *LONG, "--csv", "--by", "Pat")
    assert code == 1
    assert [row["transaction_id"] for row in csv.DictReader(io.StringIO(out))] == ["USMF-1", "USMF-2"]
    assert err.count("2 of 11, now 2026-03") == 1
    [started] = [request for request in deployment.asked if request.method == "POST"]
    wanted = {"from": "2026-01-01", "to": "2026-11-20", "deep": True, "heal": False, "by": "Pat"}
    assert json.loads(started.content) == wanted


def test_a_job_that_failed_is_no_result() -> None:
    path = "/api/reconciliation-jobs/main/usmf"
    deployment = deployed(f"POST {path}", {"job": "j1"})
    deployment.say(f"GET {path}/j1", {**job("failed"), "message": "TaxJar refuses the token."})
    code, _, err = run(deployment, "reconcile", *LONG)
    assert (code, "TaxJar refuses the token." in err) == (3, True)


def test_backfills_are_listed_and_cancelled() -> None:
    shown = known(
        BackfillShown,
        {
            **{"job": "b1", "state": "cancelled", "company": "usmf", "from": "2026-01-01", "to": "2026-01-31"},
            **{"dry_run": False, "force": False, "message": None, "reasons": {}, "eta": None},
            **dict.fromkeys(("seen", "reported", "skipped", "held", "failed", "remaining"), 0),
            **{"started_at": AT, "finished_at": AT, "by": "Pat"},
        },
    )
    deployment = deployed("GET /api/backfills/main", {"backfills": [shown], "next": None})
    deployment.say("DELETE /api/backfills/main/b1", shown)
    code, out, _ = run(deployment, "backfill", "--list", "--csv")
    assert (code, [row["job"] for row in csv.DictReader(io.StringIO(out))]) == (0, ["b1"])
    assert run(deployment, "backfill", "--cancel", "b1")[0] == 0


def test_activity_is_filtered_and_cut() -> None:
    entries = [
        {"at": AT, "kind": "decision", "by": f"P{n}", "function": "f", "subject": "USMF 1", "decision": "retry"}
        for n in range(3)
    ]
    deployment = deployed("GET /api/activity/main", known(Activity, {"activity": entries, "next": None}))
    code, out, _ = run(deployment, "activity", "--person", "P", "--limit", "2", "--csv")
    assert (code, [row["by"] for row in csv.DictReader(io.StringIO(out))]) == (0, ["P0", "P1"])
    assert deployment.asked[-1].url.params["person"] == "P"


def test_settle_assign_and_note_say_what_they_are_about() -> None:
    path = "/api/documents/main/usmf/USMF-1"
    settled = {"transaction_id": "USMF-1", "state": "skipped", "reason": "handled_outside", "message": None}
    deployment = deployed(f"POST {path}/settle", httpx.Response(202, json=settled))
    deployment.say(f"POST {path}/assign", httpx.Response(202, json=settled))
    ids = ("--taxjar-id", "A", "--taxjar-id", "B")
    assert run(deployment, "settle", "USMF-1", "--reason", "by hand", *ids, "--by", "Pat")[0] == 0
    body = json.loads(deployment.asked[-1].content)
    assert body == {"reason": "by hand", "transaction_ids": ["A", "B"], "by": "Pat"}
    assert run(deployment, "assign", "USMF-1", "--to", "Ann", "--by", "Pat")[0] == 0
    assert json.loads(deployment.asked[-1].content) == {"to": "Ann", "by": "Pat"}
    deployment.say(f"POST {path}/note", httpx.Response(202, json=settled))
    assert run(deployment, "note", "USMF-1", "--text", "asked Bob", "--by", "Pat")[0] == 0
    assert json.loads(deployment.asked[-1].content) == {"text": "asked Bob", "by": "Pat"}


def test_a_move_is_confirmed_with_its_reason() -> None:
    moved = {"connection": "main", "company": "usmf", "host": "https://contoso.operations.dynamics.com"}
    deployment = deployed("POST /api/connections/main/usmf/move", httpx.Response(202, json=moved))
    code, out, _ = run(deployment, "move", "--reason", "a new account", "--by", "Pat")
    assert (code, "contoso.operations.dynamics.com" in out) == (0, True)
    assert json.loads(deployment.asked[-1].content) == {"reason": "a new account", "by": "Pat"}


def test_what_is_missing_in_great_number_is_sent_again_by_decision_alone() -> None:
    found = {"counts": {"reconciled": 1}, "documents": []}
    deployment = deployed("POST /api/reconciliations/main/usmf", httpx.Response(200, json=found))
    decision = ("reconcile", "--from", "2026-11-01", "--to", "2026-11-02", "--confirm", "--by", "Pat")
    assert run(deployment, *decision)[0] == 2
    assert run(deployment, *decision, "--heal", "--reason", "deleted by mistake")[0] == 0
    asked = deployment.asked[-1]
    assert asked.url.params["confirm"] == "true"
    assert json.loads(asked.content) == {"reason": "deleted by mistake", "by": "Pat"}


def test_close_tells_how_to_go_on_where_work_is_open() -> None:
    error = {"error": {"code": "open_work", "message": "8 documents are held.", "held": 8}}
    deployment = deployed("PUT /api/filing-periods/main/usmf/TX", httpx.Response(409, json=error))
    code, _, err = run(deployment, "close", "TX", "--through", "2026-10-31", "--reason", "filed")
    assert (code, err) == (3, "connector: 8 documents are held. Look at it, or add --confirm.\n")


def test_the_audit_is_exported_page_by_page(tmp_path: Path) -> None:
    path = "/api/audit/main/usmf"
    following = {"x-next": f"{path}?after=1"}
    deployment = deployed(
        f"GET {path}", httpx.Response(200, text="one\n", headers=following), httpx.Response(200, text="two\n")
    )
    target = tmp_path / "audit.ndjson"
    code, out, _ = run(deployment, "export", "audit", "--from", "2026-11-01", "--to", "2026-11-30", "-o", str(target))
    assert (code, out, target.read_text()) == (0, f"{target}\n", "one\ntwo\n")
    assert run(deployment, "export", "audit", "-o", str(tmp_path / "none" / "x"))[0] == 2


@pytest.fixture
def az(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Puts a program ``az`` on the path that does what a test says."""

    def installed(script: str) -> Path:
        program = tmp_path / "az"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(program.stat().st_mode | stat.S_IEXEC)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        config = tmp_path / "config.toml"
        config.write_text('default = "p"\n[profiles.p]\nurl = "https://app"\nresource = "api://app-id"\n')
        return config

    return installed


@pytest.mark.skipif(os.name == "nt", reason="a shell script stands for az")
def test_with_az_login_a_person_signs_in_and_needs_no_name(az: Callable[[str], Path]) -> None:
    token = json.dumps(
        {"accessToken": "the-token", "expires_on": 4102444800, "expiresOn": "2100-01-01 00:00:00.000000"}
    )
    config = az(f"echo '{token}'")
    deployment = Deployment()
    decided = {"transaction_id": "USMF-1", "state": "retrying", "reason": None, "message": None}
    deployment.say("GET /api/people/status", status())
    deployment.say("POST /api/people/documents/main/usmf/USMF-1/retry", httpx.Response(202, json=decided))
    code, _, err = run(deployment, "retry", "USMF-1", "--reason", "r", environment={"CONNECTOR_CONFIG": str(config)})
    assert (code, err) == (0, "")
    asked = deployment.asked[-1]
    assert (asked.headers["authorization"], asked.headers["x-connector"]) == ("Bearer the-token", "cli")
    assert json.loads(asked.content) == {"reason": "r"}


@pytest.mark.skipif(os.name == "nt", reason="a shell script stands for az")
def test_without_a_login_it_says_what_to_do(az: Callable[[str], Path]) -> None:
    config = az("echo 'Please run az login to setup account.' >&2; exit 1")
    code, _, err = run(Deployment(), "status", environment={"CONNECTOR_CONFIG": str(config)})
    assert (code, "az login" in err) == (3, True)


def test_an_audit_that_is_none_is_named_by_the_verifier(tmp_path: Path) -> None:
    pytest.importorskip("shared.proof.verify")
    file = tmp_path / "audit.ndjson"
    file.write_text('{"type": "another"}\n')
    code, out, _ = run(Deployment(), "audit", "verify", str(file))
    assert (code, "NOT as it was written" in out) == (1, True)
    assert json.loads(run(Deployment(), "audit", "verify", str(file), "--json")[1])["ok"] is False
    assert run(Deployment(), "audit", "verify", str(file), "--public-key", str(file))[0] == 2


def test_states_are_understood_by_name_as_well() -> None:
    lines = [
        {"state": "reported", "reason": None, "in_taxjar": True, "documents": 119, **MONEY},
        {"state": "held", "reason": "mixed_signs", "in_taxjar": False, "documents": 1, **MONEY},
    ]
    texas = {"reported": MONEY, "documents": 120, "lines": lines, "ready_to_file": False, "why_not": ["1 held."]}
    answer = {**month(True), "states": {"TX": texas}, "late": [{"transaction_id": "USMF-1"}], "held": 0}
    del answer["ready_to_file"]
    deployment = deployed("GET /api/completeness/main/usmf", known(Completeness, answer))
    code, out, _ = run(deployment, "month")
    assert (code, "late: 1" in out) == (1, True)
    _, out, _ = run(deployment, "month", "--csv")
    [row] = csv.DictReader(io.StringIO(out))
    assert (row["state"], row["taxjar"], row["held"], row["why"]) == ("TX", "8.25", "1", "1 held")
