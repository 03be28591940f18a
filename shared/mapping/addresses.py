"""Which of a document's many addresses TaxJar is told as ship-to and ship-from (design 4.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import astuple, dataclass, field
from decimal import Decimal

from shared.documents import ZERO, Address, Line, PostedDocument
from shared.mapping.lines import net_amount
from shared.mapping.outcomes import Hold, Note, NoteCode
from shared.mapping.places import CleanedAddress, clean_address, zip_fits_state
from shared.mapping.reasons import HoldReason
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
    ship_from = _ship_from(document, company)
    picked_up = document.delivery_mode.strip().casefold() in company.pickup_delivery_modes
    if ship_from and picked_up:
        ship_to: _Found | None = _Found(
            ship_from.cleaned, f"{ship_from.source}, because delivery mode {document.delivery_mode} is a pick-up"
        )
    else:
        ship_to = _ship_to(document, company)
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
    """A complete address, where it was found, and how many others spoke against it."""

    cleaned: CleanedAddress
    source: str
    disagreeing: int = 0

    @property
    def place(self) -> Place:
        assert self.cleaned.place is not None  # noqa: S101 - only complete addresses are found
        return self.cleaned.place


@dataclass(slots=True)
class _Weighed:
    """Candidates by value; the first of several with the same value comes first."""

    values: dict[tuple[str, ...], Decimal] = field(default_factory=dict)

    def add(self, candidate: tuple[str, ...], value: Decimal) -> None:
        self.values[candidate] = self.values.get(candidate, ZERO) + abs(value)

    def heaviest(self) -> tuple[str, ...]:
        return max(self.values, key=lambda candidate: self.values[candidate])


def _ship_to(document: PostedDocument, company: CompanySettings) -> _Found | None:
    invoiced = _of_lines(document, company, lambda line: line.delivery_address, document.delivery_address, "invoice")
    if invoiced:
        return invoiced
    ordered = _of_lines(document, company, lambda line: line.order_address, document.order_address, "sales order")
    return ordered or _first_complete(_customer_addresses(document), company)


def _of_lines(
    document: PostedDocument,
    company: CompanySettings,
    address_of: Callable[[Line], Address | None],
    header: Address | None,
    name: str,
) -> _Found | None:
    """The complete address the lines agree on, else the header's, else the lines' one with the most value."""
    weighed = _Weighed()
    cleaned_by_key: dict[tuple[str, ...], CleanedAddress] = {}
    for line in document.lines:
        address = address_of(line)
        cleaned = clean_address(address, company) if address else None
        if cleaned and cleaned.place:
            key = tuple(part.casefold() for part in astuple(cleaned.place))
            weighed.add(key, net_amount(line, document))
            cleaned_by_key.setdefault(key, cleaned)
    if len(cleaned_by_key) == 1:
        return _Found(cleaned_by_key[weighed.heaviest()], f"the delivery address of the {name}'s lines")
    found = _first_complete([(f"the {name}'s delivery address", header)], company, disagreeing=len(cleaned_by_key))
    if found or not cleaned_by_key:
        return found
    source = f"the delivery address with the most value among the {name}'s lines"
    return _Found(cleaned_by_key[weighed.heaviest()], source, len(cleaned_by_key))


def _ship_from(document: PostedDocument, company: CompanySettings) -> _Found | None:
    """The warehouse with the most value (or the site, where no line names a warehouse), its site, the legal entity."""
    weighed = _Weighed()
    with_warehouse = [line for line in document.lines if line.warehouse]
    for line in with_warehouse or (line for line in document.lines if line.site):
        weighed.add(_stock_of(line), net_amount(line, document))
    lines = [line for line in document.lines if weighed.values and _stock_of(line) == weighed.heaviest()]
    return _first_complete(
        [
            *((f"the address of warehouse {line.warehouse}", line.warehouse_address) for line in lines),
            *((f"the address of site {line.site}", line.site_address) for line in lines),
            ("the legal entity's address", document.legal_entity_address),
        ],
        company,
    )


def _stock_of(line: Line) -> tuple[str, ...]:
    return (line.warehouse.casefold(),) if line.warehouse else ("", line.site.casefold())


def _customer_addresses(document: PostedDocument) -> Iterator[tuple[str, Address | None]]:
    if customer := document.customer:
        yield "the customer's delivery address", customer.delivery_address
        yield "the customer's primary address", customer.primary_address
        yield "the customer's invoice address", customer.invoice_address


def _first_complete(
    candidates: Iterable[tuple[str, Address | None]], company: CompanySettings, disagreeing: int = 0
) -> _Found | None:
    for source, address in candidates:
        cleaned = clean_address(address, company) if address else None
        if cleaned and cleaned.place:
            return _Found(cleaned, source, disagreeing)
    return None


def _notes(name: str, code: NoteCode, found: _Found | None) -> Iterator[Note]:
    if found is None:
        if code is NoteCode.SHIP_FROM_SOURCE:
            yield Note(code, "Ship-from is not known; TaxJar takes the account's business address.")
        return
    yield Note(code, f"{name} is {found.source}.")
    if found.disagreeing:
        sentence = f"The lines name {found.disagreeing} different addresses; {name.lower()} is {found.source}."
        yield Note(NoteCode.ADDRESSES_DISAGREE, sentence)
    if found.cleaned.state_derived:
        sentence = f"{name} has no state; {found.place.state} follows from ZIP code {found.place.zip}."
        yield Note(NoteCode.STATE_DERIVED, sentence)


def _holds(
    document: PostedDocument, company: CompanySettings, ship_to: _Found | None, ship_from: _Found | None
) -> Iterator[Hold]:
    if ship_to is None:
        problems = (
            "; ".join(_ship_to_problems(document, company)) or "neither the invoice, its order nor its customer has one"
        )
        yield Hold(
            HoldReason.ADDRESS_INCOMPLETE,
            f"There is no complete ship-to address: {problems}. Complete the address in F&O, then retry the document.",
        )
    for name, found in (("ship-to", ship_to), ("ship-from", ship_from)):
        if found and not zip_fits_state(found.place):
            yield Hold(
                HoldReason.ZIP_STATE_MISMATCH,
                f"The {name} ZIP code {found.place.zip} is not in {found.place.state} ({found.source})."
                " Correct the ZIP code or the state in F&O, then retry the document.",
            )


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
