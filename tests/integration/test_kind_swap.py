"""A reported invoice that F&O shows as a credit note by now: a person decides, and nothing of others is touched."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from local.simulators.dynamics.specs import LineSpec
from shared.flows.backfill.start import BackfillRequest, show_backfill, start_backfill
from shared.flows.review.documents import Shown, show_document
from shared.ledger.records import State
from tests.filing import LAST_MONTH, decided, net, of_document, sale
from tests.reconciling import findings
from tests.world import TODAY, World

pytestmark = pytest.mark.company(unlinked_credit_notes="send")
OTHERS = pytest.mark.parametrize("other", [False, True], ids=["alone", "id taken"])
DAYS = pytest.mark.parametrize("on", [TODAY, LAST_MONTH], ids=["open", "closed"])


async def swapped(world: World, on: date, *, other: bool) -> None:
    """Report ``INV-1`` as an order; then F&O shows it as a credit note. ``other`` has the id of that refund."""
    invoice = world.posting.invoice(sale(on=on, voucher="V-1", charges=[]))
    if other:
        credit = [LineSpec(quantity=-1, price=7)]
        world.posting.credit_note(invoice, "INV-1", on, adapt=lambda spec: replace(spec, voucher="V-9", lines=credit))
    await world.sweep()
    await world.settle()
    store = world.simulation.dynamics.store
    for name in store.visible_sets():
        for row in list(store.rows(name)):
            if "V-1" in (row.get("LedgerVoucher"), row.get("Voucher")):
                store.remove(name, row)
    lines = [LineSpec(quantity=-2, price=60, discount=-20)]
    world.posting.invoice(sale(on=on, voucher="V-1", order="SO-X", lines=lines, charges=[]))
    await decided(world, "USMF-INV-1", "retry", voucher="V-1")


async def told_by_a_dry_run(world: World, on: date) -> dict[str, Any]:
    request = {"company": "usmf", "from": on, "to": on, "dry_run": True, "force": True}
    asked = BackfillRequest.model_validate(request)
    job = (await start_backfill(world.connector, "main", asked))["job"]
    await world.settle()
    return await show_backfill(world.connector, "main", job)


@OTHERS
@DAYS
async def test_a_kind_swap_is_proposed_whatever_the_period(world: World, on: date, other: bool) -> None:
    await swapped(world, on, other=other)
    document = await show_document(world.connector, "main", "usmf", "USMF-INV-1", Shown(voucher="V-1"))
    assert (document["state"], document["reason"]) == ("held", "filed_transaction_changed")
    proposal = document["proposal"]
    new, gone = proposal["pairs"]
    assert (gone["filed"]["transaction_id"], gone["filed"]["amount"]) == ("USMF-INV-1", "100.00")
    assert (gone["kinds"], new["kinds"]) == ({"reversal": "refund"}, {"replacement": "refund"})
    assert gone["difference"]["amount"] == {"filed": "100.00", "new": None}
    assert new["difference"]["sales_tax"] == {"filed": None, "new": "-8.25"}
    told = await told_by_a_dry_run(world, on)
    assert told["reasons"]["held"] == {"filed_transaction_changed": 1}


@OTHERS
async def test_an_approved_kind_swap_reverses_the_order_and_sends_the_refund(world: World, other: bool) -> None:
    await swapped(world, LAST_MONTH, other=other)
    of_another = world.taxjar.refunds.get("USMF-INV-1-refund")
    await decided(world, "USMF-INV-1", "approve", voucher="V-1")
    order, reversal = of_document(world, "USMF-INV-1")
    assert net([order, reversal]) == (0, 0, 0)
    [swapped_in] = (await world.connector.ledger.find("main", "usmf", "USMF-INV-1", "V-1"))[0].filing.current
    refund = world.taxjar.refunds[swapped_in.transaction_id]
    assert (refund.amount, refund.sales_tax) == (Decimal("-100.00"), Decimal("-8.25"))
    assert refund.transaction_date.date() == TODAY
    assert not other or world.taxjar.refunds["USMF-INV-1-refund"] == of_another
    assert (await findings(world, deep=True))["documents"] == []
    await decided(world, "USMF-INV-1", "retry", voucher="V-1")
    states = [record.state for record in await world.records()]
    assert states == [State.REPORTED] * len(states)
