"""An odd value in any field of one document is that document's trouble: all others are reported (case R8).

Of every set that a document is read from each field of one document shows something that makes no sense: half a
character, far too much text, another type. Ordinary documents share their messages, listings and jobs.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import stamina

from local.simulation import CONNECTION
from local.simulators.dynamics.specs import AddressSpec, ChargeSpec, InvoiceSpec, LineSpec, PostedInvoice, Source
from shared.dynamics import entities
from shared.flows.backfill.start import BackfillRequest, show_backfill, start_backfill
from shared.flows.operations.nightly import reconcile_and_tell
from shared.flows.reconciliation.completeness import CompletenessQuery, show_completeness
from shared.ledger.jobs import JobState
from shared.ledger.records import State
from tests.conftest import CERTIFICATES
from tests.world import COMPANY, TODAY, World, running_world

VALUES: tuple[Any, ...] = (
    "C-\ud83d",
    "X" * 40_000,
    [1],
    10**30,
    "A\x00\x07\x1b\u2028B",
    None,
    "2026-13-99",
    True,
    {"a": 1},
    "Ä" * 1200,
)
TAXED = Decimal("0.0825")
SINCE = TODAY - timedelta(days=2)


def ordinary(spec: InvoiceSpec) -> InvoiceSpec:
    return spec


def exempt(spec: InvoiceSpec) -> InvoiceSpec:
    return replace(spec, tax_rate=Decimal(0))


def by_order(spec: InvoiceSpec) -> InvoiceSpec:
    """Where it went is known from its order alone."""
    return replace(spec, ship_to=None, order_ship_to=spec.ship_to)


def free_text(spec: InvoiceSpec) -> InvoiceSpec:
    line = LineSpec("", name=f"Repair {spec.number}", price=80)
    spec = replace(spec, has_standard_lines=False, has_table_lines=False)
    return replace(spec, source=Source.FREE_TEXT, lines=[line], charges=[])


@dataclass(frozen=True)
class Rows:
    """The rows of a set that belong to one document: by which field, and of which kind of document."""

    entity: entities.Entity
    field: str
    value: Callable[[PostedInvoice], Any]
    kind: Callable[[InvoiceSpec], InvoiceSpec] = ordinary
    is_return: bool = False


def number(posted: PostedInvoice) -> str:
    return posted.number


def order(posted: PostedInvoice) -> str:
    return posted.order


SETS = (
    Rows(entities.HEADERS, "InvoiceNumber", number),
    Rows(entities.LINES, "InvoiceNumber", number),
    Rows(entities.JOURNALS, "InvoiceId", number),
    Rows(entities.JOURNAL_LINES, "InvoiceId", number),
    Rows(entities.CHARGES, "Voucher", lambda posted: posted.voucher),
    Rows(entities.POSTAL_ADDRESSES, "Street", lambda posted: posted.spec.ship_to and posted.spec.ship_to.street),
    Rows(entities.CUSTOMERS, "CustomerAccount", lambda posted: posted.spec.customer, exempt),
    Rows(entities.ORDERS, "SalesOrderNumber", order, by_order),
    Rows(entities.ORDER_LINES, "SalesOrderNumber", order, by_order),
    Rows(entities.FREE_TEXT_HEADERS, "FreeTextNumber", number, free_text),
    Rows(entities.FREE_TEXT_LINES, "Description", lambda posted: f"Repair {posted.number}", free_text),
    Rows(entities.RETURN_LINES, "SalesId", order, is_return=True),
    Rows(entities.CREDIT_REFERENCES, "InvoiceRecId", lambda posted: posted.rec_id, is_return=True),
)


@pytest.fixture(autouse=True)
def _retries_do_not_wait() -> Iterator[None]:
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


@pytest.fixture
async def world(azurite: str) -> AsyncIterator[World]:
    settings = {"exempt_tax_groups": {"EXEMPT": "wholesale"}}
    async with running_world(azurite, CERTIFICATES, settings=settings) as world:
        yield world


def post(world: World, name: str, place: int, rows: Rows = SETS[0]) -> PostedInvoice:
    """A document with customer and address of its own."""
    customer, group = f"C-{name}", "EXEMPT" if rows.kind is exempt else "TX-AUS"
    world.posting.customer(customer, f"Customer {name}", tax_group=group)
    ship_to = AddressSpec(f"{name} Congress Ave", "Austin", "TX", "78701")
    day = TODAY - timedelta(days=place % 3)
    spec = InvoiceSpec(
        name, day, customer=customer, ship_to=ship_to, charges=[ChargeSpec("FREIGHT", 10)], tax_rate=TAXED
    )
    if rows.is_return:
        sale = world.posting.invoice(replace(spec, number=f"{name}-SALE", date=TODAY - timedelta(days=60)))
        return world.posting.credit_note(sale, name, day)
    return world.posting.invoice(rows.kind(spec))


def post_hostile_documents(world: World, turn: int, sets: Sequence[Rows] = SETS) -> tuple[Mapping[str, str], list[str]]:
    """One for each field of each set, and ordinary ones between them; number → what is odd about it."""
    odd: dict[str, str] = {}
    well: list[str] = []
    for rows in sets:
        for field in (*rows.entity.fields, *rows.entity.spare):
            place = len(odd)
            value = VALUES[(place + turn) % len(VALUES)]
            posted = post(world, f"D-{place:04d}-ODD", place, rows)
            match = {rows.field: rows.value(posted)}
            world.simulation.dynamics.row_faults.garble(rows.entity.name, {field: value}, **match)
            odd[posted.number] = f"{rows.entity.name}.{field} = {ascii(value)[:30]}"
            if place % 4 == 0:
                well.append(post(world, f"D-{place:04d}-WELL", place).number)
    return odd, well


async def in_trouble(world: World, numbers: list[str]) -> dict[str, tuple[State, str] | None]:
    found = {record.key.number: (record.state, record.message) for record in await world.records()}
    return {name: found.get(name) for name in numbers if found.get(name, (None, ""))[0] is not State.REPORTED}


@pytest.mark.parametrize("turn", [0, *(pytest.param(n, marks=pytest.mark.thorough) for n in range(1, len(VALUES)))])
async def test_an_odd_value_in_any_field_keeps_no_other_document(world: World, turn: int) -> None:
    post(world, "FIRST", 0)
    await world.sweep()
    await world.settle()  # all sets were readable before
    odd, well = post_hostile_documents(world, turn)
    await world.sweep()
    await world.work()
    assert await in_trouble(world, well) == {}, "at once, whatever shares their messages"
    await world.settle(within=timedelta(days=2))
    ended = {record.key.number: record for record in await world.records()}
    failed = {what: ended[name].message for name, what in odd.items() if name in ended and ended[name].in_flight}
    assert failed == {}, "none goes on for ever"
    failed = {what: ended[name].message for name, what in odd.items() if name in ended and _is_defect(ended[name])}
    assert failed == {}, "each waits for a sentence that a clerk understands"


@pytest.mark.parametrize("sets", [SETS[:1], pytest.param(SETS, marks=pytest.mark.thorough)], ids=["headers", "all"])
async def test_jobs_go_on_over_documents_with_odd_values(world: World, sets: Sequence[Rows]) -> None:
    _, well = post_hostile_documents(world, 3, sets)
    request = BackfillRequest.model_validate({"company": COMPANY, "from": SINCE, "to": TODAY})
    job = (await start_backfill(world.connector, CONNECTION, request))["job"]
    await world.settle(within=timedelta(days=3))
    assert (await show_backfill(world.connector, CONNECTION, job))["state"] == "finished"
    assert await in_trouble(world, well) == {}
    query = CompletenessQuery.model_validate({"from": SINCE, "to": TODAY})
    answer = await show_completeness(world.connector, CONNECTION, COMPANY, query)
    assert answer.body["ready_to_file"] is False
    assert answer.body["reported"] >= len(well)
    await reconcile_and_tell(world.connector, by="test")
    await world.settle(within=timedelta(days=1))
    jobs = await world.connector.reconciliations.listing(CONNECTION, world.clock(), limit=5)
    assert [each.state for each in jobs] == [JobState.FINISHED]


@pytest.mark.parametrize("value", VALUES[:2])
@pytest.mark.parametrize(("entity", "key"), [(entities.WAREHOUSES, "WarehouseId"), (entities.SITES, "SiteId")])
async def test_a_warehouse_or_site_with_an_odd_address_keeps_no_document_that_comes_from_elsewhere(
    world: World, entity: entities.Entity, key: str, value: str
) -> None:
    store = world.simulation.dynamics.store
    store.add(entity.name, {**store.rows(entity.name)[0], key: "ELSEWHERE", "PrimaryAddressStreet": value})
    well = [post(world, f"WELL-{number}", number).number for number in range(3)]
    await world.sweep()
    await world.settle()
    assert await in_trouble(world, well) == {}


def _is_defect(record: Any) -> bool:
    return record.state is State.FAILED or "Unexpected" in record.message


async def test_a_row_that_shows_no_more_than_its_key_is_held_after_a_backfill(world: World) -> None:
    world.posting.invoice(InvoiceSpec("WELL", TODAY, tax_rate=TAXED))
    bad = InvoiceSpec("BAD", TODAY, tax_rate=TAXED)
    world.posting.invoice(replace(bad, values={"SalesInvoiceHeadersV2": {"TotalTaxAmount": None}}))
    request = BackfillRequest.model_validate({"company": COMPANY, "from": SINCE, "to": TODAY})
    job = (await start_backfill(world.connector, CONNECTION, request))["job"]
    await world.settle()
    shown = await show_backfill(world.connector, CONNECTION, job)
    assert (shown["reported"], shown["held"], shown["reasons"]) == (1, 1, {"held": {"unreadable_row": 1}})
