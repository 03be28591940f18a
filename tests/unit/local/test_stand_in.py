"""The benchmark's stand-in for Table Storage reads and writes as Azure does."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError
from azure.data.tables import UpdateMode

from local.bench.stand_in import StandInTable

PATTERN = {"PartitionKey": "p", "state": "reported"}
GENERATED = [f"doc|2026-01-{day:02}|N-{day}|V" for day in range(1, 11)]


def table() -> StandInTable:
    held = {"PartitionKey": "p", "RowKey": "doc|2026-01-05|HELD|V", "state": "held"}
    return StandInTable([held], GENERATED, PATTERN)


async def rows(of: StandInTable, query: str, **parameters: str) -> list[dict[str, Any]]:
    return [row async for row in of.query_entities(query, parameters=parameters)]


async def test_a_range_is_read_in_the_order_of_keys_and_no_further() -> None:
    of = table()
    query = "PartitionKey eq @p and RowKey ge @first and RowKey lt @end"
    found = await rows(of, query, p="p", first="doc|2026-01-04", end="doc|2026-01-06")
    assert [row["RowKey"] for row in found] == [GENERATED[3], "doc|2026-01-05|HELD|V", GENERATED[4]]
    assert of.read == 3


async def test_a_filter_on_another_property_goes_through_the_range() -> None:
    of = table()
    query = "PartitionKey eq @p and RowKey ge @first and ( state eq @a or state eq @b )"
    assert [row["state"] for row in await rows(of, query, p="p", first="", a="held", b="failed")] == ["held"]
    assert of.read == 11


async def test_a_transaction_takes_effect_whole_or_not_at_all() -> None:
    of = table()
    row = await of.get_entity("p", GENERATED[0])
    changed = {"PartitionKey": "p", "RowKey": GENERATED[0], "state": "held"}
    guarded = ("update", changed, {"mode": UpdateMode.MERGE, "etag": row.metadata["etag"]})
    with pytest.raises(ResourceExistsError):
        await of.submit_transaction([guarded, ("create", {"PartitionKey": "p", "RowKey": GENERATED[1]})])
    assert (await of.get_entity("p", GENERATED[0]))["state"] == "reported"
    await of.submit_transaction([guarded])
    assert (await of.get_entity("p", GENERATED[0]))["state"] == "held"
    with pytest.raises(ResourceModifiedError):
        await of.submit_transaction([guarded])


async def test_what_is_merged_into_no_row_is_a_new_one_and_into_a_row_a_part_of_it() -> None:
    of, place = table(), {"PartitionKey": "p", "RowKey": "open|count|2026-01"}
    for part in ({"days": "{}"}, {"surplus": 1}):
        await of.submit_transaction([("upsert", {**place, **part}, {"mode": UpdateMode.MERGE})])
    assert dict(await of.get_entity("p", "open|count|2026-01")) == {**place, "days": "{}", "surplus": 1}
