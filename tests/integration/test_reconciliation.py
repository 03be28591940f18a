"""Reconciliation of F&O, the ledger and TaxJar: planted differences are found, and nothing else (design 4.7)."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest

from local.simulation import Simulation
from local.simulators.dynamics.specs import AddressSpec, LineSpec
from local.simulators.faults import Fault
from local.simulators.taxjar.records import StoredCustomer
from shared.flows.reconciliation.jobs import reconcile_nightly
from shared.flows.reconciliation.reconcile import ReconcileQuery
from shared.flows.review import decide
from shared.flows.review.documents import Chosen
from shared.ledger.records import State
from shared.web import Problem, read_query
from tests.conftest import CERTIFICATES
from tests.filing import decided
from tests.interrupted import Interrupted
from tests.reconciling import (
    ask,
    change_in_dynamics,
    edit_in_taxjar,
    findings,
    invoice,
    lose_in_taxjar,
    plant,
    remove_from_dynamics,
    statuses,
    sweep,
)
from tests.world import TODAY, Clock, World, connected, furnished, running_world

PLACES = (
    AddressSpec("77 Barton Springs Rd", "Austin", "TX", "78704"),
    AddressSpec("1 Market St", "San Francisco", "CA", "94105"),
    AddressSpec("350 5th Ave", "New York", "NY", "10118"),
)


def days(first: str, last: str) -> dict[str, Any]:
    """The query of these days."""
    return {"from": first, "to": last}


def post_month(world: World, count: int) -> None:
    """Invoices over thirty days and three states, a credit note for every tenth."""
    for number in range(count):
        day = TODAY - timedelta(days=number % 30)
        spec = invoice(f"INV-{number:04d}", day, ship_to=PLACES[number % 3], lines=[LineSpec(price=50 + number)])
        posted = world.posting.invoice(spec)
        if number % 10 == 0:
            world.posting.credit_note(posted, f"CRN-{number:04d}", min(day + timedelta(days=1), TODAY))


@pytest.mark.parametrize("count", [200, pytest.param(910, marks=pytest.mark.thorough)])
async def test_each_planted_difference_is_found_and_nothing_else(world: World, count: int) -> None:
    post_month(world, count)
    await sweep(world)
    documents = count + count // 10
    agreed = await findings(world, deep=True)
    assert (agreed["counts"]["reconciled"], agreed["documents"], agreed["foreign"]) == (documents, [], [])
    assert agreed["untaxed_without_reason"] == []

    lose_in_taxjar(world, "USMF-INV-0011")
    remove_from_dynamics(world, "INV-0022")
    edit_in_taxjar(world, "USMF-INV-0033", amount=Decimal("84.00"))
    edit_in_taxjar(world, "USMF-CRN-0050-refund", sales_tax=Decimal("-1.00"))
    plant(world, "USMF-STRANGER")
    found = await findings(world, deep=True)
    assert statuses(found) == {
        "USMF-INV-0011": "missing_in_taxjar",
        "USMF-INV-0022": "missing_in_dynamics",
        "USMF-INV-0033": "amount_mismatch",
        "USMF-CRN-0050-refund": "tax_mismatch",
    }
    assert [other["transaction_id"] for other in found["foreign"]] == ["USMF-STRANGER"]
    assert found["counts"] == {
        "reconciled": documents - 4,
        "missing_in_taxjar": 1,
        "missing_in_dynamics": 1,
        "amount_mismatch": 1,
        "tax_mismatch": 1,
        **dict.fromkeys(("state_mismatch", "date_mismatch", "exemption_mismatch", "lines_mismatch"), 0),
    }


async def test_both_sides_and_their_difference_are_told_in_dollars(world: World) -> None:
    world.posting.invoice(invoice("INV-1"))
    world.posting.invoice(invoice("INV-2", ship_to=PLACES[1]))
    await sweep(world)
    edit_in_taxjar(world, "USMF-INV-1", sales_tax=Decimal("1.00"))
    found = await findings(world, deep=True)
    [document] = found["documents"]
    assert document["dynamics"] == {"amount": "100.00", "sales_tax": "8.25"}
    assert document["taxjar"] == {"amount": "100.00", "sales_tax": "1.00"}
    assert document["difference"] == {"amount": "0.00", "sales_tax": "7.25"}
    assert found["totals"]["TX"]["difference"] == {"amount": "0.00", "sales_tax": "7.25"}
    assert found["totals"]["CA"]["dynamics"] == found["totals"]["CA"]["taxjar"] == document["dynamics"]
    assert found["totals"]["CA"]["counts"]["reconciled"] == 1


async def test_amounts_are_fetched_for_those_in_doubt_only(world: World) -> None:
    post_month(world, 40)
    await sweep(world)
    change_in_dynamics(world, "INV-0003", TotalInvoiceAmount=Decimal("99.00"))
    before = len(world.simulation.taxjar.calls)
    found = await findings(world)
    gets = [call for call in world.simulation.taxjar.calls[before:] if "/orders/" in call.path]
    assert [call.path.rpartition("/")[2] for call in gets] == ["USMF-INV-0003"]
    assert statuses(found) == {"USMF-INV-0003": "amount_mismatch"}


async def test_get_changes_nothing(world: World) -> None:
    post_month(world, 20)
    await sweep(world)
    world.posting.invoice(invoice("NEW"))
    lose_in_taxjar(world, "USMF-INV-0001")
    remove_from_dynamics(world, "INV-0002")
    before = await world.records(), dict(world.taxjar.transactions)
    found = await findings(world)
    await world.settle()
    assert (await world.records(), world.taxjar.transactions) == before
    assert (found["enqueued"], found["held"]) == (0, 0)
    assert statuses(found)["USMF-NEW"] == "missing_in_taxjar"


async def test_the_night_sends_again_what_taxjar_lost_and_what_no_poll_found(world: World) -> None:
    world.posting.invoice(invoice("INV-1"))
    world.posting.invoice(invoice("CLOSED", TODAY - timedelta(days=40)))
    await sweep(world)
    world.posting.invoice(invoice("BACK-DATED", TODAY - timedelta(days=30)))
    lose_in_taxjar(world, "USMF-INV-1")
    lose_in_taxjar(world, "USMF-CLOSED")
    await reconcile_nightly(world.connector, by="test")
    await world.settle()
    assert world.taxjar.orders.keys() == {"USMF-INV-1", "USMF-BACK-DATED"}
    assert [entry["decision"] for entry in await world.audit("INV-1")] == ["seen", "reported", "retrying", "reported"]
    assert (await world.record("BACK-DATED")).state is State.REPORTED
    # What a state may have received is not sent again without a person.
    closed = await world.record("CLOSED")
    assert (closed.state, closed.reason) == (State.HELD, "deleted_in_taxjar")
    assert statuses(await findings(world)) == {"USMF-CLOSED": "missing_in_taxjar"}


async def test_a_failed_document_is_tried_again(world: World) -> None:
    world.posting.invoice(invoice("INV-1"))
    world.simulation.taxjar.faults.add(Fault(path="*/transactions/*", status=503))
    await world.poll()
    await world.work()
    world.clock.advance(days=8)
    await world.settle()
    assert (await world.record("INV-1")).state is State.FAILED
    world.simulation.taxjar.faults.clear()
    found = await findings(world, heal=True)
    await world.settle()
    assert found["enqueued"] == 1
    assert (await world.record("INV-1")).state is State.REPORTED


async def test_a_document_reported_while_a_reconciliation_reads_is_not_missing_in_dynamics(azurite: str) -> None:
    """F&O's listing was read before it was posted, the ledger's and TaxJar's after."""

    async def another_is_posted_and_reported() -> None:
        world.clock.advance(minutes=1)
        world.posting.invoice(invoice("INV-1"))
        await world.run()
        assert (await world.record("INV-1")).state is State.REPORTED

    reading = Interrupted("/data/SalesInvoiceHeadersV2", another_is_posted_and_reported, late=True)
    async with running_world(azurite, CERTIFICATES, remote_transport=reading) as world:
        found = await findings(world, deep=True)
        assert world.taxjar.orders.keys() == {"USMF-INV-1"}
        assert (found["documents"], found["foreign"]) == ([], [])


