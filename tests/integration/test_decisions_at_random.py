"""Whatever people, TaxJar's users, nights and crashes do, in whatever order: the sums stay right (design 4.6).

What the connector does to a document leaves TaxJar's sum of it as it was, or makes it what F&O shows, what was filed,
or what was proposed and approved. And from every state a decision leads out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from datetime import timedelta
from decimal import Decimal
from typing import Any, TypeVar

import httpx
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from local.simulation import CONNECTION, Simulation
from local.simulators.certificates import Certificates
from shared.flows.review.decide import Decision
from shared.flows.work.problems import Conflict
from shared.ledger.records import DocumentRecord, State
from tests.filing import Period, close, decided, net, sale
from tests.in_process import InProcess
from tests.mortal import Died, end_of_life
from tests.reconciling import edit_in_taxjar, findings, lose_in_taxjar
from tests.world import COMPANY, TODAY, Clock, World, connected, furnished

_Result = TypeVar("_Result")
Sums = tuple[Decimal, Decimal, Decimal]

MAPPINGS: dict[tuple[str, ...], Decimal] = {
    ("FREIGHT",): Decimal(12),
    ("FREIGHT", "HANDLING"): Decimal(17),
    ("HANDLING",): Decimal(5),
}
"""Charge codes that are shipping, and how much of a document that is."""
NUMBERS = ("INV-1", "CRN-1")
IDS = {"INV-1": "USMF-INV-1", "CRN-1": "USMF-CRN-1-refund"}
PERIODS: tuple[Period, ...] = ("open", "closed by day", "closed by person")
documents = st.sampled_from(NUMBERS)


class MortalWay(InProcess):
    """The way to F&O and TaxJar; the process dies of its next call to TaxJar's transactions when it is told to."""

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation)
        self.dies = ""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        is_meant = "/transactions/" in request.url.path and request.method in ("POST", "PUT")
        if self.dies == "before" and is_meant:
            raise Died
        answer = await super().handle_async_request(request)
        if self.dies == "after" and is_meant:
            raise Died
        return answer


