"""A dismissal is about what was dismissed, and about nothing else (design 4.6 and 4.7)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from shared.filing.filed import sums_of
from shared.flows.work.problems import Conflict
from shared.ledger.records import State
from tests.filing import (
    HANDLING_SHIPS,
    LAST_MONTH,
    Period,
    close,
    corrections,
    decided,
    held_change,
    net,
    of_document,
    reported,
)
from tests.reconciling import change_in_dynamics, edit_in_taxjar, findings, lose_in_taxjar, remove_from_dynamics
from tests.world import TODAY, World

OTHER_TOTALS = {"TotalInvoiceAmount": Decimal("50.00"), "TotalTaxAmount": Decimal("3.00")}
MORE_TOTALS = {"TotalInvoiceAmount": Decimal("5000.00"), "TotalTaxAmount": Decimal("300.00")}
HANDLING_ONLY = {"shipping_charge_codes": ["HANDLING"]}
AS_FILED = {"shipping_charge_codes": None}


async def met(world: World, **settings: object) -> str:
    """The state of the document once it has been mapped anew with ``settings``."""
    world.change_settings(**settings)
    await decided(world, "USMF-INV-1", "retry")
    return (await world.record("INV-1")).state


async def test_a_dismissed_change_of_the_mapping_says_nothing_about_totals_or_vanishing(world: World) -> None:
    await held_change(world, "order", "closed by day")
    await decided(world, "USMF-INV-1", "dismiss")
    change_in_dynamics(world, "INV-1", **OTHER_TOTALS)
    assert (await findings(world, heal=True))["held"] == 1
    assert (await world.record("INV-1")).reason == "changed_in_dynamics"
    await decided(world, "USMF-INV-1", "dismiss")
    remove_from_dynamics(world, "INV-1")
    assert (await findings(world, heal=True))["held"] == 1
    assert (await world.record("INV-1")).reason == "missing_in_dynamics"


async def test_dismissed_totals_are_not_held_again_and_others_are(world: World) -> None:
    await reported(world, "order", "closed by day")
    change_in_dynamics(world, "INV-1", **OTHER_TOTALS)
    assert (await findings(world, heal=True))["held"] == 1
    await decided(world, "USMF-INV-1", "dismiss")
    assert (await findings(world, heal=True))["held"] == 0
    change_in_dynamics(world, "INV-1", **MORE_TOTALS)
    assert (await findings(world, heal=True))["held"] == 1
    await decided(world, "USMF-INV-1", "dismiss")
    change_in_dynamics(world, "INV-1", **OTHER_TOTALS)
    assert (await findings(world, heal=True))["held"] == 0


async def test_who_dismisses_a_proposal_has_seen_the_totals_behind_it(world: World) -> None:
    await reported(world, "order", "closed by day")
    change_in_dynamics(world, "INV-1", TotalInvoiceAmount=Decimal("126.64"), TotalTaxAmount=Decimal("9.64"))
    await findings(world, heal=True)
    await decided(world, "USMF-INV-1", "retry")
    assert (await world.record("INV-1")).reason == "filed_transaction_changed"
    await decided(world, "USMF-INV-1", "dismiss")
    assert (await findings(world, heal=True))["held"] == 0
    assert (await world.record("INV-1")).state is State.REPORTED


async def test_every_dismissal_is_remembered_while_what_is_filed_stays(world: World) -> None:
    await held_change(world, "order", "closed by day")
    await decided(world, "USMF-INV-1", "dismiss")
    assert await met(world, **HANDLING_ONLY) == "held"
    await decided(world, "USMF-INV-1", "dismiss")
    assert await met(world, **HANDLING_SHIPS) == "reported"
    assert await met(world, **AS_FILED) == "reported"
    assert await met(world, **HANDLING_ONLY) == "reported"
    assert world.taxjar.orders["USMF-INV-1"].shipping == Decimal("12.00")


async def test_a_dismissal_is_over_when_something_else_is_filed(world: World) -> None:
    await held_change(world, "order", "closed by day")
    await decided(world, "USMF-INV-1", "dismiss")
    await met(world, **HANDLING_ONLY)
    await decided(world, "USMF-INV-1", "approve")
    world.clock.advance(days=30)
    assert await met(world, **HANDLING_SHIPS) == "held"


async def test_a_dismissal_is_over_after_an_approved_correction(world: World) -> None:
    await reported(world, "order", "closed by day")
    assert await met(world, report_from=TODAY) == "held"
    await decided(world, "USMF-INV-1", "dismiss")
    assert await met(world, report_from=TODAY) == "reported"
    await met(world, report_from=LAST_MONTH, **HANDLING_SHIPS)
    await decided(world, "USMF-INV-1", "approve")
    record = await world.record("INV-1")
    assert (record.state, corrections(record), record.decisions.dismissed) == (State.REPORTED, 1, ())
    assert await met(world, report_from=TODAY) == "held"


async def test_a_dismissal_that_was_stored_alone_still_holds(world: World) -> None:
    await held_change(world, "order", "closed by day")
    proposal = (await world.record("INV-1")).decisions.proposal
    assert proposal is not None
    await decided(world, "USMF-INV-1", "dismiss")
    record = await world.record("INV-1")
    table = world.connector.ledger._table
    row = {"PartitionKey": record.partition, "RowKey": record.row, "dismissed": proposal.content}
    await table.update_entity(row, mode="merge")
    assert await met(world) == "reported"


async def test_what_dynamics_does_not_show_can_be_kept_after_a_retry(world: World) -> None:
    await reported(world, "order", "closed by day")
    remove_from_dynamics(world, "INV-1")
    await findings(world, heal=True)
    await decided(world, "USMF-INV-1", "retry")
    record = await world.record("INV-1")
    assert (record.state, record.reason) == (State.HELD, "not_found_in_dynamics")
    assert "TaxJar holds USMF-INV-1" in record.message
    await decided(world, "USMF-INV-1", "dismiss")
    assert (await world.record("INV-1")).state is State.REPORTED
    assert (await findings(world, heal=True))["held"] == 0


@pytest.mark.parametrize("period", ["open", "closed by day", "closed by person"])
@pytest.mark.parametrize("trouble", [lose_in_taxjar, edit_in_taxjar])
async def test_what_is_kept_of_a_document_that_dynamics_does_not_show_is_what_taxjar_holds(
    world: World, period: Period, trouble: Callable[..., None]
) -> None:
    await reported(world, "order", period)
    remove_from_dynamics(world, "INV-1")
    await findings(world, heal=True)
    trouble(world, "USMF-INV-1", **({"sales_tax": Decimal("1.00")} if trouble is edit_in_taxjar else {}))
    await decided(world, "USMF-INV-1", "retry")
    record = await world.record("INV-1")
    assert (record.state, record.reason) == (State.HELD, "not_found_in_dynamics")
    assert ("TaxJar keeps what was reported before" in record.message) == (period == "open")
    await decided(world, "USMF-INV-1", "dismiss")
    known = sums_of((await world.record("INV-1")).filing.current)
    assert (known.amount, known.shipping, known.sales_tax) == net(of_document(world, "USMF-INV-1"))
    assert (await findings(world, heal=True))["held"] == 0


async def test_what_cannot_be_mapped_any_more_can_be_left_as_taxjar_holds_it(world: World) -> None:
    await reported(world, "order", "open")
    assert await met(world, product_tax_codes={"items": {"P-1000": "99999"}}) == "held"
    await decided(world, "USMF-INV-1", "dismiss")
    record = await world.record("INV-1")
    assert (record.state, record.filing.shipping) == (State.REPORTED, Decimal("12.00"))


async def test_what_taxjar_does_not_hold_cannot_be_kept(world: World) -> None:
    await held_change(world, "order", "closed by day")
    del world.taxjar.transactions["api", "USMF-INV-1"]
    await decided(world, "USMF-INV-1", "approve")
    with pytest.raises(Conflict, match="dismiss does not fit"):
        await decided(world, "USMF-INV-1", "dismiss")


async def test_a_dismissed_change_is_sent_once_its_period_is_open_again(world: World) -> None:
    await held_change(world, "order", "closed by person")
    await decided(world, "USMF-INV-1", "dismiss")
    await close(world, "TX", TODAY - timedelta(days=30), reopen=True)
    assert await met(world) == "reported"
    assert world.taxjar.orders["USMF-INV-1"].shipping == Decimal("17.00")
