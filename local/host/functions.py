"""The functions of an app and how one of them is run."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import azure.functions as func
from azure.functions.meta import Datum, get_binding_registry

from local.host.errors import HostError

HTTP, QUEUE, TIMER = "httpTrigger", "queueTrigger", "timerTrigger"
TRIGGERS = (HTTP, QUEUE, TIMER)

log = logging.getLogger("host")


@dataclass(frozen=True)
class HostedFunction:
    """One function: its name, the code, and the trigger as function.json would describe it."""

    name: str
    code: Callable[..., Any]
    trigger: Mapping[str, Any]
    bindings: tuple[Mapping[str, Any], ...]

    @property
    def kind(self) -> str:
        """The trigger's type, for example ``queueTrigger``."""
        return str(self.trigger["type"])


@dataclass(frozen=True)
class Context:
    """What a function sees as its ``context`` parameter (the fields of ``azure.functions.Context``)."""

    function_name: str
    invocation_id: str
    function_directory: str = str(Path.cwd())
    thread_local_storage: Any = field(default_factory=threading.local)
    trace_context: None = None
    retry_context: None = None


def functions_of(app: func.FunctionApp) -> list[HostedFunction]:
    """Indexes the app; raises :class:`HostError` for a binding that this host does not know."""
    functions = []
    for function in app.get_functions():
        name = str(function.get_function_name())
        bindings = tuple(function.get_bindings_dict()["bindings"])
        for binding in bindings:
            if binding["type"] not in (*TRIGGERS, "http"):
                raise HostError(f"Function {name}: the local host does not know the binding {binding['type']!r}.")
        trigger = next(binding for binding in bindings if binding["type"] in TRIGGERS)
        functions.append(HostedFunction(name, function.get_user_function(), trigger, bindings))
    return functions


def converter(binding: str) -> Any:
    """The SDK's own converter for a kind of binding, for example ``httpTrigger``."""
    return get_binding_registry().get(binding)  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class Invoker:
    """Runs functions one way for all triggers: decode, call, time limit, log."""

    timeout: timedelta | None

    async def invoke(self, function: HostedFunction, data: Datum, metadata: Mapping[str, Datum] | None = None) -> Any:
        """Runs the function and returns its result; what it raises is logged and raised again.

        Raises TimeoutError past the time limit. A synchronous function runs in a thread, which nothing can stop.
        """
        context = Context(function.name, str(uuid.uuid4()))
        started = time.monotonic()
        try:
            arguments = {function.trigger["name"]: converter(function.kind).decode(data, trigger_metadata=metadata)}
            if "context" in inspect.signature(function.code).parameters:
                arguments["context"] = context
            async with asyncio.timeout(self.timeout.total_seconds() if self.timeout else None):
                if inspect.iscoroutinefunction(function.code):
                    result = await function.code(**arguments)
                else:
                    result = await asyncio.to_thread(function.code, **arguments)
        except Exception:
            log.exception("%s failed (invocation %s)", function.name, context.invocation_id)
            raise
        log.debug("%s ran for %.0f ms", function.name, (time.monotonic() - started) * 1000)
        return result
