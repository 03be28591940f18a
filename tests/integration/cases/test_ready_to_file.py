"""What an accountant may file: each state by itself, with reasons, in dollars that TaxJar confirms (design 4.7)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from local.simulation import CONNECTION
from local.simulators.dynamics.specs import AddressSpec
from local.simulators.faults import Fault
from shared.flows.reconciliation.completeness import CompletenessQuery, show_completeness
from tests.filing import HANDLING_SHIPS, decided, sale
from tests.holdings import ALBANY, outcome
from tests.reconciling import edit_in_taxjar, findings, lose_in_taxjar, remove_from_dynamics
from tests.world import COMPANY, World

ODD = AddressSpec("1 Main St", "Austin", "NY", "78704")
OCTOBER = date(2026, 10, 28)
MONTH = {"from": "2026-10-01", "to": "2026-10-31"}


async def month(world: World, **query: str) -> dict[str, Any]:
    asked = CompletenessQuery.model_validate(query or MONTH)
    found: dict[str, Any] = (await show_completeness(world.connector, CONNECTION, COMPANY, asked)).body
    return found


def ready(answer: Mapping[str, Any]) -> dict[str, bool]:
    return {state["state"]: state["ready_to_file"] for state in answer["states"] if state["documents"]}


def why(answer: Mapping[str, Any], state: str) -> str:
    return " ".join(next(each["why"] for each in answer["states"] if each["state"] == state))


def in_taxjar(world: World, state: str = "") -> tuple[str, str]:
    """Amount and tax that TaxJar holds of October's documents, wherever their corrections are dated."""
    found = [each for each in world.taxjar.transactions.values() if state in ("", each.to_state)]
    return (
        f"{sum((each.amount for each in found), Decimal(0)):.2f}",
        f"{sum((each.sales_tax for each in found), Decimal(0)):.2f}",
    )


async def filed(world: World) -> None:
    """October: two sales to Texas and one to New York, all reported."""
    world.posting.invoice(sale("INV-1", OCTOBER))
    world.posting.invoice(sale("INV-2", OCTOBER))
    world.posting.invoice(sale("INV-NY", OCTOBER, ship_to=ALBANY))
    await world.sweep()
    await world.settle()
    await world.poll()


async def test_a_month_in_which_everything_is_reported_is_ready(world: World) -> None:
    await filed(world)
    answer = await month(world)
    assert (answer["complete"], answer["ready_to_file"], answer["why"]) == (True, True, [])
    assert ready(answer) == {"NY": True, "TX": True}


async def test_what_is_held_keeps_only_its_own_state_from_being_filed(world: World) -> None:
    await filed(world)
    world.change_settings(**HANDLING_SHIPS)
    await decided(world, "USMF-INV-NY", "retry")
    answer = await month(world)
    assert (ready(answer), answer["ready_to_file"]) == ({"NY": False, "TX": True}, False)
    assert "1 document held because of filed_transaction_changed in TaxJar as filed: 117.00 net." in why(answer, "NY")


async def test_what_may_belong_to_any_state_keeps_every_state(world: World) -> None:
    await filed(world)
    world.posting.invoice(sale("NEW", OCTOBER))
    await world.sweep()
    answer = await month(world)
    assert ready(answer)["TX"] is ready(answer)["NY"] is False
    assert "in flight with a destination that is not known yet" in why(answer, "NY")


async def test_what_no_poll_has_seen_and_what_is_gone_keeps_every_state(world: World) -> None:
    await filed(world)
    world.posting.invoice(sale("NEW", OCTOBER))
    assert "not seen by the connector yet" in why(await month(world), "NY")
    await world.sweep()
    await world.settle()
    remove_from_dynamics(world, "INV-1")
    assert "no longer listed by F&O" in why(await month(world), "NY")


async def test_what_failed_before_its_destination_was_known_keeps_every_state(world: World) -> None:
    await filed(world)
    world.posting.invoice(sale("NEW", OCTOBER))
    world.simulation.taxjar.faults.add(Fault(path="*/transactions/*", status=503))
    await world.sweep()
    await world.work()
    world.clock.advance(days=8)
    await world.work()
    world.simulation.taxjar.faults.clear()
    await world.poll()
    assert await outcome(world, "NEW") == "failed"
    answer = await month(world)
    assert (answer["ready_to_file"], ready(answer)["TX"], ready(answer)["NY"]) == (False, False, False)
    assert "1 document failed" in why(answer, "NY")


