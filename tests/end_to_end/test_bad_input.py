"""What is wrong from outside is named, audited, and stops nothing else."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from azure.storage.queue import QueueClient

from local.bootstrap import ROOT
from shared.ledger.keys import partition
from shared.queues import DOCUMENTS_QUEUE, POISON_SUFFIX
from tests.end_to_end.installation import COMPANY, Installation, wait_until

URL = "CONNECTIONS__MAIN__DYNAMICS__URL"


def start(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A start of the host that is expected to fail."""
    command = [sys.executable, "-m", "local", "host", "--port", "0"]
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({URL: "http://contoso.operations.dynamics.com"}, [URL]),
        (
            {"CONNECTIONS__MAIN__COMPANIES__USRT__FILING_LOCK_DAY": "40", "CLAIM_LEASE_SECONDS": "soon"},
            ["CONNECTIONS__MAIN__COMPANIES__USRT__FILING_LOCK_DAY", "CLAIM_LEASE_SECONDS"],
        ),
    ],
    ids=["one mistake", "two mistakes"],
)
def test_a_wrong_setting_stops_the_start_with_one_line_that_names_it(
    installation: Installation, settings: dict[str, str], named: list[str]
) -> None:
    ended = start(installation.environment(**settings))
    assert ended.returncode != 0
    assert [line.split(":")[0] for line in ended.stderr.splitlines()] == named


@pytest.fixture
def impatient_app(tmp_path: Path) -> Path:
    """The app in a folder of its own, whose host tries failed messages again at once."""
    host_json = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))
    host_json["extensions"]["queues"]["visibilityTimeout"] = "00:00:00"
    (tmp_path / "host.json").write_text(json.dumps(host_json), encoding="utf-8")
    shutil.copy(ROOT / "function_app.py", tmp_path)
    return tmp_path


def in_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_malformed_messages_are_buried_with_an_audit_entry_and_stop_nothing(
    installation: Installation, impatient_app: Path
) -> None:
    unknown = {
        "connection": "gone",
        "company": COMPANY,
        "keys": [{"number": "1", "date": "2026-01-01", "voucher": "V"}],
    }
    malformed = ["no base64 at all", in_base64("no JSON"), in_base64('{"connection": "main"}')]
    installation.post(3)
    with installation.host(AzureWebJobsScriptRoot=str(impatient_app)) as host:
        host.run("poll_posted_invoices")
        wait_until(lambda: installation.documents(host))
        names = (DOCUMENTS_QUEUE, DOCUMENTS_QUEUE + POISON_SUFFIX)
        queue, poison = (QueueClient.from_connection_string(installation.storage, name) for name in names)
        with queue, poison:
            for content in [*malformed, in_base64(json.dumps(unknown))]:
                queue.send_message(content)
            wait_until(lambda: len(buried(installation, "connector", "queues")) == len(malformed))
            wait_until(lambda: len(buried(installation, "gone", COMPANY, prefix="removed")) == 1)
            installation.settle(host, documents=3)
            wait_until(lambda: not queue.peek_messages() and not poison.peek_messages())
    entries = buried(installation, "connector", "queues", prefix="audit|poison")
    assert ["buried" in str(entry["entry"]) for entry in entries] == [True] * len(malformed)
    [entry] = buried(installation, "gone", COMPANY, prefix="audit|removed")
    assert "dropped" in str(entry["entry"])


def buried(
    installation: Installation, connection: str, company: str, *, prefix: str = "poison"
) -> list[dict[str, object]]:
    """The rows of messages that were buried (or, by ``prefix``, dropped), or of their audit, in a partition."""
    where = partition(connection, company)
    return installation.rows(f"PartitionKey eq '{where}' and RowKey ge '{prefix}|' and RowKey lt '{prefix}|~'")


def test_a_missing_entity_set_is_reported_by_name_and_no_window_is_marked_as_done(installation: Installation) -> None:
    done = f"PartitionKey eq '{partition('main', '')}' and RowKey eq 'last-run|poll_posted_invoices'"
    store = installation.simulation.dynamics.store
    installation.post(2)
    store.hide("SalesInvoiceHeadersV2")
    store.hide("SalesInvoiceV2Lines")
    with installation.host() as host:
        host.run("poll_posted_invoices")
        wait_until(lambda: "no public entity set SalesInvoiceHeadersV2" in installation.printed())
        assert not installation.documents(host)
        assert not installation.rows(done)
        store.show("SalesInvoiceHeadersV2")
        host.run("poll_posted_invoices")
        wait_until(lambda: [found["state"] for found in installation.documents(host)] == ["retrying"] * 2)
        assert all("SalesInvoiceV2Lines" in found["message"] for found in installation.documents(host))
        wait_until(lambda: installation.rows(done))
        store.show("SalesInvoiceV2Lines")
        documents = installation.settle(host, documents=2)
    assert {document["state"] for document in documents} == {"reported"}
