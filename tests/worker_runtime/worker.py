"""Runs a function app in Microsoft's worker runtime: index it, invoke each function once, print what came back.

A program of its own: it runs in the environment of :mod:`tests.worker_runtime.environment`. Standard input holds JSON:

- ``app``: the folder of the deployed files
- ``environment``: the app settings, where the app comes to a worker that waits in another folder, as at a cold start in
  Azure; without it the worker starts with the app
- values to invoke with: ``route`` (parameters of HTTP routes), ``queries`` (query parameters by the first part of the
  route), ``body`` (of HTTP requests), ``message`` (a queue message)

Standard output ends with one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

sys.path[0:1] = [str(Path(__file__).parent)]

import azure_functions_runtime as runtime  # noqa: E402 - after the path is that of a worker
from protobuf import Message, ParameterBinding, Protos, StatusResult, TypedData  # noqa: E402

Values = dict[str, Any]


async def main(values: Values) -> Values:
    """Index and invoke everything."""
    started = await (specialized(values) if values.get("environment") else restarted(values["app"]))
    if started.result.status != StatusResult.Success:
        return {"error": started.result.exception.stack_trace}
    metadata = await runtime.functions_metadata_request(None)
    functions = {}
    for function in metadata.function_metadata_results:
        bindings = [json.loads(binding) for binding in function.raw_bindings]
        functions[function.name] = {"bindings": bindings, **await invoke(function.function_id, bindings, values)}
    return {"functions": functions}


async def restarted(folder: str) -> Message:
    """A worker that starts with the app."""
    sys.path.insert(0, folder)
    return await runtime.worker_init_request(_request(worker_init_request=_of_app(folder)))


async def specialized(values: Values) -> Message:
    """A worker that waited without an app, and then is given one with its settings."""
    await runtime.worker_init_request(_request(worker_init_request=_of_app(os.getcwd())))
    given = _of_app(values["app"])
    given.environment_variables = values["environment"]
    return await runtime.function_environment_reload_request(_request(function_environment_reload_request=given))


def _request(**request: Message) -> Message:
    return Message(properties={"host": "127.0.0.1", "protos": Protos()}, request=Message(**request))


def _of_app(folder: str) -> Message:
    return Message(capabilities={}, function_app_directory=folder)


async def invoke(function_id: str, bindings: list[Values], values: Values) -> Values:
    """One invocation, as the host would ask for it."""
    trigger = next(binding for binding in bindings if binding["type"].endswith("Trigger"))
    data, metadata = _INPUTS[trigger["type"]](trigger, values)
    request = Message(
        invocation_id=f"invocation of {function_id}",
        function_id=function_id,
        input_data=[ParameterBinding(name=trigger["name"], data=data)],
        trigger_metadata=metadata,
        trace_context=Message(trace_parent="", trace_state="", attributes={}),
        retry_context=Message(retry_count=0, max_retry_count=0, exception=None),
    )
    answer = await runtime.invocation_request(Message(request=Message(invocation_request=request)))
    if answer.result.status != StatusResult.Success:
        return {"error": answer.result.exception.stack_trace}
    if answer.return_value is None:
        return {"returned": None}
    http = answer.return_value.http
    body = getattr(http.body, "bytes", b"") or getattr(http.body, "string", "").encode()
    return {"returned": {"status": int(http.status_code), "headers": http.headers, "body": body.decode()}}


def http_input(trigger: Values, values: Values) -> tuple[TypedData, Values]:
    """A request for the trigger's route; the host matches routes and hands their parameters over."""
    names = {part: part.strip("{*?}").split(":")[0] for part in trigger["route"].split("/") if part.startswith("{")}
    params = {name: values["route"][name] for name in names.values()}
    path = "/".join(params[names[part]] if part in names else part for part in trigger["route"].split("/"))
    method = str(trigger["methods"][0]).upper()
    body = json.dumps(values["body"]).encode() if method in ("POST", "PUT") else b""
    request = Message(
        method=method,
        url=f"http://127.0.0.1/api/{path}",
        headers={"content-type": "application/json"},
        params=params,
        query=values["queries"].get(path.split("/")[0], {}),
        body=TypedData(bytes=body),
    )
    return TypedData(http=request), {}


def timer_input(trigger: Values, values: Values) -> tuple[TypedData, Values]:
    """A timer that is on time."""
    due = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": None, "IsPastDue": False}
    return TypedData(json=json.dumps(due)), {}


def queue_input(trigger: Values, values: Values) -> tuple[TypedData, Values]:
    """A message and what the host knows of it: texts as strings, everything else as JSON."""
    instant = TypedData(json='"2026-11-20T15:00:00+00:00"')
    metadata = {
        "Id": TypedData(string="6f4a1c0e-5f0b-4d4e-8f51-0c8d7a3f2b10"),
        "PopReceipt": TypedData(string="AgAAAAMAAAAAAAAA"),
        "DequeueCount": TypedData(json="1"),
        "InsertionTime": instant,
        "ExpirationTime": instant,
        "NextVisibleTime": instant,
    }
    return TypedData(string=values["message"]), metadata


_INPUTS = {"httpTrigger": http_input, "timerTrigger": timer_input, "queueTrigger": queue_input}

if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(json.load(sys.stdin)))))
