"""Where a transaction's goods came from: warehouse, its site, or the legal entity (design 4.5, 4.11)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.documents import Line, PostedDocument
from shared.mapping.address_search import Candidate
from shared.mapping.outcomes import Hold
from shared.mapping.places import clean_address, zip_fits_state
from shared.mapping.reasons import HoldReason
from shared.settings import CompanySettings
from shared.transactions import Place


@dataclass(frozen=True, slots=True)
class Origin:
    """Ship-from; ``None`` where F&O knows no complete one."""

    place: Place | None
    sentences: tuple[str, ...]
    hold: Hold | None = None


def find_origin(lines: Sequence[tuple[Line, int]], document: PostedDocument, company: CompanySettings) -> Origin:
    """The address of the warehouse with the most value among ``lines`` (each with its net in cents), and so on.

    Where no line names a warehouse, its site counts alike. Ties go to the first line. What is incomplete is passed
    over; a ZIP code that is not in its state is held.
    """
    values: dict[str, int] = {}
    with_warehouse = [(line, value) for line, value in lines if line.warehouse.strip()]
    for line, value in with_warehouse or [(line, value) for line, value in lines if line.site.strip()]:
        values[_stock_of(line)] = values.get(_stock_of(line), 0) + value
    heaviest = max(values, key=lambda stock: values[stock]) if values else None
    chosen = [line for line, _ in lines if heaviest is not None and _stock_of(line) == heaviest]
    candidates: list[Candidate] = [
        *((f"the address of warehouse {line.warehouse}", line.warehouse_address) for line in chosen),
        *((_of_site(line), line.site_address) for line in chosen),
        ("the legal entity's address", document.legal_entity_address),
    ]
    among = ""
    if len(values) > 1:
        places = "warehouses" if with_warehouse else "sites"
        among = f", the one with the most value of {len(values)} {places}"
    passed_over = []
    for source, address in dict.fromkeys(candidates):
        cleaned = clean_address(address, company) if address else None
        if cleaned is None or cleaned.place is None:
            if cleaned:
                passed_over.append(f"{source} {cleaned.problem}")
            continue
        place = cleaned.place
        if not zip_fits_state(place, company):
            return Origin(place, (), _mismatch(source, place))
        repairs = (f"{source[:1].upper()}{source[1:]} {repair}." for repair in cleaned.repairs)
        why = f" ({'; '.join(passed_over)})" if passed_over else ""
        return Origin(place, (f"Ship-from is {source}{among}{why}.", *repairs))
    why = f": {'; '.join(passed_over)}" if passed_over else ""
    return Origin(None, (f"Ship-from is not known{why}; TaxJar takes the account's business address.",))


def _of_site(line: Line) -> str:
    return f"the address of site {line.site}" if line.site.strip() else f"the address of the site of {line.warehouse}"


def _stock_of(line: Line) -> str:
    return (
        f"warehouse {line.warehouse.strip().casefold()}" if line.warehouse.strip() else f"site {line.site.casefold()}"
    )


def _mismatch(source: str, place: Place) -> Hold:
    return Hold(
        HoldReason.ZIP_STATE_MISMATCH,
        f"The ship-from ZIP code {place.zip} is not in {place.state} ({source}). Correct the ZIP code or the state in"
        " F&O, or name the ZIP code's states in ZIP_STATES, then retry the document.",
    )
