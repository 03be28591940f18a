"""The host's HTTP server over a real socket: start and graceful end."""

from __future__ import annotations

import asyncio
import socket
from types import ModuleType

import httpx

from local.host.functions import HTTP, functions_of
from local.host.host_json import HostJson
from local.host.keys import Keys
from local.host.server import Host


async def accepts(url: str) -> bool:
    try:
        async with httpx.AsyncClient(timeout=10) as newcomer:
            await newcomer.get(f"{url}/api/health")
    except httpx.TransportError:
        return False
    return True


async def test_a_request_in_work_is_answered_when_the_host_ends_and_no_new_one_is_taken(
    function_app: ModuleType,
) -> None:
    functions = [function for function in functions_of(function_app.app) if function.kind == HTTP]
    host = Host(functions, HostJson(version="2.0"), {}, keys=Keys("k", "k"))
    ready = asyncio.Event()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        serving = asyncio.create_task(host.serve(listener, ready.set))
        await ready.wait()
        async with httpx.AsyncClient(timeout=10) as client:
            answer = asyncio.create_task(client.post(f"{url}/api/gated", headers={"x-functions-key": "k"}))
            assert await function_app.runs.get() == ("gated", None)
            host.stop()
            while await accepts(url):
                pass
            function_app.gate.set()
            assert (await answer).text == "through"
            await serving
