"""What reaches Application Insights: the real exporter in a process of its own, and a place that takes telemetry."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.bootstrap import ROOT
from local.simulators.server import LoopbackServer

PROGRAM = """
import logging
logging.basicConfig(level=logging.INFO)
from opentelemetry import _logs, metrics, trace
from shared import telemetry
from shared.redaction import Redactor, keep_secrets_out_of_logs
from shared.telemetry_export import start_export

assert start_export()
keep_secrets_out_of_logs(Redactor(["s3cret-value"]))
telemetry.queue_age("posted-documents", 7)
telemetry.polled("main", "poll_posted_invoices", complete=True)
with telemetry.span("poll_posted_invoices"):
    with telemetry.remote_call("taxjar", "POST", "order") as call:
        call.status = 201
    logging.getLogger("shared.flows").warning("the token is %s", "s3cret-value")
    try:
        raise RuntimeError("with s3cret-value in it")
    except RuntimeError:
        logging.getLogger("shared.flows").exception("failed")
    logging.getLogger("azure.core").error("of the exporter itself")
for provider in (metrics.get_meter_provider(), trace.get_tracer_provider(), _logs.get_logger_provider()):
    provider.force_flush()
metrics.get_meter_provider().force_flush()
"""


class Insights:
    """Takes what is sent, as Application Insights does."""

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []
        self.app = Starlette(routes=[Route("/{path:path}", self._track, methods=["POST"])])

    async def _track(self, request: Request) -> Response:
        body = await request.body()
        if request.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        found = json.loads(body)
        self.items += found
        return JSONResponse({"itemsReceived": len(found), "itemsAccepted": len(found), "errors": []})

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The data of all items of a kind, such as ``MetricData``."""
        return [item["data"]["baseData"] for item in self.items if item["data"]["baseType"] == kind]

    def metrics(self, name: str) -> list[dict[str, Any]]:
        return [data for data in self.of("MetricData") if data["metrics"][0]["name"] == name]


@pytest.fixture(scope="module")
def sent() -> Insights:
    """What one process has sent."""
    insights = Insights()
    with LoopbackServer(insights.app) as server:
        key = "00000000-0000-0000-0000-000000000000"
        connection = f"InstrumentationKey={key};IngestionEndpoint={server.url}/;LiveEndpoint={server.url}/"
        environment = {
            **os.environ,
            "APPLICATIONINSIGHTS_CONNECTION_STRING": connection,
            "WEBSITE_SITE_NAME": "func-example",
            "WEBSITE_INSTANCE_ID": "instance-1",
        }
        subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, env=environment, check=True, timeout=60)
    return insights


def test_a_gauge_is_sent_once_for_each_time_it_was_measured(sent: Insights) -> None:
    [age] = sent.metrics("connector.queue.age")
    assert age["metrics"][0]["value"] == 7
    assert age["properties"] == {"queue": "posted-documents"}


def test_a_counter_is_sent_as_what_was_added(sent: Insights) -> None:
    [polls] = sent.metrics("connector.polls")
    assert polls["metrics"][0]["value"] == 1
    assert polls["properties"]["complete"].lower() == "true"


def test_calls_are_sent_as_dependencies_of_their_run(sent: Insights) -> None:
    [call] = [data for data in sent.of("RemoteDependencyData") if data["name"] == "taxjar POST order"]
    assert call["success"]


def test_logs_are_sent_redacted_and_in_their_trace(sent: Insights) -> None:
    messages = [data["message"] for data in sent.of("MessageData")]
    assert "the token is ***" in messages
    assert any("RuntimeError: with *** in it" in message for message in messages)
    assert "s3cret-value" not in json.dumps(sent.items)
    operations = {item["tags"]["ai.operation.id"] for item in sent.items if item["data"]["baseType"] == "MessageData"}
    assert len(operations) == 1


def test_what_is_said_about_sending_is_not_sent(sent: Insights) -> None:
    assert "of the exporter itself" not in json.dumps(sent.items)


def test_everything_names_the_app_and_its_instance(sent: Insights) -> None:
    tags = [item["tags"] for item in sent.items]
    assert {tag["ai.cloud.role"] for tag in tags} == {"func-example"}
    assert {tag["ai.cloud.roleInstance"] for tag in tags} == {"instance-1"}


def test_without_application_insights_nothing_of_it_is_loaded() -> None:
    program = (
        "import sys, shared.telemetry_export as export\n"
        "assert not export.start_export({})\n"
        "assert 'azure.monitor.opentelemetry.exporter' not in sys.modules\n"
        "assert 'opentelemetry.sdk.trace' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, timeout=60)
