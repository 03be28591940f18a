"""Which of several addresses counts: a nearer one is repaired or held, hardly ever passed over (design 4.5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from shared.documents import Address
from shared.mapping.countries import US
from shared.mapping.outcomes import Hold
from shared.mapping.places import CleanedAddress, PlaceKey, clean_address, names_a_place, place_key, zip_fits_state
from shared.mapping.reasons import HoldReason
from shared.mapping.text import one_line
from shared.mapping.zip_prefixes import states_of_zip
from shared.settings import CompanySettings
from shared.transactions import Place

Candidate = tuple[str, Address | None]
"""Where an address stands, as the end of a sentence, and the address: ``the invoice's delivery address``."""


@dataclass(frozen=True, slots=True)
class Found:
    """The address that counts, cleaned."""

    place: Place
    source: str
    repairs: tuple[str, ...] = ()
    """Sentences on what was put right."""

    @property
    def key(self) -> PlaceKey:
        """Equal for the same address."""
        return place_key(self.place)


@dataclass(frozen=True, slots=True)
class OwnPlaces:
    """The company's own warehouses, sites and legal entity: goods come back there, no sale goes there."""

    addresses: frozenset[Address]
    keys: frozenset[PlaceKey]

    @classmethod
    def of(cls, addresses: Iterable[Address | None], company: CompanySettings) -> OwnPlaces:
        """Those of ``addresses``, as posted and as cleaned."""
        given = frozenset(address for address in addresses if address and names_a_place(address))
        cleaned = (clean_address(address, company).place for address in given)
        return cls(given, frozenset(_without_plus_four(place_key(place)) for place in cleaned if place))

    def has(self, address: Address, cleaned: CleanedAddress) -> bool:
        """Whether it is one of them."""
        if address in self.addresses:
            return True
        return cleaned.place is not None and _without_plus_four(place_key(cleaned.place)) in self.keys


def find_address(
    candidates: Sequence[Candidate],
    company: CompanySettings,
    passed_over: OwnPlaces | None = None,
) -> Found | Hold | None:
    """The first candidate that names a place, else ``None``; a hold where that one cannot be used.

    An incomplete one is replaced by the next one in the same US state; one whose ZIP code and state do not match is
    not.
    """
    named = _named(candidates, company, passed_over)
    first = next(named, None)
    if first is None:
        return None
    source, address, cleaned = first
    if cleaned.place is not None:
        if not zip_fits_state(cleaned.place, company):
            return _mismatch(source, cleaned.place, company)
        return Found(cleaned.place, source, tuple(f"{_start(source)} {repair}." for repair in cleaned.repairs))
    shown = one_line(f"{address.street} {address.city} {address.state} {address.zip} {address.country}")
    problem = f"{_start(source)} ({shown}) {cleaned.problem}"
    for other, _, alternative in named:
        place = alternative.place
        if place and place.country == US and place.state == cleaned.us_state and zip_fits_state(place, company):
            return Found(place, other, (f"{problem}; {other} is in the same state and is used instead.",))
    sentence = f"{problem}. Complete the address in F&O, then retry the document."
    return Hold(HoldReason.ADDRESS_INCOMPLETE, sentence, (cleaned.us_state,) if cleaned.us_state else ())


def _named(
    candidates: Iterable[Candidate], company: CompanySettings, passed_over: OwnPlaces | None
) -> Iterator[tuple[str, Address, CleanedAddress]]:
    for source, address in candidates:
        if address is None or not names_a_place(address):
            continue
        cleaned = clean_address(address, company)
        if passed_over is None or not passed_over.has(address, cleaned):
            yield source, address, cleaned


def _mismatch(source: str, place: Place, company: CompanySettings) -> Hold:
    return Hold(
        HoldReason.ZIP_STATE_MISMATCH,
        f"ZIP code {place.zip} is not in {place.state} ({source}). Correct the ZIP code or the state in F&O, or name"
        " the ZIP code's states in ZIP_STATES, then retry the document.",
        (place.state, *sorted(states_of_zip(place.zip, company.zip_states))),
    )


def _start(source: str) -> str:
    return source[:1].upper() + source[1:]


def _without_plus_four(key: PlaceKey) -> PlaceKey:
    country, state, zip_code, city, street = key
    return country, state, zip_code[:5] if country == US else zip_code, city, street