async def test_what_was_settled_again_during_a_reconciliation_is_left_alone(azurite: str) -> None:
    async def a_person_has_the_change_reported() -> None:
        world.clock.advance(minutes=1)
        await decided(world, "USMF-INV-1", "retry")
        assert world.taxjar.orders["USMF-INV-1"].sales_tax == Decimal("9.25")

    comparing = Interrupted("/orders/USMF-INV-1", a_person_has_the_change_reported, late=True)
    async with running_world(azurite, CERTIFICATES, remote_transport=comparing) as world:
        world.posting.invoice(invoice("INV-1"))
        await sweep(world)
        change_in_dynamics(world, "INV-1", TotalInvoiceAmount=Decimal("109.25"), TotalTaxAmount=Decimal("9.25"))
        [line] = world.simulation.dynamics.store.rows("SalesInvoiceV2Lines")
        world.simulation.dynamics.store.update("SalesInvoiceV2Lines", line, {"LineTotalTaxAmount": Decimal("9.25")})
        found = await findings(world, heal=True)
        assert (statuses(found), found["held"]) == ({"USMF-INV-1": "tax_mismatch"}, 0)
        record = await world.record("INV-1")
        assert (record.state, record.filing.sales_tax) == (State.REPORTED, Decimal("9.25"))


