"""Lists of what is settled, and filing periods: they go through so many documents and say so (design 3.1, 4.10)."""

from __future__ import annotations

from decimal import Decimal
from urllib.parse import parse_qsl, urlsplit

import pytest

from local.simulation import CONNECTION
from shared.flows.review import listing, pages, period_list
from shared.flows.review.period_list import list_filing_periods
from shared.flows.work.problems import Conflict
from shared.ledger import newest
from tests.counted_storage import Reads
from tests.listing import NOWHERE, days_ago, listed, post
from tests.world import COMPANY, World

SETTLED: dict[str, dict[str, str]] = {
    "all": {},
    "reported": {"state": "reported"},
    "the newest": {"order": "newest"},
    "the newest that are reported or held": {"state": "reported,held", "order": "newest", "limit": "3"},
    "skipped, of which there are none": {"state": "skipped"},
    "by a reason of skips": {"reason": "zero_value"},
    "of a customer that there is not": {"customer": "C-9999", "order": "newest"},
    "by destination": {"to_state": "TX", "limit": "2"},
    "late": {"late": "true"},
}


async def test_lists_of_what_is_settled_and_periods_go_through_so_many_documents(
    counted: World, reads: Reads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With bounds that a few documents reach."""
    world = counted
    monkeypatch.setattr(pages, "READ_AT_MOST", 10)
    monkeypatch.setattr(period_list, "COUNTED_AT_MOST", 10)
    monkeypatch.setattr(newest, "_WANTED", 2)
    monkeypatch.setattr(newest, "_MANY", 4)

    async def grow(days_back: range) -> None:
        for back in days_back:
            post(world, 1, days_back=back, name=f"INV-{back:03}")
        await world.sweep()
        await world.settle()

    async def costs() -> dict[str, int]:
        found = {}
        for name, query in SETTLED.items():
            reads.reset()
            await listed(world, **query)
            found[name] = reads.entities
        reads.reset()
        await list_filing_periods(world.connector, CONNECTION, COMPANY)
        return found | {"periods": reads.entities}

    await grow(range(60, 100))
    before = await costs()
    await grow(range(100, 200))
    after = await costs()
    assert {name: (before[name], after[name]) for name in before if after[name] > before[name]} == {}
    # Azurite's pages are longer than the bounds of this test.
    assert max(before.values()) <= 60, before


async def test_where_there_are_too_many_the_count_is_said_to_be_too_small(
    counted: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = counted
    for back in range(1, 13):
        changes: dict[str, object] = {"is_proforma": True, "tax_rate": Decimal(0)} if back in (2, 11) else {}
        post(world, 1, days_back=back, name=f"INV-{back:02}", **changes)
    await world.sweep()
    await world.settle()
    monkeypatch.setattr(pages, "READ_AT_MOST", 5)
    whole = await listed(world, **{"from": days_ago(4)})
    assert (whole["count"], "at_least" in whole) == (4, False)
    for order, numbers in (("oldest", ["INV-11-0", "INV-02-0"]), ("newest", ["INV-02-0", "INV-11-0"])):
        first = await listed(world, state="skipped", order=order)
        assert (first["count"], first["at_least"]) == (1, True)
        found, query, counts = [], {"state": "skipped", "order": order}, set[object]()
        while query:
            page = await listed(world, **query)
            counts.add((page["count"], page.get("at_least", False)))
            found += [document["number"] for document in page["documents"]]  # type: ignore[attr-defined]
            query = dict(parse_qsl(urlsplit(str(page["next"])).query)) if page["next"] else {}
        assert found == numbers
        assert counts == {(1, True)}
    many = await listed(world, limit="2")
    assert (many["count"], many["at_least"], len(many["documents"])) == (5, True, 2)  # type: ignore[arg-type]


async def test_a_file_of_too_many_documents_is_refused(counted: World, monkeypatch: pytest.MonkeyPatch) -> None:
    post(counted, 3, days_back=1, name="INV")
    await counted.poll()
    monkeypatch.setattr(listing, "LONGEST_FILE", 2)
    with pytest.raises(Conflict, match="give from and to") as refused:
        await listed(counted, format="csv", state="reported")
    assert refused.value.code == "too_long"


async def test_periods_say_what_is_open_in_any_of_them_and_count_the_newest(
    counted: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = counted
    post(world, 2, days_back=2, name="NEW")
    post(world, 1, days_back=33, name="HELD", ship_to=NOWHERE)
    post(world, 4, days_back=34, name="OLD")
    await world.sweep()
    await world.settle()

    async def texas() -> dict[str, tuple[object, ...]]:
        shown = await list_filing_periods(world.connector, CONNECTION, COMPANY)
        [state] = [each for each in shown["states"] if each["state"] == "TX"]
        names = ("documents", "late", "held")
        return {each["from"][:7]: tuple(each[name] for name in names) for each in state["periods"]}

    whole = await texas()
    assert (whole["2026-11"], whole["2026-10"], whole["2026-09"]) == ((2, 0, 0), (5, 4, 1), (0, 0, 0))
    monkeypatch.setattr(period_list, "COUNTED_AT_MOST", 6)
    bounded = await texas()
    assert (bounded["2026-11"], bounded["2026-10"], bounded["2026-09"]) == ((2, 0, 0), (None, None, 1), (None, None, 0))
