"""``python3 -m local ping``: what ``ping_connection`` answers, on the settings in the environment."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys

from local.bootstrap import ROOT
from local.host.app_settings import apply_local_settings
from local.host.storage import development_storage
from shared.bootstrap import build_connector
from shared.flows.operations.ping import ping_connection
from shared.settings import Settings, load_settings
from shared.settings_checks import SettingsError


def main(arguments: list[str]) -> int:
    """Pings one connection, or all. Returns 0 when everything works, 1 when not, 2 for a wrong setting or name."""
    parser = argparse.ArgumentParser(prog="python3 -m local ping", description="Tries everything a connection needs.")
    parser.add_argument("connection", nargs="?", help="its name in the settings; without one, all are tried")
    wanted: str | None = parser.parse_args(arguments).connection
    apply_local_settings(ROOT, os.environ)
    with development_storage(os.environ, ROOT / ".azurite"):
        try:
            settings = load_settings()
        except SettingsError as error:
            print(error, file=sys.stderr)
            return 2
        names = [wanted.lower()] if wanted else list(settings.connections)
        if names[0] not in settings.connections:
            print(f"There is no connection {wanted!r}, only {', '.join(settings.connections)}.", file=sys.stderr)
            return 2
        return asyncio.run(_ping(settings, names))


async def _ping(settings: Settings, names: list[str]) -> int:
    connector = await build_connector(settings, even_without_storage=True)
    try:
        found = {name: await ping_connection(connector, name, "local ping") for name in names}
    finally:
        await connector.aclose()
    for name, answer in found.items():
        print(f"{name}: {'everything works' if answer['ok'] else 'something does not work'}")
        for check in answer["checks"]:
            print(f"  {'ok  ' if check['ok'] else 'FAIL'}  {check['name']}: {check['message']}")
            if check["hint"]:
                print(f"        {check['hint']}")
    return 0 if all(answer["ok"] for answer in found.values()) else 1
