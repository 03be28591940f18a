"""schemathesis on the API's own description: no answer outside its schema, and no 500 (design 3.1)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from local.simulators.dynamics.specs import AddressSpec, InvoiceSpec
from shared.api.description import ALL_ROUTES
from shared.api.openapi import describe
from shared.flows.backfill.start import BackfillRequest, start_backfill
from shared.flows.live.nexus import pull_nexus_regions
from shared.flows.reconciliation.jobs import ReconciliationRequest, start_reconciliation
from tests.app import KEY, hosted_app, served
from tests.world import COMPANY, TODAY, World

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 8
"""Requests to each operation that fit its description, and as many that do not."""
DESCRIPTION = describe(ALL_ROUTES)
SCHEMA = schemathesis.openapi.from_dict(DESCRIPTION)
FOUND = [found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)]
OPERATIONS = {operation.label: operation for operation in FOUND}
DECISIONS = ["retry", "approve", "dismiss", "settle", "note", "assign"]
NOWHERE = AddressSpec("1 Main St", "Austin", "NY", "78704")


async def furnished(world: World) -> Mapping[str, list[str]]:
    """Something to find; the values of the paths' parameters that lead to it."""
    world.posting.invoice(InvoiceSpec("GOOD", TODAY))
    world.posting.invoice(InvoiceSpec("ASTRAY", TODAY, ship_to=NOWHERE))
    await world.run()
    await pull_nexus_regions(world.connector, by="test")
    asked = BackfillRequest.model_validate({"company": COMPANY, "from": TODAY, "to": TODAY})
    started = await start_backfill(world.connector, "main", asked)
    reconciliation = ReconciliationRequest.model_validate({"from": TODAY, "to": TODAY})
    compared = await start_reconciliation(world.connector, "main", COMPANY, reconciliation)
    await world.settle()
    return {
        "connection": ["main"],
        "company": [COMPANY],
        "transaction_id": ["USMF-GOOD", "USMF-ASTRAY"],
        "decision": DECISIONS,
        "state": ["TX"],
        "zip": ["78704"],
        "job": [str(started["job"]), str(compared["job"])],
        "function": ["poll_posted_invoices", "seal_audit"],
    }


def asked_of(label: str, mode: GenerationMode, url: str, known: Mapping[str, list[str]]) -> Callable[[], None]:
    """Puts requests of this ``mode`` to one operation; most of them are about something that is there."""
    operation = OPERATIONS[label]

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(mode), data=st.data())
    def run(case: schemathesis.Case[Any], data: st.DataObject) -> None:
        for name in case.path_parameters or {}:
            if data.draw(st.integers(0, 3)):
                case.path_parameters[name] = data.draw(st.sampled_from(known[name]))
        answer = case.call(base_url=f"{url}/api", headers={"x-functions-key": KEY}, allow_redirects=False, timeout=60)
        case.validate_response(answer, checks=CHECKS)

    return run


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda mode: mode.value)
async def test_whatever_is_asked_is_answered_as_the_description_says(
    world: World, azurite: str, mode: GenerationMode
) -> None:
    assert len(OPERATIONS) == sum(len(operations) for operations in DESCRIPTION["paths"].values())
    known = await furnished(world)
    failures: dict[str, Any] = {}
    with hosted_app(world, azurite) as host:
        async with served(host.http) as url:
            for label in OPERATIONS:
                try:
                    await asyncio.to_thread(asked_of(label, mode, url, known))
                except (FailureGroup, Failure) as failure:
                    failures[label] = failure
                except Unsatisfiable:
                    # There is nothing that could be asked wrongly.
                    assert mode is GenerationMode.NEGATIVE, label
    assert not failures, "\n\n".join(f"{label}: {failure}" for label, failure in failures.items())
