"""Sends traces, metrics and logs to Application Insights, where the environment names one (docs/operations.md).

OpenTelemetry's SDK and Azure Monitor's exporter alone. The distribution around them would bring instrumentation of
libraries that writes URLs, and with them ids of customers, into telemetry; and it takes three times as long to load.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import MutableMapping

from opentelemetry import _logs, metrics, trace

from shared.version import VERSION

CONNECTION = "APPLICATIONINSIGHTS_CONNECTION_STRING"
ROLE = "dynamics-taxjar-connector"
_SWITCHES = ("STATSBEAT_DISABLED_ALL", "CONTROLPLANE_DISABLED", "SDKSTATS_DISABLED")
"""What keeps the exporter from reporting on itself, and from asking its maker for orders."""
_WORKER = ("azure_functions_runtime", "azure_functions_worker")
_NOT_SENT = frozenset({"azure", "msal", "opentelemetry", "requests", "urllib3", *_WORKER})
"""Loggers of what sends, and of the worker: what they say of sending must not be sent in turn."""


def start_export(environment: MutableMapping[str, str] = os.environ) -> bool:
    """Start to send, which a process can do once; whether there is anywhere to send to.

    The exporters sign in with the identity that ``APPLICATIONINSIGHTS_AUTHENTICATION_STRING`` names.
    """
    connection = environment.get(CONNECTION)
    if not connection:
        return False
    for switch in _SWITCHES:
        environment.setdefault(f"APPLICATIONINSIGHTS_{switch}", "true")
    # Only here: where there is no Application Insights, nothing of this is loaded.
    from azure.monitor.opentelemetry.exporter import (
        AzureMonitorLogExporter,
        AzureMonitorMetricExporter,
        AzureMonitorTraceExporter,
    )
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics import _Gauge as Gauge
    from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    class MetricExporter(AzureMonitorMetricExporter):
        """Sends a gauge once for each time it was measured.

        Of itself the exporter repeats the last value every minute, for as long as an instance lives: of two instances
        that took turns in polling, nobody could tell whose value is today's.
        """

        def __init__(self) -> None:
            super().__init__(connection_string=connection, disable_offline_storage=True)
            self._preferred_temporality = {**(self._preferred_temporality or {}), Gauge: AggregationTemporality.DELTA}

    resource = Resource.create(
        {
            "service.name": environment.get("WEBSITE_SITE_NAME") or ROLE,
            "service.instance.id": environment.get("WEBSITE_INSTANCE_ID") or socket.gethostname(),
            "service.version": VERSION,
        }
    )
    sending = {"connection_string": connection, "disable_offline_storage": True}
    tracing = TracerProvider(resource=resource)
    tracing.add_span_processor(BatchSpanProcessor(AzureMonitorTraceExporter(**sending)))
    trace.set_tracer_provider(tracing)
    metrics.set_meter_provider(MeterProvider([PeriodicExportingMetricReader(MetricExporter())], resource=resource))
    logs = LoggerProvider(resource=resource)
    logs.add_log_record_processor(BatchLogRecordProcessor(AzureMonitorLogExporter(**sending)))
    _logs.set_logger_provider(logs)
    logging.getLogger().addHandler(_ToOpenTelemetry())
    return True


class _ToOpenTelemetry(logging.Handler):
    """Passes log records on, with their exception as text: what a filter has redacted is what is sent."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Drop what is about sending; then the filters decide, among them the one that redacts."""
        return record.name.partition(".")[0] not in _NOT_SENT and bool(super().filter(record))

    def emit(self, record: logging.LogRecord) -> None:
        """One record, in the trace that is current."""
        _logs.get_logger(record.name).emit(
            _logs.LogRecord(
                timestamp=int(record.created * 1e9),
                severity_text=record.levelname,
                severity_number=_severity(record.levelno),
                body=self.format(record),
            )
        )


def _severity(level: int) -> _logs.SeverityNumber:
    steps = (
        (logging.CRITICAL, _logs.SeverityNumber.FATAL),
        (logging.ERROR, _logs.SeverityNumber.ERROR),
        (logging.WARNING, _logs.SeverityNumber.WARN),
        (logging.INFO, _logs.SeverityNumber.INFO),
    )
    return next((severity for least, severity in steps if level >= least), _logs.SeverityNumber.DEBUG)
