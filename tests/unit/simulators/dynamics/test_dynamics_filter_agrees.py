from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from local.simulators.dynamics.filter import parse_filter
from local.simulators.dynamics.query import Query, run_query
from local.simulators.dynamics.store import Store

GROUPS = ["TX", "tx", "NY", ""]


def text(name: str, values: list[str]) -> st.SearchStrategy[tuple[str, Any]]:
    return st.sampled_from(
        [(f"{name} eq '{value}'", lambda row, v=value: row[name].casefold() == v.casefold()) for value in values]
    )


leaves = st.one_of(text("SalesTaxGroup", GROUPS), text("CustomerGroupId", ["A", "b"]))


def joined(word: str, every: Any) -> Any:
    return lambda parts: (
        "(" + f" {word} ".join(part[0] for part in parts) + ")",
        lambda row: every(part[1](row) for part in parts),
    )


def branches(inner: st.SearchStrategy[tuple[str, Any]]) -> st.SearchStrategy[tuple[str, Any]]:
    several = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        several.map(joined("and", all)),
        several.map(joined("or", any)),
        inner.map(lambda part: (f"not ({part[0]})", lambda row: not part[1](row))),
    )


@given(
    condition=st.recursive(leaves, branches, max_leaves=8),
    rows=st.lists(st.tuples(st.sampled_from(GROUPS), st.sampled_from(["a", "B"])), max_size=12),
)
def test_a_filter_finds_through_indexes_what_a_look_at_every_row_finds(
    condition: tuple[str, Any], rows: list[tuple[str, str]]
) -> None:
    store = Store()
    for number, (tax_group, group) in enumerate(rows):
        store.add(
            "CustomersV3",
            {
                "dataAreaId": "usrt",
                "CustomerAccount": str(number),
                "SalesTaxGroup": tax_group,
                "CustomerGroupId": group,
            },
        )
    expression, holds = condition
    entity = store.entity("CustomersV3")
    query = Query(filter=parse_filter(expression, entity), cross_company=True)

    page = run_query(query, entity, store, default_company="dat", page_size=100)

    assert list(page.rows) == [row for row in store.rows("CustomersV3") if holds(row)]