async def test_an_empty_range_is_neither_complete_nor_ready(world: World) -> None:
    await filed(world)
    answer = await month(world, **{"from": "2026-08-01", "to": "2026-08-31"})
    assert (answer["complete"], answer["ready_to_file"]) == (False, False)
    assert answer["why"] == ["F&O lists no documents in this range."]
    assert not any(state["ready_to_file"] for state in answer["states"])


async def test_nothing_is_ready_while_the_last_poll_is_old_or_there_was_none(world: World) -> None:
    world.posting.invoice(sale("INV-1", OCTOBER))
    assert "No poll has been complete yet." in (await month(world))["why"]
    await filed(world)
    world.clock.advance(hours=3)
    answer = await month(world)
    assert (answer["complete"], answer["ready_to_file"], ready(answer)) == (False, False, {"NY": False, "TX": False})
    assert "The last complete poll was at" in answer["why"][-1]


async def test_what_cannot_be_read_keeps_every_state(world: World) -> None:
    await filed(world)
    world.posting.invoice(sale("BLANK", OCTOBER))
    [row] = [row for row in world.simulation.dynamics.rows("SalesInvoiceHeadersV2") if row["InvoiceNumber"] == "BLANK"]
    row["TotalInvoiceAmount"] = None
    await world.sweep()
    await world.settle()
    await world.poll()
    answer = await month(world)
    assert answer["ready_to_file"] is False
    assert ready(answer).get("NY") is False


async def test_what_is_reported_is_what_taxjar_holds_to_the_cent_also_while_changes_wait(world: World) -> None:
    await filed(world)
    world.change_settings(**HANDLING_SHIPS)
    await decided(world, "USMF-INV-1", "retry")  # held with a proposal
    await decided(world, "USMF-INV-2", "retry")
    await decided(world, "USMF-INV-2", "approve")  # corrected in November
    answer = await month(world)
    [texas] = [state for state in answer["states"] if state["state"] == "TX"]
    assert (texas["taxjar"]["amount"], texas["taxjar"]["sales_tax"]) == in_taxjar(world, "TX")
    amounts = answer["amounts"]
    assert (amounts["reported"]["amount"], amounts["held_in_taxjar"]["amount"]) == ("234.00", "117.00")
    assert (amounts["held_not_in_taxjar"]["amount"], answer["accounted"]["ties"]) == ("0.00", True)


async def test_what_a_person_accepted_as_deleted_is_not_counted_as_held_by_taxjar(world: World) -> None:
    await filed(world)
    lose_in_taxjar(world, "USMF-INV-1")
    await findings(world, heal=True)
    await world.settle()
    assert await outcome(world, "INV-1") == "held deleted_in_taxjar"
    await decided(world, "USMF-INV-1", "dismiss")
    answer = await month(world)
    [texas] = [state for state in answer["states"] if state["state"] == "TX"]
    assert (texas["taxjar"]["amount"], texas["taxjar"]["sales_tax"]) == in_taxjar(world, "TX")
    assert texas["difference"] == {"amount": "117.00", "sales_tax": "9.65"}


async def test_what_a_person_kept_as_changed_counts_as_taxjar_has_it(world: World) -> None:
    await filed(world)
    edit_in_taxjar(world, "USMF-INV-1", sales_tax=Decimal("5.00"))
    await findings(world, heal=True, deep=True)
    await world.settle()
    await decided(world, "USMF-INV-1", "dismiss")
    [texas] = [state for state in (await month(world))["states"] if state["state"] == "TX"]
    assert (texas["taxjar"]["amount"], texas["taxjar"]["sales_tax"]) == in_taxjar(world, "TX")


@pytest.mark.parametrize("decision", ["settle", "hold"])
async def test_held_outside_of_taxjar_and_handled_outside_have_headings_of_their_own(
    world: World, decision: str
) -> None:
    await filed(world)
    world.posting.invoice(sale("ASTRAY", OCTOBER, ship_to=ODD))
    await world.sweep()
    await world.settle()
    if decision == "settle":
        await decided(world, "USMF-ASTRAY", "settle")
    await world.poll()
    amounts = (await month(world))["amounts"]
    heading = "handled_outside" if decision == "settle" else "held_not_in_taxjar"
    assert amounts[heading] == {"amount": "117.00", "sales_tax": "9.65"}
    assert amounts["skipped"]["amount"] == "0.00"
    assert (await month(world))["ready_to_file"] is (decision == "settle")