async def test_what_is_held_is_missing_and_stays_held(world: World) -> None:
    world.posting.invoice(invoice("ASTRAY", ship_to=AddressSpec("1 Main St", "Austin", "NY", "78704")))
    await sweep(world)
    found = await findings(world, heal=True)
    await world.settle()
    [document] = found["documents"]
    assert (document["status"], document["state"], document["reason"]) == (
        "missing_in_taxjar",
        "held",
        "zip_state_mismatch",
    )
    assert found["enqueued"] == 0
    assert (await world.record("ASTRAY")).state is State.HELD


async def test_what_is_skipped_is_not_missing(world: World) -> None:
    world.posting.invoice(invoice("PROFORMA", date(2026, 1, 1), is_proforma=True, tax_rate=Decimal(0)))
    world.posting.invoice(invoice("OLD", date(2025, 12, 31)))
    await findings(world, heal=True, **days("2025-12-31", "2026-01-01"))
    await world.settle()
    found = await findings(world, **days("2025-12-31", "2026-01-01"))
    assert (found["documents"], found["skipped"]) == ([], 2)


async def test_what_vanished_from_dynamics_is_held_and_a_person_may_keep_it(world: World) -> None:
    world.posting.invoice(invoice("INV-1"))
    await sweep(world)
    remove_from_dynamics(world, "INV-1")
    assert (await findings(world, heal=True))["held"] == 1
    record = await world.record("INV-1")
    assert (record.state, record.reason) == (State.HELD, "missing_in_dynamics")
    why = decide.DecisionBody(reason="cancelled twice by mistake", by="Ann")
    await decide.decide_document(world.connector, "main", "usmf", "USMF-INV-1", "dismiss", why, Chosen())
    assert (await findings(world, heal=True))["held"] == 0
    assert (await world.record("INV-1")).state is State.REPORTED


async def test_what_changed_in_dynamics_is_held_and_a_retry_reports_it(world: World) -> None:
    world.posting.invoice(invoice("INV-1"))
    await sweep(world)
    change_in_dynamics(world, "INV-1", TotalInvoiceAmount=Decimal("107.25"), TotalTaxAmount=Decimal("7.25"))
    found = await findings(world, heal=True)
    assert (statuses(found), found["held"]) == ({"USMF-INV-1": "tax_mismatch"}, 1)
    record = await world.record("INV-1")
    assert (record.state, record.reason) == (State.HELD, "changed_in_dynamics")
    assert "8.25" in record.message
    assert "7.25" in record.message
    assert world.taxjar.orders["USMF-INV-1"].sales_tax == Decimal("8.25")


