"""The demo's exempt customers and nexus regions: a few lines, checked."""

from __future__ import annotations

import time

from local.demo import retailer
from local.simulation import CONNECTION
from local.simulators.taxjar.records import Account
from local.stage import Host

_PATIENCE = 60
"""Seconds."""
_EXPECTED = {
    "C-2000": ("government", {"TX"}),
    "C-2001": ("wholesale", {"NM", "TX"}),
    "C-2002": ("government", {"TX"}),
    "C-2003": ("other", {"OR", "TX"}),
}
"""By sales tax group, by a group with regions of its own, by Federal indicator, and by customer group.

The first two came with their documents, the others have none and come with the sync. Regions are those of the delivery
addresses where the settings name none.
"""


def show_exemptions(host: Host, account: Account) -> int:
    """Sync the customers, pull the nexus regions, print both; return how many things are wrong."""
    before = set(account.customers)
    host.run("sync_exempt_customers")
    host.run("pull_nexus_regions")
    expected = {f"{retailer.COMPANY.upper()}-{name}": kind for name, kind in _EXPECTED.items()}
    deadline = time.monotonic() + _PATIENCE
    while not (account.customers.keys() >= expected.keys() and (regions := _regions(host))):
        if time.monotonic() > deadline:
            print(f"  WRONG: exempt customers are {sorted(account.customers)}, expected {sorted(expected)}")
            return 1
        time.sleep(0.2)
    print("\nExempt customers in TaxJar")
    for customer in sorted(account.customers.values(), key=lambda customer: customer.customer_id):
        where = ", ".join(state for _, state in customer.exempt_regions) or "everywhere"
        how = "before its documents" if customer.customer_id in before else "by the sync"
        print(f"  {customer.customer_id:14} {customer.exemption_type:11} {where:11} {customer.name}, {how}")
    print(f"Nexus: {', '.join(regions)}.")
    found = {
        customer.customer_id: (customer.exemption_type, {state for _, state in customer.exempt_regions})
        for customer in account.customers.values()
    }
    wrong = (found != expected) + (sorted(regions) != sorted(account.nexus))
    if wrong:
        print(f"  WRONG: expected {expected} and nexus in {account.nexus}")
    return wrong


def _regions(host: Host) -> list[str]:
    answer = host.client.get(f"{host.url}/api/nexus/{CONNECTION}", headers={"x-functions-key": host.key})
    return [region["region_code"] for region in answer.json()["regions"]] if answer.is_success else []
