"""``python3 -m local up``: the demo's world, left running."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import quote

from local.bootstrap import VENV_PYTHON
from local.demo import retailer
from local.demo.story import Demo, company_settings, running_demo, say, wait_until_settled
from local.demo.to_do import TO_DO, lines_to_do, make_to_do, post_to_do, wait_for_reconciliations
from local.demo.today import today as of_today
from local.host.command import bound
from local.host.errors import HostError
from local.simulation import CONNECTION, TAXJAR_ACCOUNT, TAXJAR_TOKEN

PEOPLE = (
    {"id": "vera", "name": "Vera Viewer", "roles": ["viewer"]},
    {"id": "otto", "name": "Otto Operator", "roles": ["operator"]},
    {"id": "ada", "name": "Ada Approver", "roles": ["approver"]},
)
"""Who can sign in."""
_TIMERS = (*("poll_posted_invoices", "sync_exempt_customers", "pull_nexus_regions", "reconcile_nightly", "seal_audit"),)
_SALE = {"to_country": "US", "to_state": "TX", "to_zip": "78704", "amount": 59.9, "shipping": 5}


def main(arguments: list[str]) -> int:
    """Serve until Ctrl-C or SIGTERM, then end everything.

    Returns 0, the host's code when it ends by itself, and 1 at once for a port that is in use.
    """
    parser = argparse.ArgumentParser(prog="python3 -m local up", description="The demo's world, left running.")
    parser.add_argument("--port", type=int, default=7071, help="the host's port on 127.0.0.1; 0 takes a free one")
    options = parser.parse_args(arguments)
    try:
        bound(options.port).close()
    except HostError as error:
        print(error, file=sys.stderr)
        return 1
    try:
        with running_up(port=options.port) as demo:
            say(_what_to_try(demo))
            return demo.host.process.wait()
    except KeyboardInterrupt:
        return 0


@contextmanager
def running_up(*, port: int = 0, output: int | None = None) -> Iterator[Demo]:
    """The demo's world with everything settled, every timer run once, and something for people to do."""
    today = of_today()
    with running_demo(port=port, output=output, people=PEOPLE) as demo:
        posted = post_to_do(demo.simulation.posting(retailer.COMPANY), today)
        say("Sweeping the last 45 days, once.\n")
        demo.host.run("sweep_posted_invoices")
        wait_until_settled(demo.host, len(demo.expectations) + posted)
        say("Running each timer once, and making something to do.")
        for function in _TIMERS:
            demo.host.call("POST", f"/api/runs/{function}")
        wait_for_reconciliations(demo.host, company_settings())
        make_to_do(demo.host, demo.simulation, demo.simulation.taxjar.account(TAXJAR_ACCOUNT))
        yield demo


def _what_to_try(demo: Demo) -> str:
    host, urls = demo.host, demo.simulation.urls
    documents = f"{host.url}/api/documents/{CONNECTION}/{retailer.COMPANY}"
    reported, held = quote(_first_order(demo, "reported")), quote(_first_order(demo, "held"))
    control = f"{urls['TaxJar'].removesuffix('/v2')}/_simulator"
    busy = json.dumps([{"path": "*/transactions/*", "status": 429, "retry_after": 30, "times": 1}])
    token, key = {"Authorization": f"Bearer {TAXJAR_TOKEN}"}, {"x-functions-key": host.key}
    sections = {
        "The app": [
            _curl(f"{host.url}/api/health"),
            _curl(f"{documents}?state=held", key),
            _curl(f"{documents}/{held}", key),
            _curl(f"{documents}/{reported}", key),
        ],
        "The same order in the simulated TaxJar": [_curl(f"{urls['TaxJar']}/transactions/orders/{reported}", token)],
        "Nexus regions, live tax and rates": [
            _curl(f"{host.url}/api/nexus/{CONNECTION}?format=csv", key),
            _curl(f"{host.url}/api/taxes/{CONNECTION}", key, method="POST", body=json.dumps(_SALE)),
            _curl(f"{host.url}/api/rates/{CONNECTION}/78704?city=Austin", key),
        ],
        "The exempt customers in the simulated TaxJar": [_curl(f"{urls['TaxJar']}/customers/USRT-C-2001", token)],
        "Run a timer function now, asynchronously": [
            _curl(f"{host.url}/admin/functions/poll_posted_invoices", key, method="POST", body='{"input": ""}')
        ],
        "What a simulator was asked, and how it is made to fail": [
            _curl(f"{control}/calls"),
            _curl(f"{control}/faults", method="PUT", body=busy),
            _curl(f"{control}/faults", method="DELETE"),
        ],
    }
    sections["The command line, in another shell after the last two lines below"] = [
        "connector status",
        "connector held",
        f"connector show {TO_DO[0].transaction_id}",
        "connector month $(date -u +%Y-%m)",
    ]
    sections["Waiting for a person"] = list(lines_to_do())
    links = [f"{person['name']:14} {host.url}/.auth/login/local?id={person['id']}" for person in PEOPLE]
    sections["The operator's page, as"] = links
    lines = [f"\n{title}:\n" + "\n".join(f"  {command}" for command in sections[title]) for title in sections]
    sides = "\n".join(f"  {name:18} {url}" for name, url in {**urls, "Functions host": host.url}.items())
    where = f"CONNECTOR_CONNECTION={CONNECTION} CONNECTOR_COMPANY={retailer.COMPANY}"
    paste = f"export HOST={shlex.quote(host.url)} KEY={shlex.quote(host.key)} {where}"
    path = f'export PATH={shlex.quote(str(VENV_PYTHON.parent))}:"$PATH"'
    return "\n".join([f"\nRunning:\n{sides}", *lines, "\nCtrl-C ends it all. In another shell:", paste, path])


def _first_order(demo: Demo, state: str) -> str:
    """The transaction id of the first order in ``state``."""
    page = demo.host.get(f"/api/documents/{CONNECTION}/{retailer.COMPANY}", state=state)
    return next(str(document["transaction_id"]) for document in page["documents"] if document["kind"] == "order")


def _curl(url: str, headers: Mapping[str, str] | None = None, *, method: str = "GET", body: str = "") -> str:
    command = ["curl", "-s"]
    command += ["-X", method] if method != "GET" else []
    for name, value in (headers or {}).items():
        command += ["-H", f"{name}: {value}"]
    command += ["-H", "content-type: application/json", "-d", body] if body else []
    return shlex.join([*command, url])
