"""Documents of thousands of lines are documents like any other (design 4.10)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from azure.data.tables import UpdateMode

from local.simulators.dynamics.specs import InvoiceSpec, LineSpec
from shared.flows.audit.export import ExportQuery, export_audit
from shared.ledger import keys
from shared.ledger.records import State
from shared.proof.report import Report
from shared.proof.verify import verify
from tests.filing import LAST_MONTH, decided, shown
from tests.world import COMPANY, TODAY, World

PARTITION = "main|usmf"
CHARACTERS = [chr(code) for code in (*range(0x21, 0x7F), *range(0xA1, 0x2FF)) if code != 0xAD]
SOME = 900
"""Lines of a document that is too long for its row already."""
PRODUCT_CODES = {"product_tax_codes": {"items": {"P-1000": "20010"}}}


def long_invoice(lines: int, on: date = TODAY) -> InvoiceSpec:
    """Lines whose names cannot be compressed much, of all kinds of characters."""
    random = Random(lines)
    names = ["".join(random.choices(CHARACTERS, k=40)) for _ in range(lines)]
    specs = [LineSpec(price=Decimal(number % 900 + 1), name=name) for number, name in enumerate(names)]
    return InvoiceSpec("LONG", on, lines=specs, tax_rate=Decimal("0.0825"))


async def rows(world: World, kind: str) -> list[Mapping[str, Any]]:
    found = world.connector.seals.table.query_entities(
        "PartitionKey eq @partition and RowKey ge @first and RowKey lt @end",
        parameters={"partition": PARTITION, "first": f"{kind}|", "end": f"{kind}|~"},
    )
    return [row async for row in found]


async def verified(world: World) -> Report:
    lines: list[bytes] = []
    query = ExportQuery()
    while True:
        answer = await export_audit(world.connector, "main", COMPANY, query)
        lines += answer.body.encode().splitlines(keepends=True)
        last = json.loads(lines[-1])
        if last["type"] == "end":
            return verify(lines)
        query = ExportQuery(after=last["after"])


@pytest.mark.parametrize("lines", [8_000, pytest.param(20_000, marks=pytest.mark.thorough)])
async def test_a_document_of_many_lines_is_reported_shown_and_proved_whole(world: World, lines: int) -> None:
    posted = world.posting.invoice(long_invoice(lines))
    await world.run()
    stored = world.taxjar.orders["USMF-LONG"]
    assert (len(stored.line_items), stored.amount + stored.sales_tax) == (lines, posted.total_amount)
    answer = await shown(world, "USMF-LONG")
    assert (answer["state"], answer["audit_intact"]) == ("reported", True)
    sent = {line["id"]: line["description"] for line in answer["payload"]["line_items"]}
    assert list(sent.values()) == [line.spec.name for line in posted.lines]
    assert len(answer["audit"][-1]["request"]["line_items"]) == lines
    report = await verified(world)
    assert report.ok, report.sentences()


async def test_a_long_document_of_a_closed_period_is_changed_by_approval_and_credited(world: World) -> None:
    posted = world.posting.invoice(long_invoice(SOME, LAST_MONTH))
    await world.sweep()
    await world.settle()
    assert await rows(world, "body")
    world.change_settings(**PRODUCT_CODES)
    await decided(world, "USMF-LONG", "retry")
    answer = await shown(world, "USMF-LONG")
    assert (answer["state"], answer["reason"]) == ("held", "filed_transaction_changed")
    payloads = json.dumps(answer["proposal"])
    assert payloads.count("20010") >= SOME
    await decided(world, "USMF-LONG", "approve")
    assert world.taxjar.orders.keys() == {"USMF-LONG", "USMF-LONG-1"}
    assert len(world.taxjar.refunds["USMF-LONG-reversal-1"].line_items) == SOME
    world.posting.credit_note(posted, "CRN", TODAY)
    await world.run()
    credit = world.taxjar.refunds["USMF-CRN-refund"]
    assert (credit.transaction_reference_id, len(credit.line_items)) == ("USMF-LONG-1", SOME)
    for transaction_id in ("USMF-LONG", "USMF-CRN-refund"):
        answer = await shown(world, transaction_id)
        assert (answer["state"], answer["audit_intact"]) == ("reported", True)
    report = await verified(world)
    assert report.ok, report.sentences()


@pytest.mark.parametrize("change", ["removed", "changed"])
async def test_a_body_row_that_somebody_touched_is_named(world: World, change: str) -> None:
    world.posting.invoice(long_invoice(SOME))
    await world.run()
    table = world.connector.seals.table
    record = await world.record("LONG")
    body = next(row for row in await rows(world, "body") if row["RowKey"].endswith("|0000"))
    if change == "removed":
        await table.delete_entity(PARTITION, body["RowKey"])
    else:
        await table.update_entity({**body, "z0": body["z0"][:-1] + b"\0"}, mode=UpdateMode.REPLACE)
    report = await verified(world)
    assert not report.ok
    assert {finding.where for finding in report.findings} == {keys.document_row(record.key)}
    assert record.state is State.REPORTED
    _, intact = await world.connector.ledger.audit(record)
    assert not intact
