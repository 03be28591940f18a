"""Host processes that die, end, or work side by side: every document is reported once (design 4.2)."""

from __future__ import annotations

import os
import signal
import time
from decimal import Decimal

import pytest

from local.simulators.faults import Fault
from tests.end_to_end.installation import Installation, wait_until

SLOW = Fault(method="POST", path="*/transactions/*", after=True, delay=0.5)
"""The transaction is there at once, the answer comes late: whoever dies in between cannot know."""


def assert_each_reported_once(installation: Installation, documents: list[dict[str, object]]) -> None:
    posted = {invoice.number: invoice for invoice in installation.posted}
    assert {document["number"] for document in documents} == posted.keys()
    assert {document["state"] for document in documents} == {"reported"}
    for document in documents:
        invoice = posted[str(document["number"])]
        stored = installation.transactions["api", document["transaction_id"]]
        net = invoice.total_amount - invoice.total_tax
        assert (stored.amount, stored.sales_tax, stored.shipping) == (net, invoice.total_tax, Decimal(5))
        assert (document["amount"], document["sales_tax"]) == (str(net), str(invoice.total_tax))
    # A request that a dying host did not finish has no answer, and no effect.
    answered = [call.status for call in installation.taxjar_calls("POST") if call.status]
    assert answered == [201] * len(posted)
    assert len(installation.transactions) == len(posted)
    assert not installation.taxjar_calls("PUT")
    assert not installation.taxjar_calls("DELETE")


def test_a_host_killed_in_the_middle_and_started_again_ends_in_the_same_state(installation: Installation) -> None:
    installation.post(60)
    installation.simulation.taxjar.faults.add(SLOW)
    with installation.host(CLAIM_LEASE_SECONDS="3") as host:
        host.run("poll_posted_invoices")
        wait_until(lambda: len(installation.transactions) >= 20)
        host.process.kill()
    in_doubt = len(installation.transactions)
    assert in_doubt < 60
    installation.simulation.taxjar.faults.clear()
    with installation.host(CLAIM_LEASE_SECONDS="3") as host:
        documents = installation.settle(host, documents=60, polling=True)
        assert all(installation.document(host, document["transaction_id"])["audit_intact"] for document in documents)
    assert installation.taxjar_calls("GET"), "what was in doubt is asked for before anything is sent"
    assert_each_reported_once(installation, documents)


def test_two_hosts_on_one_storage_report_each_document_once(installation: Installation) -> None:
    installation.post(50)
    installation.simulation.taxjar.faults.add(SLOW.model_copy(update={"delay": 0.2}))
    with installation.host() as first, installation.host() as second:
        for host in (first, second, first, second):
            host.run("poll_posted_invoices")
        assert_each_reported_once(installation, installation.settle(first, documents=50))
        listed = installation.documents(second)
    assert {document["state"] for document in listed} == {"reported"}


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_host_told_to_end_finishes_what_it_began_within_fifteen_seconds(installation: Installation) -> None:
    installation.post(30)
    installation.simulation.taxjar.faults.add(SLOW)
    with installation.host() as host:
        host.run("poll_posted_invoices")
        wait_until(lambda: len(installation.transactions) >= 5)
        told = time.monotonic()
        host.process.send_signal(signal.SIGTERM)
        assert host.process.wait(timeout=15) == 0
        assert time.monotonic() - told < 15
    states = {row["state"] for row in installation.rows("RowKey ge 'doc|' and RowKey lt 'doc|~'")}
    assert "reporting" not in states
    assert "Traceback" not in installation.printed()
    assert "Exception ignored" not in installation.printed()
    assert "Unclosed" not in installation.printed()
