"""``python3 -m local host``: the host as a command."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib
import logging
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import traceback
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from local.bootstrap import ROOT
from local.host.app_settings import apply_local_settings, setting
from local.host.errors import HostError
from local.host.functions import HTTP, HostedFunction, functions_of
from local.host.host_json import read_host_json
from local.host.keys import FUNCTION_KEY, Keys
from local.host.people import switch_sign_in
from local.host.server import Host
from local.host.storage import development_storage

SCRIPT_ROOT = "AzureWebJobsScriptRoot"
"""The real host's name for the folder that it runs."""
LAST_RESORT_SECONDS = 12


def main(arguments: list[str]) -> int:
    """Serves until SIGTERM or Ctrl-C, then 0. 1: the host cannot start; 2: a setting of the app is wrong."""
    parser = argparse.ArgumentParser(prog="python3 -m local host", description="Runs the functions on this machine.")
    parser.add_argument("--port", type=int, default=7071, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--func", action="store_true", help="hand over to Azure Functions Core Tools")
    # For a program that starts a host: a pipe ends with its writer, however that ends.
    parser.add_argument("--ends-with-stdin", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.func:
        return _func_start(options.port)
    folder = Path(os.environ.get(SCRIPT_ROOT, ROOT)).resolve()
    _configure_logging()
    try:
        code = _host(folder, options.port, ends_with_stdin=options.ends_with_stdin)
    except HostError as error:
        print(error, file=sys.stderr)
        return 1
    if code == 0:
        _leave()
    return code


def _host(folder: Path, port: int, *, ends_with_stdin: bool) -> int:
    """Returns 0 after a good end; see ``main`` for the others."""
    host_json = read_host_json(folder)
    apply_local_settings(folder, os.environ)
    switch_sign_in(os.environ)
    if not (setting("AUDIT__KEY_URI", os.environ) or setting("AUDIT__KEY_FILE", os.environ)):
        os.environ["AUDIT__KEY_FILE"] = str(folder / ".azurite" / "audit-key.pem")
    with bound(port) as listener, development_storage(os.environ, folder / ".azurite"):
        try:
            module = _function_app(folder)
            if lines := getattr(module, "wrong_settings", []):
                # In Azure the app stays up to answer these from its route `health`; here they are read at once.
                print(*lines, sep="\n", file=sys.stderr)
                return 2
            functions = functions_of(module.app)
        except HostError:
            raise
        except Exception:
            traceback.print_exc()
            return 1
        keys = Keys.of(os.environ, made=secrets.token_hex(24))
        if not os.environ.get(FUNCTION_KEY):
            which = "Function and master key" if keys.master == keys.host else "Function key"
            print(f"{which}: {keys.host}", flush=True)
        host = Host(functions, host_json, os.environ, keys=keys)
        prefix = host_json.extensions.http.route_prefix
        asyncio.run(_serve(host, listener, functions, prefix, ends_with_stdin=ends_with_stdin))
    return 0


def _function_app(folder: Path) -> ModuleType:
    sys.path.insert(0, str(folder))
    return importlib.import_module("function_app")


async def _serve(
    host: Host, listener: socket.socket, functions: list[HostedFunction], prefix: str, *, ends_with_stdin: bool
) -> None:
    loop = asyncio.get_running_loop()

    def end(*_: object) -> None:
        # A function that cannot be cancelled must not keep the process alive.
        last_resort = threading.Timer(LAST_RESORT_SECONDS, os._exit, args=(0,))
        last_resort.daemon = True
        last_resort.start()
        loop.call_soon_threadsafe(host.stop)

    def announce() -> None:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        for function in functions:
            where = f"{url}/{prefix}/{function.trigger['route']}" if function.kind == HTTP else function.kind
            print(f"  {function.name}: {where}")
        print(f"Functions host is listening on {url}", flush=True)

    def end_with_stdin() -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stdin.buffer.read()
        end()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    if ends_with_stdin:
        threading.Thread(target=end_with_stdin, daemon=True).start()
    await host.serve(listener, announce)


def _leave() -> NoReturn:
    """Ends the process as the real host ends its worker: an app has no hook to close its clients.

    A shutdown of the interpreter would run their finalizers, which then complain of missing modules.
    """
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(0)


def bound(port: int) -> socket.socket:
    """A socket that holds the port and does not listen yet: nobody connects before the triggers run."""
    listener = socket.socket()
    if os.name != "nt":
        # There it would let two hosts share the port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Inherited by each connection; without it answers on a kept connection wait for the client's acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise HostError(
            f"Port {port} on 127.0.0.1 cannot be used: {error.strerror}. Choose another by --port."
        ) from None
    return listener


def _configure_logging() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    for chatty in ("azure", "httpx", "uvicorn"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _func_start(port: int) -> int:
    func = shutil.which("func")
    if func is None:
        print("Azure Functions Core Tools are not installed: there is no `func` on the PATH.", file=sys.stderr)
        return 1
    return subprocess.call([func, "start", "--port", str(port)], cwd=ROOT)
