"""Traces and metrics, by OpenTelemetry's interface alone: exported where the worker has an exporter, else nothing.

Attributes are names from the settings, states, reason codes and status codes. Never ids of documents or customers,
names, addresses or amounts: telemetry is kept, copied and read by more people than the ledger is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from opentelemetry import context, metrics, trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

Side = Literal["dynamics", "taxjar"]

_tracer = trace.get_tracer("dynamics_taxjar")
_meter = metrics.get_meter("dynamics_taxjar")
_propagator = TraceContextTextMapPropagator()

_documents = _meter.create_counter("connector.documents", "1", "Documents by the state and reason they came to")
_delay = _meter.create_histogram("connector.documents.delay", "s", "From the first sight of a document to its report")
_held_age = _meter.create_gauge("connector.held.age", "s", "Age of the document that is held for longest")
_calls = _meter.create_counter("connector.calls", "1", "Calls to F&O and TaxJar")
_waits = _meter.create_histogram("connector.waits", "s", "Waits of calls for the rate limit")
_polls = _meter.create_counter("connector.polls", "1", "Polls, and whether they read their whole window")
_runs = _meter.create_counter("connector.runs", "1", "Other runs of timers, and whether they came to their end")
_paused = _meter.create_gauge("connector.paused", "1", "1 while an environment or a TaxJar account is paused")
_queue_age = _meter.create_gauge("connector.queue.age", "s", "For how long the oldest message has been due")
_sealings = _meter.create_counter("connector.sealings", "1", "Sealings of a company's audit, and how they ended")
_missing = _meter.create_gauge("connector.taxjar.missing", "1", "Documents that TaxJar lost and nobody has decided on")
_broken = _meter.create_gauge("connector.audit.broken", "1", "Rows and days of the audit that are not as written")
_sets = _meter.create_counter(
    "connector.sets.gone", "1", "Reads that found an entity set gone that was readable before"
)
_buried = _meter.create_counter("connector.buried", "1", "Messages taken from the poison queues")


@contextmanager
def span(name: str, *, trace_parent: str = "") -> Iterator[None]:
    """Work under ``name``: a child of ``trace_parent`` (W3C) where given, linked to the invocation that runs it."""
    current = trace.get_current_span().get_span_context()
    parent = _propagator.extract({"traceparent": trace_parent}) if trace_parent else None
    links = [trace.Link(current)] if parent is not None and current.is_valid else []
    # What an exception says may quote a document; its type is enough here, the log has the rest.
    with _tracer.start_as_current_span(
        name, parent, links=links, record_exception=False, set_status_on_exception=False
    ) as running:
        try:
            yield
        except BaseException as error:
            running.set_status(trace.StatusCode.ERROR, type(error).__name__)
            raise


def trace_parent() -> str:
    """The current trace as a W3C ``traceparent``, to travel in a message; empty where nothing is traced."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier, context.get_current())
    return carrier.get("traceparent", "")


@dataclass(slots=True)
class RemoteCall:
    """One request to a remote side; ``status`` stays ``None`` when no answer came."""

    status: int | None = None


@contextmanager
def remote_call(side: Side, method: str, resource: str) -> Iterator[RemoteCall]:
    """One request: a client span and a count. ``resource`` is the kind of thing asked for, never an id."""
    call = RemoteCall()
    attributes: dict[str, str | int] = {"side": side, "method": method, "resource": resource}
    with _tracer.start_as_current_span(
        f"{side} {method} {resource}",
        kind=trace.SpanKind.CLIENT,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as running:
        try:
            yield call
        finally:
            outcome = call.status or "no_answer"
            running.set_attribute("http.response.status_code", outcome)
            if not isinstance(outcome, int) or outcome >= 400:
                running.set_status(trace.StatusCode.ERROR, str(outcome))
            _calls.add(1, {**attributes, "status": str(outcome)})


def waited(side: Side, seconds: float) -> None:
    """A call waited for its turn under the rate limit."""
    _waits.record(seconds, {"side": side})


def settled(connection: str, company: str, state: str, reason: str, *, delay: float | None = None) -> None:
    """A document came to ``state``; ``delay`` is the seconds since it was first seen, where it was reported."""
    where = {"connection": connection, "company": company}
    _documents.add(1, {**where, "state": state, "reason": reason})
    if delay is not None:
        _delay.record(delay, where)


def polled(connection: str, function: str, *, complete: bool) -> None:
    """A poll of an environment ended."""
    _polls.add(1, {"connection": connection, "function": function, "complete": complete})


def sealed(connection: str, company: str, *, broken: int, complete: bool) -> None:
    """The audit of a company was sealed as far as it could be; ``broken`` rows and days are not as written."""
    where = {"connection": connection, "company": company}
    _sealings.add(1, {**where, "complete": complete})
    _broken.set(broken, where)


def missing_in_taxjar(connection: str, company: str, documents: int) -> None:
    """So many reported documents are missing in TaxJar that a person has to decide; 0: not so many."""
    _missing.set(documents, {"connection": connection, "company": company})


def ran(connection: str, function: str, *, complete: bool) -> None:
    """A timer's run over a connection, a company or an account ended; polls are counted by :func:`polled`."""
    _runs.add(1, {"connection": connection, "function": function, "complete": complete})


def set_gone(connection: str, entity_set: str) -> None:
    """An entity set that was readable before cannot be read, and documents wait for it."""
    _sets.add(1, {"connection": connection, "entity_set": entity_set})


def buried() -> None:
    """A poisoned message was taken off its queue."""
    _buried.add(1)


def paused(side: Side, connection: str, company: str = "", account: str = "", *, now: bool) -> None:
    """Whether an environment, or the TaxJar ``account`` of a company, is paused now; ``account`` is not a token."""
    _paused.set(int(now), {"side": side, "connection": connection, "company": company, "account": account})


def queue_age(queue: str, seconds: float) -> None:
    """For how long the oldest message of ``queue`` has been due; 0 when none is."""
    _queue_age.set(seconds, {"queue": queue})


def held_age(connection: str, company: str, seconds: float) -> None:
    """Age of the company's oldest hold; 0 when nothing is held."""
    _held_age.set(seconds, {"connection": connection, "company": company})
