"""Addresses of F&O, cleaned and judged for TaxJar (design 4.5)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from shared.documents import Address
from shared.mapping.countries import US, iso_code
from shared.mapping.states import state_code
from shared.mapping.text import one_line
from shared.mapping.zip_prefixes import states_of_zip
from shared.settings import CompanySettings
from shared.transactions import Place

_TWO_LETTERS = re.compile(r"[A-Za-z]{2}")
_ZIP = re.compile(r"([0-9]{5})(?:[- ]?([0-9]{4}))?")


@dataclass(frozen=True, slots=True)
class CleanedAddress:
    """An address as TaxJar would get it, or why it cannot be sent."""

    place: Place | None
    """``None`` when the address is incomplete."""
    problem: str = ""
    """What is missing or unusable, as the end of a sentence: ``has no ZIP code``."""
    state_derived: bool = False
    """The state was blank and follows from the ZIP code."""
    unknown_country: bool = False
    """It has a country that cannot be told: it may be abroad, so no other address may stand in for it."""

    @property
    def ends_search(self) -> bool:
        """Whether no further address is asked for."""
        return self.place is not None or self.unknown_country


def clean_address(address: Address, company: CompanySettings) -> CleanedAddress:
    """Clean ``address``; complete means a ZIP code and a state in the US, a country elsewhere."""
    country = country_code(address, company)
    if not country:
        given = one_line(address.country)
        problem = f"has a country, {given!r}, that has no two-letter code" if given else "has no country"
        return CleanedAddress(None, problem, unknown_country=bool(given))
    city, street = one_line(address.city), one_line(address.street)
    if country != US:
        state = one_line(address.state)
        state = state.upper() if _TWO_LETTERS.fullmatch(state) else ""
        return CleanedAddress(Place(country, state, one_line(address.zip), city, street))
    zip_code = _zip_code(address.zip)
    if not zip_code:
        shown = f"{address.zip.strip()!r}, which is no ZIP code," if address.zip.strip() else "no ZIP code"
        return CleanedAddress(None, f"has {shown}".rstrip(","))
    if not address.state.strip():
        states = states_of_zip(zip_code)
        if len(states) != 1:
            return CleanedAddress(None, f"has no state, and ZIP code {zip_code} does not tell which")
        return CleanedAddress(Place(US, min(states), zip_code, city, street), state_derived=True)
    known = state_code(address.state, company.state_codes)
    if known is None:
        return CleanedAddress(None, f"has state {address.state.strip()!r}, which is no US state code or name")
    return CleanedAddress(Place(US, known, zip_code, city, street))


def clean_place(address: Address | None, company: CompanySettings) -> Place | None:
    """The place TaxJar is told for ``address``; ``None`` when it is incomplete or there is none."""
    return clean_address(address, company).place if address else None


def names_a_place(address: Address) -> bool:
    """Whether ``address`` says more than a country, be it complete or not."""
    return any(part.strip() for part in (address.street, address.city, address.state, address.zip))


def is_complete(address: Address, company: CompanySettings) -> bool:
    """Whether TaxJar can be told ``address``."""
    return clean_address(address, company).place is not None


def usable_parts(address: Address, company: CompanySettings) -> Place:
    """What can be sent of an address that need not be complete; a code that TaxJar would refuse is left out."""
    if place := clean_place(address, company):
        return place
    city, street = one_line(address.city), one_line(address.street)
    if country_code(address, company) != US:
        return Place("", city=city, street=street)
    return Place(US, state_code(address.state, company.state_codes) or "", _zip_code(address.zip), city, street)


def zip_fits_state(place: Place) -> bool:
    """Whether TaxJar can accept the ZIP code in the state; always true outside the US."""
    return place.country != US or place.state in states_of_zip(place.zip)


def _zip_code(text: str) -> str:
    """ZIP5 or ZIP+4 with its dash; empty when ``text`` is no ZIP code."""
    match = _ZIP.fullmatch(text.strip())
    return "-".join(part for part in match.groups() if part) if match else ""


def country_code(address: Address, company: CompanySettings) -> str:
    """The two-letter code of the address's country; empty when there is none."""
    given = one_line(address.country)
    mapped = company.country_codes.get(given.casefold())
    if mapped:
        return mapped.upper()
    return iso_code(one_line(address.country_iso)) or iso_code(given)
