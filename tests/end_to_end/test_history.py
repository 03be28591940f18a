"""Backfill, reconciliation and completeness over HTTP, with a host that dies on the way (design 3.1)."""

from __future__ import annotations

import csv
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import httpx
import pytest

from local import backfill
from local.simulators.dynamics.specs import InvoiceSpec
from local.stage import Host
from tests.end_to_end.installation import COMPANY, Installation, wait_until

COUNT = 60


def post_history(installation: Installation) -> dict[str, str]:
    """Documents that no poll looks back to; returns the range they lie in."""
    first = installation.today - timedelta(days=36)
    for number in range(COUNT):
        on = first + timedelta(days=number % 20)
        installation.posting.invoice(InvoiceSpec(f"H-{number:03}", on, tax_rate=Decimal("0.0825")))
    return {"from": first.isoformat(), "to": (first + timedelta(days=20)).isoformat()}


def ended(host: Host, job: str) -> dict[str, Any]:
    shown: list[dict[str, Any]] = []

    def is_over() -> bool:
        shown.append(host.get(f"/api/backfills/main/{job}"))
        return bool(shown[-1]["state"] != "running")

    wait_until(is_over, within=180)
    return shown[-1]


def test_a_backfill_outlives_its_host_and_the_books_agree(installation: Installation) -> None:
    span = post_history(installation)
    with installation.host(module="tests.end_to_end.quick_host", CLAIM_LEASE_SECONDS="5") as host:
        told = ended(host, host.call("POST", "/api/backfills/main", company=COMPANY, dry_run=True, **span)["job"])
        assert (told["would_send"], told["seen"], told["remaining"]) == (COUNT, COUNT, 0)
        assert installation.transactions == {}
        job = host.call("POST", "/api/backfills/main", company=COMPANY, **span)["job"]
        wait_until(lambda: installation.transactions)
        host.process.kill()
    with installation.host(module="tests.end_to_end.quick_host", CLAIM_LEASE_SECONDS="5") as host:
        done = ended(host, job)
        assert (done["state"], done["seen"], done["reported"], done["remaining"]) == ("finished", COUNT, COUNT, 0)
        assert len(installation.transactions) == COUNT
        assert installation.taxjar_calls("PUT") == []

        path = f"/api/reconciliations/main/{COMPANY}"
        assert host.get(path, **span)["counts"]["reconciled"] == COUNT
        del installation.transactions["api", "USRT-H-007"]
        headers = {"x-functions-key": host.key}
        table = host.client.get(f"{host.url}{path}", params={**span, "format": "csv"}, headers=headers)
        assert table.headers["content-type"].startswith("text/csv")
        # What was reported after its period had closed is listed as well.
        [row] = [row for row in csv.DictReader(StringIO(table.text)) if row["status"] != "late"]
        assert (row["transaction_id"], row["status"]) == ("USRT-H-007", "missing_in_taxjar")
        healed = host.client.post(f"{host.url}{path}", params=span, headers=headers).json()
        assert healed["enqueued"] == 1
        wait_until(lambda: ("api", "USRT-H-007") in installation.transactions)
        installation.settle(host, documents=COUNT)

        completeness = f"/api/completeness/main/{COMPANY}"
        assert not host.get(completeness, **span)["complete"], "nothing has been polled yet"
        host.run("poll_posted_invoices")
        wait_until(lambda: host.get(completeness, **span)["complete"])
        complete = host.get(completeness, **span)
        assert (complete["complete"], complete["seen"], complete["reported"]) == (True, COUNT, COUNT)

        host.run("reconcile_nightly")
        jobs = f"/api/reconciliation-jobs/main/{COMPANY}"
        wait_until(lambda: [job["state"] for job in host.get(jobs)["jobs"]] == ["finished"])
        started = host.client.post(f"{host.url}{jobs}", json={**span, "deep": True}, headers=headers).json()
        job = f"{jobs}/{started['job']}"
        wait_until(lambda: host.get(job)["state"] == "finished")
        assert host.get(job)["counts"]["reconciled"] == COUNT
        book = host.client.get(f"{host.url}{job}", params={"format": "xlsx"}, headers=headers)
        assert book.content.startswith(b"PK")


def test_the_command_shows_a_backfill_and_what_is_wrong_is_refused(
    installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    span = post_history(installation)
    with installation.host() as host:
        options = ["--url", host.url, "--key", host.key]
        assert backfill.main([COMPANY, span["from"], span["to"], "--dry-run", *options]) == 0
        assert f"{COUNT} TaxJar transactions" in capsys.readouterr().out
        assert backfill.main(["zzzz", span["from"], span["to"], *options]) == 1
        assert "zzzz" in capsys.readouterr().err

        def status(method: str, path: str, **options: Any) -> int:
            answer = host.client.request(
                method, f"{host.url}/api/{path}", headers={"x-functions-key": host.key}, **options
            )
            assert answer.json()["error"]["message"]
            return answer.status_code

        wrong = {"company": COMPANY, "from": span["to"], "to": span["from"]}
        assert status("POST", "backfills/main", json=wrong) == httpx.codes.BAD_REQUEST
        assert status("POST", "backfills/other", json={**wrong, **span}) == httpx.codes.NOT_FOUND
        assert status("GET", "backfills/main/no-such-job") == httpx.codes.NOT_FOUND
        assert status("GET", f"reconciliations/main/{COMPANY}?from=soon") == httpx.codes.BAD_REQUEST
        assert status("GET", "reconciliations/main/zzzz") == httpx.codes.NOT_FOUND
        assert status("GET", "completeness/main/zzzz") == httpx.codes.NOT_FOUND
