"""Exempt customers in tests: the sync, and what it did."""

from __future__ import annotations

from typing import Any

from local.simulation import CONNECTION
from local.simulators.dynamics.values import Row
from shared.flows.customers.sync import sync_exempt_customers
from shared.mapping import customer_id, exemption_of, map_customer
from shared.taxjar.customers import customer_to_wire
from shared.taxjar.wire import payload_hash
from tests.world import COMPANY, World


async def sync(world: World) -> None:
    await sync_exempt_customers(world.connector, by="test")


def calls(world: World) -> list[str]:
    found = [call for call in world.simulation.taxjar.calls if "/customers" in call.path]
    return [f"{call.method} {call.path.rpartition('/')[2]}" for call in found]


def change(world: World, row: Row, **values: object) -> None:
    world.simulation.dynamics.store.update("CustomersV3", row, values)


async def audit(world: World, account: str) -> list[dict[str, Any]]:
    entries, intact = await world.connector.customers.audit(CONNECTION, COMPANY, customer_id(COMPANY, account))
    assert intact
    return entries


async def as_if_synced(world: World) -> None:
    """Write the ledger rows that a sync of all customers leaves, a hundred at a time."""
    company = world.connector.connection(CONNECTION).company(COMPANY)
    table = world.connector.ledger._table
    async for _, customers in world.connector.connection(CONNECTION).reader.list_customers([COMPANY]):
        rows: list[dict[str, str]] = []
        for customer in customers:
            exemption = exemption_of(customer, company.settings)
            if exemption is None:
                continue
            mapped = map_customer(COMPANY, customer, company.settings, exemption.type)
            assert mapped
            rows.append(
                {
                    "PartitionKey": f"{CONNECTION}|{COMPANY}",
                    "RowKey": f"customer|{mapped.customer_id}",
                    "customer_id": mapped.customer_id,
                    "account": company.account.client.account_id,
                    "exemption_type": exemption.type.value,
                    "rule": exemption.rule.value,
                    "payload_hash": payload_hash(customer_to_wire(mapped)),
                }
            )
        for start in range(0, len(rows), 100):
            await table.submit_transaction([("create", row) for row in rows[start : start + 100]])
