"""A long history is reported in flat memory, and what is posted today does not wait for it (design 3.1 and 6)."""

from __future__ import annotations

import os
from datetime import timedelta
from decimal import Decimal

import pytest

from local.bench.process import peak_megabytes
from local.simulators.dynamics.specs import InvoiceSpec
from local.simulators.faults import Fault
from tests.end_to_end.installation import COMPANY, Installation, wait_until

DAYS = 25
SPARE = 64
"""Megabytes by which the peak may move: caches, and the allocator's habits."""


@pytest.mark.skipif(not os.path.exists("/proc"), reason="peak memory is read from /proc")
@pytest.mark.parametrize(("count", "patience"), [(300, 180), pytest.param(20_000, 3000, marks=pytest.mark.thorough)])
def test_a_long_backfill_keeps_memory_flat_and_lets_today_pass(
    installation: Installation, count: int, patience: int
) -> None:
    first = installation.today - timedelta(days=10 + DAYS)
    for number in range(count):
        on = first + timedelta(days=number % DAYS)
        installation.posting.invoice(InvoiceSpec(f"H-{number:05}", on, tax_rate=Decimal("0.0825")))
    last = first + timedelta(days=DAYS)
    installation.simulation.taxjar.faults.add(Fault(method="POST", path="*/transactions/*", delay=0.2))
    with installation.host(CONNECTIONS__MAIN__TAXJAR__MAX_CALLS_PER_MINUTE="1000000") as host:
        span = {"from": first.isoformat(), "to": last.isoformat()}
        job = host.call("POST", "/api/backfills/main", company=COMPANY, **span)["job"]
        wait_until(lambda: len(installation.transactions) >= count // 5, within=patience)
        peak = peak_megabytes(host.process.pid)

        installation.posting.invoice(InvoiceSpec("TODAY", installation.today, tax_rate=Decimal("0.0825")))
        host.run("poll_posted_invoices")
        wait_until(lambda: ("api", "USRT-TODAY") in installation.transactions, within=60)
        assert len(installation.transactions) < count, "today's invoice waited for all of history"

        wait_until(lambda: len(installation.transactions) == count + 1, within=patience)
        wait_until(lambda: host.get(f"/api/backfills/main/{job}")["state"] == "finished", within=patience)
        shown = host.get(f"/api/backfills/main/{job}")
        assert (shown["seen"], shown["reported"], shown["remaining"]) == (count, count, 0)
        assert peak_megabytes(host.process.pid) < peak + SPARE