async def test_a_correction_counts_as_its_document(world: World) -> None:
    settings = {"product_tax_codes": {"items": {"P-1000": "20010"}}}
    world.change_settings(**settings)
    filed_on = date(2026, 10, 12)
    world.posting.invoice(invoice("INV-1", filed_on))
    await sweep(world)
    world.change_settings(product_tax_codes={"items": {"P-1000": "40030"}})
    why = decide.DecisionBody(reason="wrong code", by="Ann")
    await decide.decide_document(world.connector, "main", "usmf", "USMF-INV-1", "retry", why, Chosen())
    await world.settle()
    await decide.decide_document(world.connector, "main", "usmf", "USMF-INV-1", "approve", why, Chosen())
    await world.settle()
    assert world.taxjar.transactions.keys() == {
        ("api", "USMF-INV-1"),
        ("api", "USMF-INV-1-reversal-1"),
        ("api", "USMF-INV-1-1"),
    }
    for deep in (False, True):
        found = await findings(world, deep=deep)
        assert (found["counts"]["reconciled"], found["documents"], found["foreign"]) == (1, [], [])


async def test_foreign_transactions_of_other_providers_are_listed(world: World) -> None:
    world.posting.invoice(invoice("INV-1"))
    await sweep(world)
    plant(world, "114-5551", provider="amazon")
    plant(world, "W-77", provider="woo")
    plant(world, "P-9", provider="pos")
    assert [other["provider"] for other in (await findings(world))["foreign"]] == ["amazon", "woo"]
    named = (await findings(world, provider="pos"))["foreign"]
    assert [other["provider"] for other in named] == ["amazon", "woo", "pos"]


async def test_untaxed_sales_that_nothing_explains_are_listed(world: World) -> None:
    codes = {"P-BOOK": "81100", "P-CLASS": "19004"}
    world.change_settings(product_tax_codes={"items": codes}, exempt_tax_groups={"RESALE": "wholesale"})
    world.posting.customer("C-2000", "Prairie Resellers")
    world.taxjar.customers["USMF-C-2000"] = StoredCustomer(
        customer_id="USMF-C-2000", exemption_type="wholesale", name="Prairie Resellers"
    )
    free: dict[str, Any] = {"tax_rate": Decimal(0)}
    world.posting.invoice(invoice("NO-REASON", **free))
    world.posting.invoice(invoice("EXEMPT-IN-TAXJAR", customer="C-2000", **free))
    world.posting.invoice(invoice("EXEMPT-SALE", tax_group="RESALE", **free))
    world.posting.invoice(invoice("EXEMPT-PRODUCT", lines=[LineSpec("P-CLASS")], **free))
    world.posting.invoice(invoice("TAXED-PRODUCT", lines=[LineSpec("P-BOOK")], **free))
    world.posting.invoice(invoice("ONE-PRODUCT", lines=[LineSpec("P-CLASS"), LineSpec()], **free))
    world.posting.invoice(invoice("PARTLY-TAXED", lines=[LineSpec(), LineSpec(tax=0)]))
    world.posting.invoice(invoice("NO-NEXUS", ship_to=AddressSpec("900 SW 5th Ave", "Portland", "OR", "97204"), **free))
    world.posting.invoice(invoice("TAXED"))
    await sweep(world)
    found = await findings(world)
    # The transaction of a customer who is exempt in TaxJar alone says non_exempt, so it is filed as taxable.
    assert [sale["transaction_id"] for sale in found["untaxed_without_reason"]] == [
        "USMF-EXEMPT-IN-TAXJAR",
        "USMF-NO-REASON",
        "USMF-ONE-PRODUCT",
        "USMF-PARTLY-TAXED",
        "USMF-TAXED-PRODUCT",
    ]
    # What a product tax code means in a state is asked once.
    assert sum(1 for call in world.simulation.taxjar.calls if call.path.endswith("/taxes")) == 2


async def test_a_plan_without_tax_calculation_explains_no_untaxed_sale_and_pauses_nothing(world: World) -> None:
    world.change_settings(product_tax_codes={"items": {"P-CLASS": "19004"}})
    world.posting.invoice(invoice("EXEMPT-PRODUCT", lines=[LineSpec("P-CLASS")], tax_rate=Decimal(0)))
    await sweep(world)
    world.simulation.taxjar.faults.add(Fault(path="*/taxes", status=403))
    found = await findings(world)
    assert [sale["transaction_id"] for sale in found["untaxed_without_reason"]] == ["USMF-EXEMPT-PRODUCT"]
    world.posting.invoice(invoice("NEXT"))
    await sweep(world)
    assert (await world.record("NEXT")).state is State.REPORTED