class Decisions(RuleBasedStateMachine):
    """One sale and its return, in whatever happens to them."""

    azurite = ""
    certificates: Certificates

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.shipping = Decimal(12)
        self.allowed: dict[str, set[Sums]] = {}
        """What TaxJar may hold of each document."""

    def run(self, work: Awaitable[_Result]) -> _Result:
        async def done() -> _Result:
            return await work

        return self.loop.run(done())

    @initialize(period=st.sampled_from(PERIODS), corrected=st.booleans())
    def report(self, period: Period, *, corrected: bool) -> None:
        self.run(self._report(period))
        if corrected and period != "open":
            self.map_otherwise(("FREIGHT", "HANDLING"))
            for number in NUMBERS:
                self.decide(number, "retry")
                self.decide(number, "approve")

    async def _report(self, period: Period) -> None:
        clock = Clock()
        simulation = self.stack.enter_context(Simulation(self.certificates, clock=clock))
        self.way = MortalWay(simulation)
        company = {"report_from": "2026-01-01", "shipping_charge_codes": ["FREIGHT"]}
        connection: dict[str, Any] = simulation.settings({COMPANY: company})
        # A limit of calls per minute would wait in real time for a clock that stands still.
        connection["taxjar"]["max_calls_per_minute"] = 10_000_000
        self.world: World = await self.stack.enter_async_context(
            connected(self.azurite, simulation, clock, {CONNECTION: connection}, remote_transport=self.way)
        )
        furnished(self.world.posting)
        on = TODAY.replace(month=10, day=20) if period == "closed by day" else TODAY - timedelta(days=3)
        self.days = on - timedelta(days=1), on
        invoice = self.world.posting.invoice(sale(on=on - timedelta(days=1)))
        self.world.posting.credit_note(invoice, "CRN-1", on)
        await self.world.sweep()
        await self.world.settle()
        if period == "closed by person":
            await close(self.world, "TX", TODAY - timedelta(days=1))
        for number in NUMBERS:
            self.allowed[number] = {self.held(number)}

    def held(self, number: str) -> Sums:
        """TaxJar's sum of a document."""
        found = (each for each in self.world.taxjar.transactions.values() if number in each.transaction_id)
        return net(found)

    def truth(self, number: str) -> Sums:
        sign = -1 if number == "CRN-1" else 1
        return sign * Decimal("117.00"), sign * self.shipping, sign * Decimal("9.65")

    def record(self, number: str) -> DocumentRecord:
        return self.run(self.world.record(number))

    @rule(codes=st.sampled_from(list(MAPPINGS)))
    def map_otherwise(self, codes: tuple[str, ...]) -> None:
        self.world.change_settings(shipping_charge_codes=list(codes))
        self.shipping = MAPPINGS[codes]

    @rule(number=documents, decision=st.sampled_from([*["retry", "approve", "dismiss"] * 2, "settle"]))
    def decide(self, number: str, decision: str) -> None:
        before = self.record(number)
        was = self.held(number)
        allowed = {was, self.truth(number), _filed(before)}
        if decision == "approve" and before.decisions.proposal:
            allowed = {_after(was, before)}
        elif decision in ("dismiss", "settle"):
            allowed = {was}
        try:
            self.run(decided(self.world, IDS[number], decision))
        except Conflict:
            after = self.record(number)
            assert (after, self.held(number)) == (before, was)
            return
        if decision == "approve" and self.record(number).state is State.HELD:
            allowed = {was}
        self.allowed[number] = allowed | {was} if self.record(number).state is State.HELD else allowed

    @rule(
        number=documents, where=st.sets(st.integers(0, 3), min_size=1), change=st.sampled_from(["deleted", "changed"])
    )
    def touch_in_taxjar(self, number: str, where: set[int], change: str) -> None:
        """Somebody deletes or changes some of a document's transactions."""
        ids = sorted(each for _, each in self.world.taxjar.transactions if number in each)
        for chosen in (each for position, each in enumerate(ids) if position in where):
            if change == "deleted":
                lose_in_taxjar(self.world, chosen)
            else:
                stored = self.world.taxjar.transactions["api", chosen]
                edit_in_taxjar(self.world, chosen, sales_tax=stored.sales_tax * 2)
        self.allowed[number].add(self.held(number))

    @rule()
    def night(self) -> None:
        before = {number: self.held(number) for number in NUMBERS}
        filed = {number: _filed(self.record(number)) for number in NUMBERS}
        self.run(self._night())
        for number in NUMBERS:
            self.allowed[number] = {before[number], self.truth(number), filed[number]}

    async def _night(self) -> None:
        days = {"from": self.days[0].isoformat(), "to": self.days[1].isoformat()}
        await findings(self.world, heal=True, deep=True, **days)
        await self.world.settle()

    @rule(days=st.sampled_from([1, 9, 25]))
    def wait(self, days: int) -> None:
        self.world.clock.advance(days=days)

    @rule()
    def close_the_period(self) -> None:
        yesterday = self.world.clock().date() - timedelta(days=1)
        self.run(close(self.world, "TX", yesterday, reopen=True))

    @rule(number=documents, decision=st.sampled_from(["retry", "approve"]), dies=st.sampled_from(["before", "after"]))
    def crash(self, number: str, decision: str, dies: str) -> None:
        """The process dies of the first change in TaxJar that a decision leads to; polls find what it left."""
        was, before = self.held(number), self.record(number)
        allowed = {was, self.truth(number), _filed(before)}
        if before.decisions.proposal:
            allowed.add(_after(was, before))
        try:
            self.run(self._crash(number, decision, dies))
        except Conflict:
            return
        self.allowed[number] = allowed

    async def _crash(self, number: str, decision: str, dies: str) -> None:
        await decided(self.world, IDS[number], decision, settle=False)
        self.way.dies = dies
        await end_of_life(self.world.settle())
        self.way.dies = ""
        for _ in range(12):
            self.world.clock.advance(minutes=10)
            await self.world.poll()
            await self.world.settle()

    @invariant()
    def the_sums_are_right(self) -> None:
        for number in self.allowed:
            record = self.record(number)
            assert not record.in_flight, record.message
            assert self.held(number) in self.allowed[number], (number, record.state, record.reason, record.message)
            _, intact = self.run(self.world.connector.ledger.audit(record))
            assert intact

    def teardown(self) -> None:
        try:
            if self.allowed:
                self.run(self._lead_out())
        finally:
            self.run(self.stack.aclose())
            self.loop.close()

    async def _lead_out(self) -> None:
        """Whatever state each document is in: decisions bring it to an end, with what F&O shows in TaxJar."""
        await self._night()
        for number in NUMBERS:
            await decided(self.world, IDS[number], "retry")
            for _ in range(4):
                record = await self.world.record(number)
                if record.state is State.REPORTED:
                    break
                assert record.state is State.HELD
                decision = Decision.APPROVE if record.decisions.proposal else Decision.RETRY
                await decided(self.world, IDS[number], decision)
            record = await self.world.record(number)
            assert record.state is State.REPORTED, (record.reason, record.message)
            assert self.held(number) in {_filed(record), self.truth(number)}


def _filed(record: DocumentRecord) -> Sums:
    """What the ledger says that TaxJar holds of a document."""
    return _sum(each for each in record.filing.transactions if each.role != "deleted")


def _after(was: Sums, record: DocumentRecord) -> Sums:
    """TaxJar's sum once everything that is proposed was sent."""
    proposal = record.decisions.proposal
    assert proposal is not None
    return _plus(was, _sum(proposal.sent))


def _sum(filed: Any) -> Sums:
    total: Sums = (Decimal(0), Decimal(0), Decimal(0))
    for each in filed:
        total = _plus(total, (each.sums.amount, each.sums.shipping, each.sums.sales_tax))
    return total


def _plus(one: Sums, other: Sums) -> Sums:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


@pytest.mark.parametrize("examples", [6, pytest.param(100, marks=pytest.mark.thorough)])
def test_the_sums_stay_right_and_every_state_has_a_way_out(
    examples: int, azurite: str, certificates: Certificates
) -> None:
    class Machine(Decisions):
        pass

    Machine.azurite, Machine.certificates = azurite, certificates
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate, Phase.shrink),
        ),
    )
