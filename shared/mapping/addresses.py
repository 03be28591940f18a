"""Which of a document's many addresses TaxJar is told as ship-to and ship-from (design 4.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import astuple, dataclass, field
from decimal import Decimal

from shared.documents import ZERO, Address, Line, PostedDocument
from shared.mapping.lines import is_empty, net_amount
from shared.mapping.outcomes import Hold, Note, NoteCode
from shared.mapping.places import CleanedAddress, clean_address, names_a_place, zip_fits_state
from shared.mapping.reasons import HoldReason
from shared.mapping.signs import as_order
from shared.mapping.text import one_line
from shared.settings import CompanySettings
from shared.transactions import Place


@dataclass(frozen=True, slots=True)
class Route:
    """Where the document's goods came from and went to; ``None`` where no complete address is known."""

    ship_to: Place | None
    ship_from: Place | None
    notes: tuple[Note, ...]
    holds: tuple[Hold, ...]


def find_route(document: PostedDocument, company: CompanySettings) -> Route:
    """Resolve both addresses of ``document`` and say where they were found."""
    document = as_order(document)
    ship_from = _ship_from(document, company)
    if not _is_picked_up(document, company):
        ship_to = _ship_to(document, company)
    elif ship_from:
        source = f"{ship_from.source}, because delivery mode {document.delivery_mode} is a pick-up"
        ship_to = _Found(ship_from.cleaned, source)
    else:
        ship_to = None
    return Route(
        ship_to.place if ship_to else None,
        ship_from.place if ship_from else None,
        (
            *_notes("Ship-to", NoteCode.SHIP_TO_SOURCE, ship_to),
            *_notes("Ship-from", NoteCode.SHIP_FROM_SOURCE, ship_from),
        ),
        tuple(_holds(document, company, ship_to, ship_from)),
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """The address that ended a search, where it was found, and how the lines differ."""

    cleaned: CleanedAddress
    source: str
    disagreement: str = ""
    """What the lines do, as the end of a sentence: ``name 2 different addresses``."""

    @property
    def place(self) -> Place | None:
        """``None`` when the country cannot be told."""
        return self.cleaned.place


@dataclass(slots=True)
class _Weighed:
    """Candidates by the value of their lines, signed as in an order; the first of several with the same counts."""

    values: dict[tuple[str, ...], Decimal] = field(default_factory=dict)

    def add(self, candidate: tuple[str, ...], value: Decimal) -> None:
        self.values[candidate] = self.values.get(candidate, ZERO) + value

    def heaviest(self) -> tuple[str, ...]:
        return max(self.values, key=lambda candidate: self.values[candidate])


def _ship_to(document: PostedDocument, company: CompanySettings) -> _Found | None:
    invoiced = _of_lines(document, company, lambda line: line.delivery_address, document.delivery_address, "invoice")
    if invoiced:
        return invoiced
    ordered = _of_lines(document, company, lambda line: line.order_address, document.order_address, "sales order")
    return ordered or _first(_customer_addresses(document), company)


def _of_lines(
    document: PostedDocument,
    company: CompanySettings,
    address_of: Callable[[Line], Address | None],
    header: Address | None,
    name: str,
) -> _Found | None:
    """The address the lines agree on, else the header's, else the lines' one with the most value.

    A line that names no place agrees with every other; one that names a place but not enough of it agrees with none.
    """
    weighed = _Weighed()
    usable: dict[tuple[str, ...], CleanedAddress] = {}
    named: set[tuple[str, ...]] = set()
    for line in _lines_with_a_say(document):
        address = address_of(line)
        if address is None:
            continue
        cleaned = clean_address(address, company)
        key = tuple(part.casefold() for part in astuple(cleaned.place or address))
        if cleaned.ends_search:
            weighed.add(key, net_amount(line, document))
            usable.setdefault(key, cleaned)
        if cleaned.ends_search or names_a_place(address):
            named.add(key)
    if usable and len(named) == 1:
        return _Found(usable[weighed.heaviest()], f"the delivery address of the {name}'s lines")
    disagreement = f"name {len(named)} different addresses" if len(named) > 1 else ""
    found = _first([(f"the {name}'s delivery address", header)], company, disagreement)
    if found or not usable:
        return found
    source = f"the delivery address with the most value among the {name}'s lines"
    return _Found(usable[weighed.heaviest()], source, disagreement)


def _ship_from(document: PostedDocument, company: CompanySettings) -> _Found | None:
    """The warehouse with the most value (or the site, where no line names a warehouse), its site, the legal entity."""
    weighed = _Weighed()
    lines = _lines_with_a_say(document)
    with_warehouse = [line for line in lines if line.warehouse]
    for line in with_warehouse or (line for line in lines if line.site):
        weighed.add(_stock_of(line), net_amount(line, document))
    lines = [line for line in lines if weighed.values and _stock_of(line) == weighed.heaviest()]
    count, places = len(weighed.values), "warehouses" if with_warehouse else "sites"
    return _first(
        [
            *((f"the address of warehouse {line.warehouse}", line.warehouse_address) for line in lines),
            *((f"the address of site {line.site}", line.site_address) for line in lines),
            ("the legal entity's address", document.legal_entity_address),
        ],
        company,
        f"come from {count} different {places}" if count > 1 else "",
    )


def _lines_with_a_say(document: PostedDocument) -> list[Line]:
    """The lines that are not dropped; all of them where that leaves none."""
    return [line for line in document.lines if not is_empty(line)] or list(document.lines)


def _is_picked_up(document: PostedDocument, company: CompanySettings) -> bool:
    return document.delivery_mode.strip().casefold() in company.pickup_delivery_modes


def _stock_of(line: Line) -> tuple[str, ...]:
    return (line.warehouse.casefold(),) if line.warehouse else ("", line.site.casefold())


def _customer_addresses(document: PostedDocument) -> Iterator[tuple[str, Address | None]]:
    if customer := document.customer:
        yield "the customer's delivery address", customer.delivery_address
        yield "the customer's primary address", customer.primary_address
        yield "the customer's invoice address", customer.invoice_address


def _first(
    candidates: Iterable[tuple[str, Address | None]], company: CompanySettings, disagreement: str = ""
) -> _Found | None:
    for source, address in candidates:
        cleaned = clean_address(address, company) if address else None
        if cleaned and cleaned.ends_search:
            return _Found(cleaned, source, disagreement)
    return None


def _notes(name: str, code: NoteCode, found: _Found | None) -> Iterator[Note]:
    if found is None or found.place is None:
        if code is NoteCode.SHIP_FROM_SOURCE:
            why = f": {found.source} {found.cleaned.problem}" if found else ""
            yield Note(code, f"Ship-from is not known{why}; TaxJar takes the account's business address.")
        return
    yield Note(code, f"{name} is {found.source}.")
    if found.disagreement:
        sentence = f"The lines {found.disagreement}; {name.lower()} is {found.source}."
        yield Note(NoteCode.ADDRESSES_DISAGREE, sentence)
    if found.cleaned.state_derived:
        sentence = f"{name} has no state; {found.place.state} follows from ZIP code {found.place.zip}."
        yield Note(NoteCode.STATE_DERIVED, sentence)


def _holds(
    document: PostedDocument, company: CompanySettings, ship_to: _Found | None, ship_from: _Found | None
) -> Iterator[Hold]:
    if ship_to is None or ship_to.place is None:
        sentence = _no_ship_to(document, company, ship_to)
        yield Hold(HoldReason.ADDRESS_INCOMPLETE, f"{sentence}, then retry the document.")
    for name, found in (("ship-to", ship_to), ("ship-from", ship_from)):
        if found and found.place and not zip_fits_state(found.place):
            yield Hold(
                HoldReason.ZIP_STATE_MISMATCH,
                f"The {name} ZIP code {found.place.zip} is not in {found.place.state} ({found.source})."
                " Correct the ZIP code or the state in F&O, then retry the document.",
            )


def _no_ship_to(document: PostedDocument, company: CompanySettings, ship_to: _Found | None) -> str:
    """What is wrong, and the beginning of what to do."""
    if ship_to:
        return (
            f"Ship-to is {ship_to.source}; it {ship_to.cleaned.problem}."
            " Give its code in COUNTRY_CODES, or correct the country in F&O"
        )
    if _is_picked_up(document, company):
        return (
            f"There is no complete ship-to address: delivery mode {document.delivery_mode} is a pick-up, and neither"
            " the warehouse, its site nor the legal entity has a complete address. Complete one of them in F&O"
        )
    problems = _ship_to_problems(document, company) or ["neither the invoice, its order nor its customer has one"]
    return f"There is no complete ship-to address: {'; '.join(problems)}. Complete the address in F&O"


def _ship_to_problems(document: PostedDocument, company: CompanySettings) -> list[str]:
    """What each ship-to address that was considered lacks, each problem once and at most three."""
    candidates = [
        *(("a line's delivery address", line.delivery_address) for line in document.lines),
        ("the invoice's delivery address", document.delivery_address),
        *(("an order line's delivery address", line.order_address) for line in document.lines),
        ("the sales order's delivery address", document.order_address),
        *_customer_addresses(document),
    ]
    problems: dict[str, None] = {}
    for source, address in candidates:
        if address:
            shown = one_line(f"{address.city} {address.state} {address.zip} {address.country}") or "blank"
            problems[f"{source} ({shown}) {clean_address(address, company).problem}"] = None
    return list(problems)[:3]
