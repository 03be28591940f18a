"""Exempt customers: everybody whom F&O shows as exempt is so in TaxJar, and nobody else (design 4.5).

F&O has no change stamp on customers, so all of them are read, and what TaxJar received is compared by fingerprint.
A customer is never deleted: an exemption that ended becomes ``non_exempt``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from operator import itemgetter

from shared import telemetry
from shared.connector import Connection, Connector
from shared.documents import Customer
from shared.dynamics.errors import DynamicsError
from shared.dynamics.filters import chunks
from shared.flows.customers.put import CustomerDesk, named, without_states
from shared.flows.work.fence import Fenced, check_fence
from shared.flows.work.pausing import pause_after
from shared.flows.work.timers import run_each
from shared.ledger.audit import Actor
from shared.ledger.customers import CustomerBusy, CustomerRecord
from shared.mapping import Exemption, ExemptionRule, customer_id, exemption_of, map_customer, needs_delivery_addresses
from shared.remote.pauses import Paused
from shared.taxjar.customers import customer_to_wire
from shared.taxjar.errors import Rejected, TaxJarError
from shared.taxjar.wire import payload_hash
from shared.transactions import ExemptionType, TaxJarCustomer

logger = logging.getLogger(__name__)

_AT_ONCE = 8
"""Customers that are with TaxJar at the same time."""
_COMPARED_AT_ONCE = 500
"""Customers compared before others may run."""
_PATIENCE = 3
"""Calls in a row without an answer after which the rest of a company is left to the next run."""

Change = tuple[TaxJarCustomer, Exemption | None]


async def sync_exempt_customers(connector: Connector, by: str) -> None:
    """Bring the customers of every connection up to date."""
    actor = Actor(function="sync_exempt_customers", by=by)
    runs = {
        name: partial(sync_connection, connector, connection, actor)
        for name, connection in connector.connections.items()
    }
    await run_each(actor.function, runs)


async def sync_connection(connector: Connector, connection: Connection, actor: Actor) -> None:
    """The customers of one environment. Trouble with F&O ends it early; the next run compares them all again."""
    companies = {
        company.id: _CompanySync(CustomerDesk(connector, connection, company, actor))
        for company in connection.companies.values()
    }
    complete = False
    try:
        await connection.gate.open()
        async for company, customers in connection.reader.list_customers(companies):
            await companies[company].bring_up_to_date(customers)
            if all(sync.given_up for sync in companies.values()):
                break
        else:
            complete = True
    except Paused as paused:
        logger.warning("%s: customers not read: %s", connection.name, paused)
    except DynamicsError as error:
        await pause_after(connection.gate, error)
        logger.error("%s: customer sync ended early: %s", connection.name, error)
    finally:
        telemetry.ran(connection.name, actor.function, complete=complete)
    for sync in companies.values():
        await sync.finish(complete=complete)
    if complete and not any(sync.given_up for sync in companies.values()):
        await connector.last_runs.note(connection.name, "sync_exempt_customers", by=actor.by)


@dataclass(slots=True)
class _CompanySync:
    """One company's part of a run.

    What it remembers of customers is the ids of those that are or once were exempt, and those without an answer.
    """

    desk: CustomerDesk
    given_up: str = ""
    """Why TaxJar is not called any more in this run."""
    _put_in_taxjar: int = 0
    _unanswered: int = 0
    """Calls without an answer since the last one with an answer."""
    _later: list[tuple[str, Change]] = field(default_factory=list)
    """Changes that got no answer the last time, and when: they must not keep the others from their turn."""
    _listed: set[str] = field(default_factory=set)
    _without_states: list[str] = field(default_factory=list)
    _warned: set[str] = field(default_factory=set)

    async def bring_up_to_date(self, customers: Sequence[Customer]) -> None:
        """Put those of one page in TaxJar that it does not know as F&O shows them."""
        try:
            await self.desk.company.account.gate.open()
            await check_fence(self.desk.connector, self.desk.connection, self.desk.company, self.desk.actor)
        except (Paused, Fenced, TaxJarError) as paused:
            self.given_up = str(paused)
        if self.given_up:
            return
        by_id = {customer_id(self.desk.company.id, customer.account): customer for customer in customers}
        known = await self.desk.connector.customers.known(
            self.desk.connection.name, self.desk.company.id, by_id, account=self.desk.account
        )
        for some in chunks(list(by_id), _COMPARED_AT_ONCE):
            await asyncio.sleep(0)  # a long page must not keep the instance from answering
            changes = []
            located = await self._with_delivery_addresses([by_id[id] for id in some])
            for id, customer in zip(some, located, strict=True):
                record = known.get(id)
                change = self._change(customer, record)
                if record or change:
                    self._listed.add(id)
                if change and record and record.unanswered_at:
                    self._later.append((record.unanswered_at, change))
                elif change:
                    changes.append(change)
            await self._put_all(changes)

    async def finish(self, *, complete: bool) -> None:
        """The customers that TaxJar left without an answer in an earlier run, those asked longest ago first.

        ``complete`` says that F&O listed every customer: whom it did not list is gone.
        """
        await self._put_all([change for _, change in sorted(self._later, key=itemgetter(0))])
        if self._without_states:
            logger.warning("%s: %s", self._name, without_states(self._without_states))
        if complete and not self.given_up:
            await self._warn_of_those_that_are_gone()
        if self._put_in_taxjar or self.given_up:
            rest = f"; the rest waits: {self.given_up}" if self.given_up else ""
            logger.info("%s: %d customers put in TaxJar%s", self._name, self._put_in_taxjar, rest)

    @property
    def _name(self) -> str:
        return f"{self.desk.connection.name} {self.desk.company.id.upper()}"

    async def _with_delivery_addresses(self, customers: Sequence[Customer]) -> list[Customer]:
        """With the delivery addresses of those whose exemption holds where these are; F&O is asked for no other."""
        company = self.desk.company
        accounts = {customer.account for customer in customers if needs_delivery_addresses(customer, company.settings)}
        if not accounts:
            return list(customers)
        found = await self.desk.connection.reader.delivery_addresses(company.id, accounts)
        return [
            replace(customer, delivery_addresses=None if found is None else found.get(customer.account.casefold(), ()))
            if customer.account in accounts
            else customer
            for customer in customers
        ]

    def _change(self, customer: Customer, record: CustomerRecord | None) -> Change | None:
        """What has to be sent to TaxJar of ``customer``, if anything."""
        settings = self.desk.company.settings
        exemption = exemption_of(customer, settings)
        if exemption is None and (record is None or _may_still_hold(customer, record)):
            return None
        if exemption and exemption.warning and exemption.source not in self._warned:
            self._warned.add(exemption.source)
            logger.warning("%s: %s", self._name, exemption.warning)
        exemption_type = exemption.type if exemption else ExemptionType.NON_EXEMPT
        mapped = map_customer(self.desk.company.id, customer, settings, exemption_type)
        if mapped is None:
            self._without_states.append(customer.account)
            return None
        content = payload_hash(customer_to_wire(mapped))
        if record and content in (record.payload_hash, record.refused_hash):
            return None
        return mapped, exemption

    async def _put_all(self, changes: Sequence[Change]) -> None:
        for together in chunks(changes, _AT_ONCE):
            if not self.given_up:
                await asyncio.gather(*(self._put(*change) for change in together))

    async def _put(self, customer: TaxJarCustomer, exemption: Exemption | None) -> None:
        try:
            await self.desk.put(customer, exemption)
        except CustomerBusy as busy:
            logger.info("%s", busy)
        except Rejected as refusal:
            self._unanswered = 0
            logger.error("customer %s is not in TaxJar as it should be: %s", customer.customer_id, refusal)
        except Paused as paused:
            self.given_up = str(paused)
        except TaxJarError as trouble:
            self._unanswered += 1
            if await pause_after(self.desk.company.account.gate, trouble) or self._unanswered >= _PATIENCE:
                self.given_up = str(trouble)
        else:
            self._unanswered = 0
            self._put_in_taxjar += 1

    async def _warn_of_those_that_are_gone(self) -> None:
        exempt = self.desk.connector.customers.exempt(
            self.desk.connection.name, self.desk.company.id, account=self.desk.account
        )
        if gone := [id async for id in exempt if id not in self._listed]:
            words = "TaxJar holds customers as exempt that F&O does not list any more. If they are, end it in TaxJar:"
            logger.warning("%s: %s %s", self._name, words, named(gone))


def _may_still_hold(customer: Customer, record: CustomerRecord) -> bool:
    """Whether the rule that made the customer exempt cannot be asked now: that ends no exemption."""
    return customer.tax_group_exempt is None and record.rule == ExemptionRule.EXEMPT_IN_DYNAMICS
