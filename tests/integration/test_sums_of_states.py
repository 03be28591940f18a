"""What every state gets, over documents of all kinds: the posted rows of F&O against what TaxJar holds."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from decimal import Decimal

import pytest

from shared.ledger.records import State
from tests.oracle import Figures, Oracle, Treatment
from tests.posted_rows import Books, Rules
from tests.random_documents import SETTINGS, RandomDocuments, open_company
from tests.world import TODAY, World

RULES = Rules(
    report_from=TODAY.replace(month=1, day=1),
    exempt_groups={"RESALE": ("wholesale", ("TX", "NY")), "SCHOOL": ("government", ())},
    marketplace=frozenset({"AMZ"}),
    payments=frozenset({"GIFTCARD"}),
    coupons=frozenset({"COUPON"}),
    shipping=frozenset({"FREIGHT"}),
)


def taxjars(world: World) -> dict[Treatment, Figures]:
    """What the simulated TaxJar holds of each document, by direction, state and exemption."""
    sums: dict[Treatment, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 4)
    for stored in world.taxjar.transactions.values():
        sign = 1 if stored.kind == "order" else -1
        untaxed = [line for line in stored.line_items if not line.sales_tax]
        value = sum((line.unit_price * line.quantity - sign * line.discount for line in untaxed), Decimal(0))
        [number] = re.findall("[A-Z]{3}-[0-9]{4}", stored.transaction_id)
        key = number, stored.kind, stored.to_state, stored.exemption_type
        figures = stored.amount, stored.sales_tax, stored.shipping, value
        sums[key] = [before + more for before, more in zip(sums[key], figures, strict=True)]
    return {key: Figures(*figures) for key, figures in sums.items()}


def by_state(figures: dict[Treatment, Figures]) -> dict[tuple[str, ...], list[Decimal]]:
    """The sums of a month that a state's return is made of."""
    sums: dict[tuple[str, ...], list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 3)
    for (_, *treatment), each in figures.items():
        more = each.amount, each.sales_tax, each.shipping
        sums[tuple(treatment)] = [one + other for one, other in zip(sums[tuple(treatment)], more, strict=True)]
    return dict(sums)


@pytest.mark.company(**SETTINGS)
@pytest.mark.parametrize("count", [200, pytest.param(500, marks=pytest.mark.thorough)])
async def test_every_state_gets_what_the_posted_rows_say(world: World, count: int) -> None:
    open_company(world.posting)
    documents = RandomDocuments(world.posting, int(os.environ.get("SEED", "1")), TODAY)
    for _ in range(count):
        documents.post()
    await world.run()
    oracle = Oracle(Books.of(world.simulation.dynamics.rows), RULES)
    reported = {record.key.number for record in await world.records() if record.state is State.REPORTED}
    assert reported == oracle.reported
    theirs, ours = taxjars(world), oracle.figures()
    assert {key: (theirs.get(key), ours.get(key)) for key in theirs | ours if theirs.get(key) != ours.get(key)} == {}
    assert by_state(theirs) == by_state(ours)
    # The cents of a rounding lie on taxed and untaxed lines alike.
    assert max(abs(theirs[key].untaxed - ours[key].untaxed) for key in ours) < Decimal("0.05")
    assert len(reported) > count * 0.8
    assert len({state for _, _, state, _ in ours}) == 5