async def test_the_csv_has_one_row_per_finding(world: World) -> None:
    post_month(world, 20)
    await sweep(world)
    lose_in_taxjar(world, "USMF-INV-0001")
    plant(world, "USMF-STRANGER")
    answer = await ask(world, format="csv")
    rows = list(csv.DictReader(StringIO(answer.body)))
    assert answer.content_type == "text/csv"
    assert [(row["transaction_id"], row["status"]) for row in rows] == [
        ("USMF-INV-0001", "missing_in_taxjar"),
        ("USMF-STRANGER", "foreign"),
    ]
    assert (rows[0]["dynamics_amount"], rows[0]["taxjar_amount"]) == ("51.00", "")


async def test_a_remote_side_that_does_not_answer_is_told_with_a_time_to_come_back(world: World) -> None:
    world.simulation.taxjar.faults.add(Fault(path="*/transactions/orders", status=429, retry_after=30, times=1))
    with pytest.raises(Problem) as told:
        await ask(world)
    assert told.value.status == 503
    assert 0 < int(told.value.headers["Retry-After"]) <= 31
    with pytest.raises(Problem, match="paused"):
        await ask(world)


async def test_a_hiccup_of_taxjar_does_not_end_a_reconciliation(world: World) -> None:
    post_month(world, 10)
    await sweep(world)
    world.simulation.taxjar.faults.add(Fault(method="GET", path="*/transactions/*", status=503, times=2))
    assert (await findings(world, deep=True))["counts"]["reconciled"] == 11


async def test_documents_of_another_company_in_the_same_account_are_not_foreign(azurite: str) -> None:
    with Simulation(CERTIFICATES, clock=(clock := Clock())) as simulation:
        start = {"report_from": "2026-01-01"}
        connections = {"main": simulation.settings({"usmf": start, "usrt": start})}
        async with connected(azurite, simulation, clock, connections) as world:
            furnished(world.posting).invoice(invoice("INV-1"))
            other = simulation.posting("usrt")
            other.legal_entity("Lone Star Outfitters", PLACES[0])
            other.warehouse("W-DAL", PLACES[0])
            other.customer("C-1000", "Barton Tools")
            other.invoice(invoice("INV-2"))
            await world.run()
            found = await findings(world, **days(str(TODAY), str(TODAY)))
            assert (found["counts"]["reconciled"], found["foreign"]) == (1, [])
            assert world.taxjar.orders.keys() == {"USMF-INV-1", "USRT-INV-2"}


async def test_the_night_goes_on_after_trouble_with_one_company(world: World) -> None:
    world.simulation.taxjar.faults.add(Fault(path="*/transactions/orders", status=503))
    await reconcile_nightly(world.connector, by="test")
    world.simulation.taxjar.faults.clear()
    await reconcile_nightly(world.connector, by="test")


@pytest.mark.parametrize("query", [{"from": "2024-03-02", "to": "2026-03-01"}, {"from": "2024-03-02"}])
async def test_more_than_a_year_is_refused_also_without_an_end(world: World, query: dict[str, Any]) -> None:
    with pytest.raises(Problem, match="longer than a year") as refused:
        await findings(world, **query)
    assert refused.value.status == 400


async def test_an_end_alone_is_never_before_the_start(world: World) -> None:
    day = TODAY - timedelta(days=60)
    world.posting.invoice(invoice("INV-1", day))
    found = await findings(world, to=day.isoformat())
    assert (found["from"], found["counts"]["missing_in_taxjar"]) == (day.isoformat(), 1)


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ({"from": "2026-03-02", "to": "2026-03-01"}, "query: from .* must not be after"),
        ({"from": "yesterday"}, "from: give a date such as 2026-09-30"),
        ({"from": "0"}, "from: give a date such as 2026-09-30"),
        ({"from": "20260930"}, "from: give a date such as 2026-09-30"),
        ({"to": "9999-12-31"}, "to: give a date from 1900-01-01 to 2154-12-31"),
        ({"format": "xml"}, "format"),
    ],
)
def test_a_query_that_is_wrong_is_refused_by_name(query: dict[str, Any], word: str) -> None:
    with pytest.raises(Problem, match=word):
        read_query(query, ReconcileQuery)
