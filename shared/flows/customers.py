"""Exempt customers: everybody whom F&O shows as exempt is so in TaxJar, and nobody else (design 4.5).

F&O has no change stamp on customers, so all of them are read, and what TaxJar was told is compared by fingerprint.
A customer is never deleted: an exemption that ended becomes ``non_exempt``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.connector import Connection, Connector
from shared.documents import Customer
from shared.dynamics.errors import DynamicsError
from shared.dynamics.filters import chunks
from shared.flows.pausing import pause_after
from shared.flows.put_customer import CustomerDesk
from shared.ledger.audit import Actor
from shared.ledger.customers import CustomerBusy, CustomerRecord
from shared.ledger.pauses import Paused
from shared.mapping import Exemption, ExemptionRule, customer_id, exemption_of, map_customer
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
"""Calls without an answer after which the rest of a company is left to the next run."""

Change = tuple[TaxJarCustomer, Exemption | None]


async def sync_exempt_customers(connector: Connector, by: str) -> None:
    """Bring the customers of every connection up to date."""
    for connection in connector.connections.values():
        await sync_connection(connector, connection, Actor(function="sync_exempt_customers", by=by))


async def sync_connection(connector: Connector, connection: Connection, actor: Actor) -> None:
    """The customers of one environment. Trouble with F&O ends it early; the next run compares them all again."""
    companies = {
        company.id: _CompanySync(CustomerDesk(connector, connection, company, actor))
        for company in connection.companies.values()
    }
    try:
        await connection.gate.open()
        async for company, customers in connection.reader.list_customers(companies):
            await companies[company].bring_up_to_date(customers)
    except Paused as paused:
        logger.warning("%s: customers not read: %s", connection.name, paused)
    except DynamicsError as error:
        await pause_after(connection.gate, error)
        logger.error("%s: customer sync ended early: %s", connection.name, error)
    for company, sync in companies.items():
        if sync.put or sync.given_up:
            rest = f"; the rest waits: {sync.given_up}" if sync.given_up else ""
            logger.info("%s %s: %d customers put in TaxJar%s", connection.name, company.upper(), sync.put, rest)


@dataclass(slots=True)
class _CompanySync:
    """One company's part of a run."""

    desk: CustomerDesk
    put: int = 0
    given_up: str = ""
    """Why TaxJar is not called any more in this run."""
    _unanswered: int = 0
    _warned: set[str] = field(default_factory=set)

    async def bring_up_to_date(self, customers: Sequence[Customer]) -> None:
        """Put those of one page in TaxJar that it does not know as F&O shows them."""
        try:
            await self.desk.company.account.gate.open()
        except Paused as paused:
            self.given_up = str(paused)
        if self.given_up:
            return
        by_id = {customer_id(self.desk.company.id, customer.account): customer for customer in customers}
        known = await self.desk.connector.customers.known(self.desk.connection.name, self.desk.company.id, by_id)
        for some in chunks(list(by_id), _COMPARED_AT_ONCE):
            await asyncio.sleep(0)  # a long page must not keep the instance from answering
            changes = [change for id in some if (change := self._change(by_id[id], known.get(id)))]
            for together in chunks(changes, _AT_ONCE):
                if not self.given_up:
                    await asyncio.gather(*(self._put(*change) for change in together))

    def _change(self, customer: Customer, record: CustomerRecord | None) -> Change | None:
        """What TaxJar has to be told of ``customer``, if anything."""
        settings = self.desk.company.settings
        exemption = exemption_of(customer, settings)
        if exemption is None and (record is None or _may_still_hold(customer, record)):
            return None
        if exemption and exemption.warning and exemption.source not in self._warned:
            self._warned.add(exemption.source)
            logger.warning("%s %s: %s", self.desk.connection.name, self.desk.company.id.upper(), exemption.warning)
        exemption_type = exemption.type if exemption else ExemptionType.NON_EXEMPT
        mapped = map_customer(self.desk.company.id, customer, settings, exemption_type)
        content = payload_hash(customer_to_wire(mapped))
        if record and content in (record.payload_hash, record.refused_hash):
            return None
        return mapped, exemption

    async def _put(self, customer: TaxJarCustomer, exemption: Exemption | None) -> None:
        try:
            await self.desk.put(customer, exemption)
            self.put += 1
        except CustomerBusy as busy:
            logger.info("%s", busy)
        except Rejected as refusal:
            logger.error("customer %s is not in TaxJar as it should be: %s", customer.customer_id, refusal)
        except Paused as paused:
            self.given_up = str(paused)
        except TaxJarError as trouble:
            self._unanswered += 1
            if await pause_after(self.desk.company.account.gate, trouble) or self._unanswered >= _PATIENCE:
                self.given_up = str(trouble)


def _may_still_hold(customer: Customer, record: CustomerRecord) -> bool:
    """Whether the rule that made the customer exempt cannot be asked now: that ends no exemption."""
    return customer.tax_group_exempt is None and record.rule == ExemptionRule.EXEMPT_IN_DYNAMICS
