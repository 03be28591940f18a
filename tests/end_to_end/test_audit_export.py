"""The audit leaves a running host as a file that another process proves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from azure.data.tables import TableClient

from local.bootstrap import ROOT
from tests.end_to_end.installation import COMPANY, LEDGER, Installation, wait_until


def verify(file: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "local", "audit", "verify", str(file)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


def test_the_audit_of_a_host_is_exported_and_proved_by_a_command(installation: Installation, tmp_path: Path) -> None:
    file = tmp_path / "audit.ndjson"
    installation.post(3)
    with installation.host() as host:
        installation.settle(host, documents=3, polling=True)

        def export() -> None:
            url = f"{host.url}/api/audit/main/{COMPANY}"
            answer = host.client.get(url, headers={"x-functions-key": host.key})
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("application/x-ndjson")
            file.write_bytes(answer.content)

        export()
        proved = verify(file)
        assert proved.returncode == 0, proved.stdout + proved.stderr
        assert "Not covered yet" in proved.stdout

        host.run("seal_audit")
        wait_until(lambda: installation.rows("RowKey eq 'seals'"))
        [state] = installation.rows("RowKey eq 'seals'")
        assert (state["trouble"], state["broken"]) == ("", "[]")

        [record, *_] = installation.rows("RowKey ge 'doc|' and RowKey lt 'doc|~'")
        with TableClient.from_connection_string(installation.storage, LEDGER) as table:
            table.update_entity({**record, "amount": "0.01"})
        export()
    proved = verify(file)
    assert proved.returncode == 1
    assert f"The first: The record of document {record['number']} of {record['date']}" in proved.stdout
