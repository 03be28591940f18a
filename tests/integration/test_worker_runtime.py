"""The deployed files in Microsoft's own worker runtime: every function is indexed and invoked once."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from local.azurite import Azurite
from local.bootstrap import ROOT
from local.simulation import CONNECTION, TAXJAR_ACCOUNT, Simulation
from local.simulators.certificates import Certificates
from local.simulators.dynamics.specs import InvoiceSpec
from shared.api.description import ALL_ROUTES
from shared.documents import DocumentKey
from shared.queues import encode, messages
from tests.package import copy_package, deployed_files
from tests.worker_runtime.environment import NotInstallable, runtime_python
from tests.world import COMPANY, furnished

WORKER = ROOT / "tests" / "worker_runtime" / "worker.py"
TODAY = datetime.now(UTC).date()
ROUTE = {
    "connection": CONNECTION,
    "company": COMPANY,
    "transaction_id": "USMF-INV-1",
    "decision": "retry",
    "state": "TX",
    "zip": "75207",
    "job": "none",
    "function": "pull_nexus_regions",
    "path": "documents/main/usmf",
    "file": "index.html",
}
MAIN = f"CONNECTIONS__{CONNECTION.upper()}"
RANGE = {"from": TODAY.isoformat(), "to": TODAY.isoformat()}


@dataclass(frozen=True)
class Run:
    """What the runtime indexed and got back, and what TaxJar holds afterwards."""

    functions: dict[str, Any]
    orders: dict[str, Any]

    def of(self, trigger: str) -> dict[str, Any]:
        """The functions with this kind of trigger."""
        return {
            name: function for name, function in self.functions.items() if function["bindings"][0]["type"] == trigger
        }


@pytest.fixture(scope="module")
def python() -> Path:
    """The interpreter with the runtime requirements and the worker runtime."""
    try:
        return runtime_python()
    except NotInstallable as reason:
        pytest.skip(str(reason))


def in_runtime(
    python: Path, app: Path, settings: dict[str, str], values: dict[str, Any], *, specialized: bool = True
) -> dict[str, Any]:
    """What Microsoft's runtime answers with the app in the folder ``app``, from another working folder."""
    inherited = {name: value for name, value in os.environ.items() if not name.upper().startswith("CONNECTIONS")}
    elsewhere = app.parent / "placeholder"
    elsewhere.mkdir(exist_ok=True)
    given = {**inherited, **settings}
    done = subprocess.run(
        [str(python), str(WORKER)],
        input=json.dumps({**values, "app": str(app), "environment": given if specialized else None}),
        cwd=elsewhere,
        env=inherited if specialized else given,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert "error" not in answer, answer["error"]
    functions: dict[str, Any] = answer["functions"]
    return functions


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The deployed files, and a file of settings beside them."""
    folder = copy_package(tmp_path_factory.mktemp("site") / "wwwroot")
    lines = [f"[connections.{CONNECTION}.companies.{COMPANY}]", f"report_from = {TODAY.isoformat()}"]
    (folder / "connections.toml").write_text("\n".join(lines), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def run(python: Path, package: Path, certificates: Certificates) -> Iterator[Run]:
    """One run of everything, on the deployed files alone, in a worker that waited in another folder."""
    with Azurite() as azurite, Simulation(certificates) as simulation:
        posted = furnished(simulation.posting(COMPANY)).invoice(InvoiceSpec("INV-1", TODAY, voucher="V-1"))
        key = DocumentKey(COMPANY, posted.date, "INV-1", "V-1")
        values = {
            "route": ROUTE,
            "queries": {"reconciliations": RANGE, "completeness": RANGE},
            "body": {},
            "message": encode(next(messages(CONNECTION, [key]))),
        }
        # The companies are in the file.
        settings = {
            **simulation.environment({}),
            "CONNECTIONS_FILE": "connections.toml",
            "AzureWebJobsStorage": azurite.connection_string,
        }
        connection = json.loads(settings[MAIN])
        del connection["companies"]
        settings[MAIN] = json.dumps(connection)
        functions = in_runtime(python, package, settings, values)
        yield Run(functions, dict(simulation.taxjar.account(TAXJAR_ACCOUNT).orders))


def test_the_package_holds_only_what_runs() -> None:
    files = deployed_files()
    folders = {path.parts[0] for path in files} - {"__pycache__"}
    assert folders == {"console", "function_app.py", "host.json", "requirements.txt", "shared"}
    page = [path for path in files if path.parts[0] == "console"]
    assert {path.suffix for path in set(files) - set(page)} - {".pyc"} == {".py", ".json", ".txt"}
    assert {path.suffix for path in page} == {".css", ".html", ".js"}


def test_every_function_of_the_app_is_indexed(run: Run) -> None:
    source = (ROOT / "function_app.py").read_text(encoding="utf-8")
    of_the_table = {route.name for route in ALL_ROUTES} | {"people", "console"}
    assert of_the_table <= run.functions.keys()
    assert len(run.functions) == source.count("\n@app.") + len(of_the_table)


def test_with_wrong_settings_health_alone_is_indexed_and_says_what_is_wrong(python: Path, package: Path) -> None:
    settings = {
        "CONNECTIONS_FILE": "connections.toml",
        f"{MAIN}__DYNAMICS__CLIENT_ID": "id",
        f"{MAIN}__DYNAMICS__TENANT_ID": "id",
        f"{MAIN}__DYNAMICS__CERTIFICATE_PATH": "certificate.pem",
        f"{MAIN}__TAXJAR__TOKEN": "in-the-vault",
        "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    }
    functions = in_runtime(python, package, settings, {"route": {}, "queries": {}, "body": {}}, specialized=False)
    assert functions.keys() == {"health"}
    returned = functions["health"]["returned"]
    assert returned["status"] == 503
    lines = json.loads(returned["body"])["error"]["message"].splitlines()
    assert [line.split(":")[0] for line in lines] == [
        f"{MAIN}__DYNAMICS__URL",
        f"{MAIN}__DYNAMICS__CERTIFICATE_PATH",
    ]


def test_no_function_fails(run: Run) -> None:
    failed = {name: function["error"] for name, function in run.functions.items() if "error" in function}
    assert failed == {}


def test_a_queue_message_and_a_poll_lead_to_an_order(run: Run) -> None:
    assert "USMF-INV-1" in run.orders


def test_only_http_functions_return_something(run: Run) -> None:
    for function in (run.of("timerTrigger") | run.of("queueTrigger")).values():
        assert function["returned"] is None
    for name, function in run.of("httpTrigger").items():
        returned = function["returned"]
        assert returned["status"] < 500, name
        kinds = ("application/json", "text/csv", "text/html", "application/x-ndjson")
        assert returned["headers"]["content-type"].startswith(kinds), name


def test_an_answer_passes_through_the_runtime_unchanged(run: Run) -> None:
    shown = run.functions["show_document"]["returned"]
    assert shown["status"] == 200
    assert json.loads(shown["body"])["state"] == "reported"


def test_every_storage_trigger_uses_the_one_connection(run: Run) -> None:
    connections = {function["bindings"][0]["connection"] for function in run.of("queueTrigger").values()}
    assert connections == {"AzureWebJobsStorage"}


def test_only_health_and_what_is_for_people_can_be_called_without_a_key(run: Run) -> None:
    levels = {name: function["bindings"][0]["authLevel"] for name, function in run.of("httpTrigger").items()}
    assert {name for name, level in levels.items() if level.upper() == "ANONYMOUS"} == {
        "health",
        "openapi",
        "people",
        "console",
    }


def test_nobody_passes_the_door_for_people_without_having_signed_in(run: Run) -> None:
    assert run.functions["people"]["returned"]["status"] == 401
