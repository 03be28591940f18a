"""The demo ends well, and nothing that it prints, stores or answers tells a secret (design 3.3 and 4.9)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from azure.data.tables import TableClient
from azure.storage.queue import QueueServiceClient

from local.demo import retailer
from local.demo.story import Demo, running_demo, tell
from local.demo.today import today as of_today
from local.simulation import CLIENT_SECRET, CONNECTION, TAXJAR_TOKEN
from local.simulators.dynamics.specs import InvoiceSpec
from local.simulators.faults import Fault
from local.stage import Host
from tests.end_to_end.installation import wait_until

DOCUMENTS = f"/api/documents/{CONNECTION}/{retailer.COMPANY}"


def test_the_demo_ends_well_and_tells_no_secret(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONNECTIONS__MAIN__TAXJAR__MAX_CALLS_PER_MINUTE", "1000000")
    log = tmp_path / "host.log"
    with log.open("wb") as output, running_demo(output=output.fileno()) as demo:
        assert tell(demo) == 0
        account_key = dict(part.split("=", 1) for part in demo.storage.split(";") if part)["AccountKey"]
        with demo.restarted() as host:
            told = [*answers(host), *refusals(demo, host), *stored(demo.storage)]
            secrets = [CLIENT_SECRET, TAXJAR_TOKEN, account_key, host.key, *demo.simulation.entra.issued]
    printed = capfd.readouterr()
    told += [*log.read_text(encoding="utf-8").splitlines(), printed.out, printed.err]
    assert len(secrets) > 4, "no token was issued"
    for secret in secrets:
        assert not [text[:300].replace(secret, "<SECRET>") for text in told if secret in text]


def answers(host: Host) -> Iterator[str]:
    """What every function answers that answers something; of documents that are alike, a few are shown in full."""
    path: str | None = DOCUMENTS
    shown: Counter[tuple[str, ...]] = Counter()
    while path:
        page = host.get(path)
        yield json.dumps(page)
        for document in page["documents"]:
            like = (document["kind"], document["state"], document["reason"] or "", *document["to_states"])
            shown[like] += 1
            if shown[like] <= 3:
                yield json.dumps(host.get(f"{DOCUMENTS}/{document['transaction_id']}"))
        path = page["next"]
    today = of_today()
    span = {"from": str(today - timedelta(days=30)), "to": str(today)}
    yield json.dumps(host.get(f"/api/nexus/{CONNECTION}"))
    yield json.dumps(host.get(f"/api/rates/{CONNECTION}/78704"))
    yield json.dumps(host.get(f"/api/completeness/{CONNECTION}/{retailer.COMPANY}", **span))
    yield json.dumps(host.get(f"/api/reconciliations/{CONNECTION}/{retailer.COMPANY}", **span))
    yield json.dumps(host.call("POST", f"/api/connections/{CONNECTION}/ping"))


def refusals(demo: Demo, host: Host) -> Iterator[str]:
    """What is answered when first TaxJar refuses and then Entra ID, and each repeats what it was given."""
    taxjar, entra = demo.simulation.taxjar, demo.simulation.entra
    taxjar.faults.error = repeating(TAXJAR_TOKEN)
    taxjar.faults.add(Fault(status=401))
    demo.simulation.posting(retailer.COMPANY).invoice(InvoiceSpec("REFUSED", of_today()))
    host.run("poll_posted_invoices")
    wait_until(lambda: host.get(DOCUMENTS, state="retrying")["documents"], within=60)
    yield json.dumps(host.get(f"{DOCUMENTS}/USRT-REFUSED"))
    yield host.client.get(f"{host.url}/api/rates/{CONNECTION}/10118", headers={"x-functions-key": host.key}).text
    yield json.dumps(host.call("POST", f"/api/connections/{CONNECTION}/ping"))

    entra.faults.error = repeating(CLIENT_SECRET)
    entra.faults.add(Fault(status=401))
    entra.revoke_all()
    entra.calls.clear()
    for function in ("poll_posted_invoices", "sync_exempt_customers", "pull_nexus_regions", "reconcile_nightly"):
        host.run(function)
    wait_until(lambda: entra.calls, within=60)
    yield json.dumps(host.call("POST", f"/api/connections/{CONNECTION}/ping"))


def repeating(secret: str) -> Callable[[int], object]:
    """The error body of a side that repeats what it was given."""
    return lambda status: {"status": status, "error": "invalid_client", "detail": f"{secret} is wrong"}


def stored(storage: str) -> Iterator[str]:
    """Every row of the ledger with its audit, and every message."""
    with TableClient.from_connection_string(storage, "ledger") as table:
        yield from (json.dumps(dict(row), default=str) for row in table.list_entities())
    with QueueServiceClient.from_connection_string(storage) as queues:
        for queue in queues.list_queues():
            messages = queues.get_queue_client(queue.name).peek_messages(max_messages=32)
            yield from (str(message.content) for message in messages)
