from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.simulators.dynamics.metadata import load_entities
from local.simulators.dynamics.query import read_skip_token, skip_token
from local.simulators.dynamics.store import FIRST_REC_ID, Store, UnfitRow
from local.simulators.dynamics.values import render

CUSTOMER = {"dataAreaId": "USRT", "CustomerAccount": "C-1"}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (CUSTOMER | {"TaxExempt": "Yes"}, "CustomersV3 has no TaxExempt"),
        ({"dataAreaId": "usrt"}, "needs CustomerAccount"),
        (CUSTOMER | {"SalesTaxGroup": 5}, "does not fit String"),
        (CUSTOMER | {"CredManCustomerSince": datetime(2026, 1, 1)}, "does not fit Date"),
        (CUSTOMER | {"AddressValidFrom": date(2026, 1, 1)}, "does not fit UtcDateTime"),
        (CUSTOMER | {"AddressLatitude": 1.5}, "does not fit Decimal"),
        (CUSTOMER | {"AddressLatitude": True}, "does not fit Decimal"),
        (CUSTOMER | {"OverrideSalesTax": "Perhaps"}, "not a member of NoYes"),
    ],
)
def test_a_row_that_does_not_fit_its_set_is_refused(row: dict[str, Any], words: str) -> None:
    with pytest.raises(UnfitRow, match=words):
        Store().add("CustomersV3", row)


def test_a_key_is_unique_without_regard_to_case() -> None:
    store = Store()
    store.add("CustomersV3", CUSTOMER)
    with pytest.raises(UnfitRow, match="already"):
        store.add("CustomersV3", {"dataAreaId": "usrt", "CustomerAccount": "c-1"})
    store.add("CustomersV3", CUSTOMER, key_may_repeat=True)


def test_record_ids_are_large_and_unique() -> None:
    store = Store()
    ids = [store.new_rec_id() for _ in range(3)] + [store.add("CustomersV3", CUSTOMER).rec_id]
    assert len(set(ids)) == 4
    assert min(ids) == FIRST_REC_ID > 2**32


def test_changed_and_removed_rows_are_found_as_they_are_now() -> None:
    store = Store()
    row = store.add("CustomersV3", CUSTOMER | {"SalesTaxGroup": "TX"})
    assert [*store.matching("CustomersV3", {"SalesTaxGroup": "tx"})] == [row]

    store.update("CustomersV3", row, {"SalesTaxGroup": "EXEMPT"})
    assert not [*store.matching("CustomersV3", {"SalesTaxGroup": "tx"})]
    assert [*store.matching("CustomersV3", {"SalesTaxGroup": "EXEMPT"})] == [row]
    with pytest.raises(UnfitRow, match="cannot change CustomerAccount"):
        store.update("CustomersV3", row, {"CustomerAccount": "C-2"})

    store.remove("CustomersV3", row)
    assert not [*store.matching("CustomersV3", {"SalesTaxGroup": "EXEMPT"})]
    assert not store.rows("CustomersV3")
    store.add("CustomersV3", CUSTOMER)


def test_rows_added_after_an_index_was_made_are_found_through_it() -> None:
    store = Store()
    assert not store.equal_to("CustomersV3", "SalesTaxGroup", ["tx"])
    row = store.add("CustomersV3", CUSTOMER | {"SalesTaxGroup": "TX"})
    assert store.equal_to("CustomersV3", "SalesTaxGroup", ["tx"]) == [row]


def test_every_entity_has_its_keys_among_its_fields_and_links_to_known_fields() -> None:
    entities = load_entities()
    for entity in entities.values():
        assert set(entity.keys) <= entity.fields.keys()
        for navigation in entity.navigations.values():
            assert set(navigation.on) <= entity.fields.keys()
            assert set(navigation.on.values()) <= entities[navigation.target].fields.keys()


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_decimals_keep_their_value_on_the_wire(number: Decimal) -> None:
    assert Decimal(render(number)) == number


@given(st.integers(min_value=0, max_value=10**9))
def test_a_skip_token_leads_back_to_its_row(offset: int) -> None:
    assert read_skip_token(skip_token(offset)) == offset
