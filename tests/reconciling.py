"""Reconciliations, and differences planted in F&O and in TaxJar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from local.simulators.dynamics.specs import InvoiceSpec
from local.simulators.taxjar.records import StoredTransaction
from shared.flows.reconciliation.reconcile import ReconcileQuery, reconcile
from shared.web import Answer
from tests.world import TODAY, World

HEADERS = "SalesInvoiceHeadersV2"


def invoice(number: str, day: date = TODAY, **changes: object) -> InvoiceSpec:
    return replace(InvoiceSpec(number, day, tax_rate=Decimal("0.0825")), **changes)  # type: ignore[arg-type]


async def sweep(world: World) -> None:
    await world.sweep()
    await world.settle()


async def ask(world: World, *, heal: bool = False, **query: object) -> Answer:
    return await reconcile(world.connector, "main", world.company, ReconcileQuery.model_validate(query), heal=heal)


async def findings(world: World, *, heal: bool = False, **query: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await ask(world, heal=heal, **query)).body
    return found


def statuses(found: Mapping[str, Any]) -> dict[str, str]:
    return {document["transaction_id"]: document["status"] for document in found["documents"]}


def lose_in_taxjar(world: World, transaction_id: str) -> None:
    del world.taxjar.transactions["api", transaction_id]


def edit_in_taxjar(world: World, transaction_id: str, **changes: object) -> None:
    stored = world.taxjar.transactions["api", transaction_id]
    world.taxjar.store(replace(stored, **changes))


def remove_from_dynamics(world: World, number: str) -> None:
    store = world.simulation.dynamics.store
    [row] = [row for row in store.rows(HEADERS) if row["InvoiceNumber"] == number]
    store.remove(HEADERS, row)


def change_in_dynamics(world: World, number: str, **totals: Decimal) -> None:
    store = world.simulation.dynamics.store
    [row] = [row for row in store.rows(HEADERS) if row["InvoiceNumber"] == number]
    store.update(HEADERS, row, totals)


def plant(world: World, transaction_id: str, *, provider: str = "api") -> None:
    template: StoredTransaction = next(iter(world.taxjar.orders.values()))
    world.taxjar.store(replace(template, transaction_id=transaction_id, provider=provider))
