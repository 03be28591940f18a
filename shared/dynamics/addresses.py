"""Postal addresses in the several spellings of F&O's entities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from shared.documents import Address
from shared.dynamics.rows import Row, text

Countries = Mapping[str, str]
"""F&O's country/region id, case-folded, → ISO 3166 two-letter code."""


_BLANK = Address()


@dataclass(frozen=True)
class AddressFields:
    """How an entity names the parts of an address: ``prefix`` + ``Street``, ``City``, …"""

    prefix: str
    state: str
    building: str = ""

    def read(self, row: Row | None, countries: Countries) -> Address | None:
        """The address in ``row``, or ``None`` when it is blank. Its own ISO code wins over the country table's."""
        if row is None:
            return None
        country, iso, state, zip_code, city, number, street = (text(row, name) for name in self._names)
        address = Address(
            country=country,
            country_iso=(iso or countries.get(country.casefold(), "")).upper(),
            state=state,
            zip=zip_code,
            city=city,
            street=_street(number, street, text(row, self.building)),
        )
        return None if address == _BLANK else address

    @cached_property
    def _names(self) -> list[str]:
        named = ("CountryRegionId", "CountryRegionISOCode", self.state, "ZipCode", "City", "StreetNumber", "Street")
        return [self.prefix + name for name in named]


INVOICED = AddressFields("", "State", "BuildingCompliment")
ORDER = AddressFields("DeliveryAddress", "StateId", "DeliveryBuildingCompliment")
CUSTOMER_DELIVERY = AddressFields("DeliveryAddress", "State", "DeliveryAddressBuildingComplement")
CUSTOMER_PRIMARY = AddressFields("Address", "State", "AddressBuildingComplement")
CUSTOMER_INVOICE = AddressFields("InvoiceAddress", "State", "InvoiceAddressBuildingComplement")
HEADER_INVOICE = AddressFields("InvoiceAddress", "State")
LEGAL_ENTITY = AddressFields("Address", "State")
_STOCK = AddressFields("PrimaryAddress", "StateId", "PrimaryAddressBuildingCompliment")


def stock_address(row: Row | None, countries: Countries) -> Address | None:
    """The primary address of a warehouse or site, unless F&O says that it has none."""
    if row is None or text(row, "IsPrimaryAddressAssigned") == "No":
        return None
    return _STOCK.read(row, countries)


def _street(number: str, street: str, building: str) -> str:
    """One line: number before street, unless it is there already, and the building part behind."""
    if number and number not in street.split():
        street = f"{number} {street}".strip()
    return ", ".join(part for part in (street, building) if part)
