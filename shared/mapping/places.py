"""Addresses of F&O, cleaned, repaired where that is certain, and judged for TaxJar (design 4.5, 4.11)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from shared.documents import Address
from shared.mapping.countries import US, iso_code
from shared.mapping.states import state_code
from shared.mapping.text import one_line
from shared.mapping.zip_codes import TypedZip, read_zip
from shared.mapping.zip_prefixes import states_of_zip
from shared.settings import CompanySettings
from shared.states import TERRITORIES
from shared.transactions import Place

_TWO_LETTERS = re.compile(r"[A-Za-z]{2}")

PlaceKey = tuple[str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class CleanedAddress:
    """An address as TaxJar would get it, or why it cannot be sent."""

    place: Place | None
    """``None`` when the address is incomplete."""
    problem: str = ""
    """What is missing or unusable, as the end of a sentence: ``has no ZIP code``."""
    repairs: tuple[str, ...] = ()
    """What was put right or derived, as ends of a sentence: ``has ZIP code '2108', which is read as 02108``."""
    us_state: str = ""
    """The US state it names for certain, also where it is incomplete: only an address there may be used instead."""


def clean_address(address: Address, company: CompanySettings) -> CleanedAddress:
    """Clean ``address``; complete means a ZIP code and a state in the US, a country elsewhere."""
    country = country_code(address, company)
    if country != US and country not in TERRITORIES:
        return _abroad(address, country, company)
    typed = read_zip(address.zip, company.state_codes)
    state, problem = _us_state(address, country, typed, company)
    if problem:
        return CleanedAddress(None, problem)
    if not typed.zip:
        shown = f"{address.zip.strip()!r}, which is not a ZIP code" if address.zip.strip() else "no ZIP code"
        return CleanedAddress(None, f"has {shown}", us_state=state)
    states = states_of_zip(typed.zip, company.zip_states)
    if typed.needs_state and state not in states:
        problem = f"has ZIP code {address.zip.strip()!r}, which its state does not confirm as {typed.zip}"
        return CleanedAddress(None, problem, us_state=state)
    if not state and len(states) != 1:
        return CleanedAddress(None, f"has no state, and ZIP code {typed.zip} does not tell which")
    place = Place(US, state or min(states), typed.zip, one_line(address.city), one_line(address.street))
    return CleanedAddress(place, repairs=tuple(_repairs(address, country, place)), us_state=place.state)


def clean_place(address: Address | None, company: CompanySettings) -> Place | None:
    """The place that TaxJar receives for ``address``; ``None`` when it is incomplete or there is none."""
    return clean_address(address, company).place if address else None


def place_key(place: Place) -> PlaceKey:
    """Equal for addresses that are the same: country, state, ZIP code, and city and street but for case and blanks."""
    city, street = (" ".join(text.split()).upper() for text in (place.city, place.street))
    return place.country.upper(), place.state.upper(), place.zip, city, street


def names_a_place(address: Address) -> bool:
    """Whether ``address`` says more than a country, be it complete or not."""
    return any(part.strip() for part in (address.street, address.city, address.state, address.zip))


def is_complete(address: Address, company: CompanySettings) -> bool:
    """Whether TaxJar can receive ``address``."""
    return clean_address(address, company).place is not None


def usable_parts(address: Address, company: CompanySettings) -> Place:
    """What can be sent of an address that need not be complete; a code that TaxJar would refuse is left out."""
    if place := clean_place(address, company):
        return place
    city, street = one_line(address.city), one_line(address.street)
    country = country_code(address, company)
    if country in TERRITORIES:
        return Place(US, country, "", city, street)
    if country != US:
        return Place("", city=city, street=street)
    typed = read_zip(address.zip, company.state_codes)
    state = state_code(address.state, company.state_codes) or typed.state
    return Place(US, state, "" if typed.needs_state else typed.zip, city, street)


def zip_fits_state(place: Place, company: CompanySettings | None = None) -> bool:
    """Whether TaxJar can accept the ZIP code in the state; always true outside the US."""
    return place.country != US or place.state in states_of_zip(place.zip, company.zip_states if company else None)


def country_code(address: Address, company: CompanySettings) -> str:
    """The two-letter code of the address's country; empty when there is none."""
    given = one_line(address.country)
    mapped = company.country_codes.get(given.casefold())
    if mapped:
        return mapped.upper()
    return iso_code(one_line(address.country_iso)) or iso_code(given)


def _abroad(address: Address, country: str, company: CompanySettings) -> CleanedAddress:
    state = one_line(address.state)
    if not country:
        given = one_line(address.country)
        if given:
            problem = f"has a country, {given!r}, that has no two-letter code; give it in COUNTRY_CODES"
            return CleanedAddress(None, problem)
        return CleanedAddress(None, "has no country", us_state=state_code(state, company.state_codes) or "")
    code = state.upper() if _TWO_LETTERS.fullmatch(state) else ""
    return CleanedAddress(Place(country, code, one_line(address.zip), one_line(address.city), one_line(address.street)))


def _us_state(address: Address, country: str, typed: TypedZip, company: CompanySettings) -> tuple[str, str]:
    """The state that country, state field and ZIP field name, empty when none does, and what is wrong with it."""
    given = address.state.strip()
    known = state_code(given, company.state_codes) or "" if given else ""
    if country in TERRITORIES:
        # Territories have municipalities where others have states: only another state contradicts.
        named = country
        if known and known != country:
            return "", f"has country {one_line(address.country)} and state {given!r}, which do not agree"
    elif given and not known:
        return "", f"has state {given!r}, which is not a US state code or name"
    else:
        named = known
    if named and typed.state and typed.state != named:
        return "", f"has state {named} and {address.zip.strip()!r} as ZIP code, which do not agree"
    return named or typed.state, ""


def _repairs(address: Address, country: str, place: Place) -> list[str]:
    found = []
    if address.zip.strip() != place.zip:
        found.append(f"has ZIP code {address.zip.strip()!r}, which is read as {place.zip}")
    given = address.state.strip()
    if not given:
        source = f"country {one_line(address.country)}" if country != US else f"ZIP code {place.zip}"
        found.append(f"has no state; {place.state} follows from {source}")
    elif given.upper() != place.state:
        found.append(f"has state {given!r}, which is read as {place.state}")
    return found
