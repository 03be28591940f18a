"""Where a transaction's goods came from."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.documents import Address
from shared.mapping import HoldReason
from tests.unit.mapping.builders import BLANK, DALLAS, DENVER, RENO, document, held, line, mapped, notes, parts

NOWHERE = replace(RENO, country="XYZ", country_iso="")


def test_ship_from_is_the_warehouse_with_the_most_value_among_the_transactions_lines() -> None:
    lines = (
        line("60", warehouse="W1", warehouse_address=RENO),
        line("50", sequence=2, warehouse="W2", warehouse_address=DENVER),
        line("50", sequence=3, warehouse="w2", warehouse_address=DENVER),
        line("500", sequence=4),
        line("900", sequence=5, warehouse="W1", warehouse_address=RENO, delivery_address=DENVER),
    )
    first, second = (part.transaction.ship_from for part in parts(document(*lines)))
    assert first
    assert second
    assert (first.city, second.city) == ("Denver", "Reno")
    assert "Ship-from is the address of warehouse W2, the one with the most value of 2 warehouses." in notes(
        document(*lines)
    )


def test_of_warehouses_with_the_same_value_the_first_lines_counts() -> None:
    lines = (
        line(warehouse="W2", warehouse_address=DENVER),
        line(sequence=2, warehouse="W1", warehouse_address=RENO),
    )
    place = mapped(document(*lines)).ship_from
    assert place
    assert place.city == "Denver"


@pytest.mark.parametrize("nothing", [None, BLANK, replace(DENVER, zip=""), NOWHERE])
def test_a_warehouse_without_a_complete_address_leaves_it_to_its_own_site(nothing: Address | None) -> None:
    lines = (
        line("60", warehouse="W1", warehouse_address=nothing, site="S1", site_address=RENO),
        line("50", sequence=2, warehouse="W2", warehouse_address=DENVER, site="S2", site_address=DENVER),
    )
    place = mapped(document(*lines)).ship_from
    assert place
    assert place.city == "Reno"
    assert "site S1" in notes(document(*lines))


def test_without_warehouses_the_site_with_the_most_value_counts() -> None:
    lines = (line("60", site="S1", site_address=RENO), line("61", sequence=2, site="S2", site_address=DENVER))
    place = mapped(document(*lines)).ship_from
    assert place
    assert place.city == "Denver"


def test_the_legal_entity_is_the_last_ship_from() -> None:
    place = mapped(document(line(warehouse="W1"))).ship_from
    assert place
    assert place.city == "Dallas"


def test_a_document_without_any_ship_from_is_sent_and_noted() -> None:
    posted = document(line(), legal_entity_address=None)
    assert mapped(posted).ship_from is None
    assert "Ship-from is not known" in notes(posted)


def test_a_zip_code_of_another_state_is_held() -> None:
    result = held(document(line(), legal_entity_address=replace(DALLAS, state="CA")))
    assert result.reasons == (HoldReason.ZIP_STATE_MISMATCH,)
    assert "ship-from ZIP code 75201 is not in CA" in result.message


def test_a_repair_of_ship_from_is_noted() -> None:
    posted = document(line(warehouse="W1", warehouse_address=replace(DALLAS, state="Tex.")))
    assert "'Tex.', which is read as TX" in notes(posted)
