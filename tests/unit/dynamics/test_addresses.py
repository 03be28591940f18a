from __future__ import annotations

import pytest

from shared.documents import Address
from shared.dynamics.addresses import INVOICED, ORDER, stock_address

COUNTRIES = {"usa": "US", "gbr": "GB"}


def test_an_address_without_anything_is_none() -> None:
    assert INVOICED.read({"Street": "", "City": None, "ZipCode": " "}, COUNTRIES) is None
    assert INVOICED.read(None, COUNTRIES) is None


def test_the_country_table_gives_the_iso_code_without_regard_to_case() -> None:
    assert INVOICED.read({"CountryRegionId": "Usa"}, COUNTRIES) == Address(country="Usa", country_iso="US")


def test_a_rows_own_iso_code_wins() -> None:
    row = {"DeliveryAddressCountryRegionId": "USA", "DeliveryAddressCountryRegionISOCode": "pr"}
    assert ORDER.read(row, COUNTRIES) == Address(country="USA", country_iso="PR")


@pytest.mark.parametrize(
    ("number", "street", "building", "expected"),
    [
        ("", "77 River Rd", "", "77 River Rd"),
        ("77", "River Rd", "", "77 River Rd"),
        ("77", "77 River Rd", "Dock 2", "77 River Rd, Dock 2"),
        ("", "", "Dock 2", "Dock 2"),
        ("7", "", "", "7"),
    ],
)
def test_street_number_and_building_become_one_street(number: str, street: str, building: str, expected: str) -> None:
    row = {"Street": street, "StreetNumber": number, "BuildingCompliment": building}
    assert INVOICED.read(row, COUNTRIES) == Address(street=expected)


def test_a_warehouse_without_an_assigned_address_has_none() -> None:
    row = {"PrimaryAddressCity": "Dallas", "IsPrimaryAddressAssigned": "No"}
    assert stock_address(row, COUNTRIES) is None
    assert stock_address({**row, "IsPrimaryAddressAssigned": "Yes"}, COUNTRIES) == Address(city="Dallas")
