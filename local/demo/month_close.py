"""The end of the demo: a month is closed, a mapping changes, and the change reaches TaxJar only by a decision."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import timedelta
from decimal import Decimal
from typing import Any, Protocol

from local.demo import retailer
from local.demo.expectations import SHIPPING_CODES, Expectation
from local.demo.proof import prove
from local.demo.tables import money
from local.demo.today import today
from local.simulation import CONNECTION
from local.simulators.dynamics.specs import PostedInvoice
from local.simulators.taxjar.records import Account, StoredTransaction
from local.stage import Host

_PATIENCE = 60
"""Seconds until a decided document has to be settled."""
_NOW_SHIPPING = "HANDLING"
_DECISION = {"reason": "Handling is shipping since the audit of the year", "by": "Demo accountant"}


class Restart(Protocol):
    """Starts the host again, with settings of the retailer that win over those of the demo."""

    def __call__(self, **settings: object) -> AbstractContextManager[Host]: ...


def close_month(host: Host, restart: Restart, expectations: list[Expectation], account: Account) -> int:
    """Tell the story and check it; return how much is wrong."""
    yesterday = today() - timedelta(days=1)
    posted, state = _with_handling(expectations)
    path = f"/api/filing-periods/{CONNECTION}/{posted.company}/{state}"
    period = host.call(
        "PUT", path, filed_through=str(yesterday), confirm=True, by=_DECISION["by"], reason="The return of the demo"
    )
    _say(f"\nClosing the month: {state} is filed through {period['after']['filed_through']}.")
    _say(f"The charge {_NOW_SHIPPING} becomes shipping in the settings. Restarting the host, retrying {posted.number}.")
    with restart(shipping_charge_codes=[*sorted(SHIPPING_CODES), _NOW_SHIPPING]) as changed:
        path = f"/api/documents/{CONNECTION}/{posted.company}/{posted.company.upper()}-{posted.number}"
        held = _decided(changed, path, "retry")
        _say(f"  {held['state']}: {held['reason']}\n  {held['message']}")
        untouched = len(_of(posted, account))
        done = _decided(changed, path, "approve")
        _say(f"Approved. {done['message']}")
        found = _of(posted, account)
        for one in found:
            _say(f"  {one.kind:6} {one.transaction_id:30} {one.transaction_date:%Y-%m-%d} {_figures(one)}")
        right = (
            held["reason"] == "filed_transaction_changed"
            and (untouched, len(found)) == (1, 3)
            and done["state"] == "reported"
            and _nets(found) == _truth(posted)
        )
        nets, truth = _nets(found), _truth(posted)
        _say("TaxJar nets to the new truth." if right else f"WRONG: TaxJar nets to {nets}, not {truth}.")
        return prove(changed) + (0 if right else 1)


def _with_handling(expectations: list[Expectation]) -> tuple[PostedInvoice, str]:
    """A reported order of the retailer with a handling charge, of a day that is over; and its state."""
    for expectation in expectations:
        posted, expected = expectation.posted, expectation.expected
        codes = {charge.spec.code for charge in posted.charges}
        ordinary = (posted.company, expected.state, expected.kind) == (retailer.COMPANY, "reported", "order")
        if ordinary and posted.date < today() and _NOW_SHIPPING in codes:
            return posted, expected.ship_to_state
    raise LookupError(f"the demo posts no order with {_NOW_SHIPPING}")


def _decided(host: Host, path: str, decision: str) -> Mapping[str, Any]:
    """The document once the decision has taken effect."""
    document = host.call("POST", f"{path}/{decision}", **_DECISION)
    deadline = time.monotonic() + _PATIENCE
    while document["state"] in ("reporting", "retrying") and time.monotonic() < deadline:
        time.sleep(0.5)
        document = host.get(path)
    return dict(document)


def _of(posted: PostedInvoice, account: Account) -> list[StoredTransaction]:
    base = f"{posted.company.upper()}-{posted.number}"
    ids = (base, f"{base}-reversal-1", f"{base}-1")
    return [account.transactions["api", one] for one in ids if ("api", one) in account.transactions]


def _nets(found: list[StoredTransaction]) -> tuple[Decimal, Decimal, Decimal]:
    return (
        sum((one.amount for one in found), Decimal(0)),
        sum((one.sales_tax for one in found), Decimal(0)),
        sum((one.shipping for one in found), Decimal(0)),
    )


def _truth(posted: PostedInvoice) -> tuple[Decimal, Decimal, Decimal]:
    """Net, tax and shipping, handling included, as F&O has them."""
    codes = {*SHIPPING_CODES, _NOW_SHIPPING}
    shipping = sum((charge.amount for charge in posted.charges if charge.spec.code in codes), Decimal(0))
    return posted.total_amount - posted.total_tax, posted.total_tax, shipping


def _figures(one: StoredTransaction) -> str:
    return money(one.amount, one.sales_tax, one.shipping)


def _say(text: str) -> None:
    print(text, flush=True)
