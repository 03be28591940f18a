"""Documents of a company as lists: by state, reason, day, number, customer, state of destination (design 3.1).

What is open (in flight, held, failed) is read from the index of open work alone; what is asked for by number, from the
ids that the number makes. Everything else goes through the records of its days, which :mod:`.pages` bounds: the first
page counts them as far as it goes, a further page reads what it shows.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from shared.connector import Company, Connection, Connector
from shared.csv_text import to_csv
from shared.flows.review import pages
from shared.flows.review.documents import summary
from shared.flows.review.pages import Page, page_of_all, page_of_many
from shared.flows.work.problems import Conflict
from shared.flows.work.run import today_of
from shared.ledger.keys import day_of
from shared.ledger.newest import newest_first
from shared.ledger.records import IN_FLIGHT, WAITING, DocumentRecord, State
from shared.mapping import HoldReason, SkipReason, order_id, refund_id
from shared.states import STATES
from shared.web import Answer, Days, attachment

PAGE, LONGEST_PAGE = 100, 1000
LONGEST_FILE = 50_000
"""Documents that a file is made of, or is looked for among."""
_OPEN = IN_FLIGHT | WAITING
_STATES = {state.value: frozenset({state}) for state in State} | {"in_flight": IN_FLIGHT}
_HOLDS = frozenset(reason.value for reason in HoldReason)
_REASONS = frozenset(reason.value for reason in (*HoldReason, *SkipReason))
_UNKNOWN = "UNKNOWN"
_DESTINATIONS = STATES | {_UNKNOWN}


def _parts(value: object) -> object:
    """``held,failed``, or a list of such texts, as its parts, lower case."""
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
        return value
    return tuple(part.strip().lower() for text in texts for part in text.split(",") if part.strip())


def _each_of(known: Collection[str], words: str, spelled: Callable[[str], str] = str.lower) -> BeforeValidator:
    """The parts of a text, each of them one of ``known``; ``words`` say of others what they are not."""

    def parts_of(value: object) -> object:
        parts = _parts(value)
        if not isinstance(parts, tuple):
            return parts
        if unknown := [part for part in map(spelled, parts) if part not in known]:
            raise ValueError(f"{', '.join(unknown)} {words}")
        return tuple(map(spelled, parts))

    return BeforeValidator(parts_of)


def _known_place(value: str) -> str:
    if value:
        try:
            day_of(value)
        except ValueError:
            raise ValueError("take it from next as it is") from None
    return value


def _named(names: Iterable[str]) -> WithJsonSchema:
    return WithJsonSchema({"type": "array", "items": {"type": "string", "enum": list(names)}})


States = Annotated[
    tuple[str, ...], _each_of(_STATES, f"is not a state; there are {', '.join(_STATES)}"), _named(_STATES)
]
"""States of documents, with commas between them."""
Reasons = Annotated[
    tuple[str, ...],
    _each_of(_REASONS, f"is not a reason; there are {', '.join(sorted(_REASONS))}"),
    _named(sorted(_REASONS)),
]
"""Codes of reasons, with commas between them."""
Destinations = Annotated[
    tuple[str, ...],
    _each_of(_DESTINATIONS, "is not a US state; give two-letter codes such as TX, or unknown", str.upper),
    _named(sorted(_DESTINATIONS)),
]
"""US states, with commas between them; ``unknown`` is that of what was not mapped yet."""


class DocumentFilter(Days):
    """The query of ``list_documents``; ``from`` and ``to`` are invoice dates."""

    state: States = ()
    reason: Reasons = ()
    number: str = ""
    customer: str = ""
    to_state: Destinations = ()
    late: bool | None = None
    in_taxjar: bool | None = None
    read_without: str = ""
    """An entity set that was never readable: what was mapped without it."""
    assignee: str | None = None
    """Empty: what is assigned to nobody."""
    order: Literal["oldest", "newest"] = "oldest"
    limit: Annotated[int, Field(ge=1, le=LONGEST_PAGE)] = PAGE
    format: Literal["json", "csv"] = "json"
    after: Annotated[str, AfterValidator(_known_place)] = ""
    count: int | None = None
    """Of further pages: how many documents the first one found."""
    at_least: bool = False
    """Of further pages: whether there may be more than ``count``."""

    @property
    def is_indexed(self) -> bool:
        """Whether an index names the documents: no others are read."""
        return self.is_open or bool(self.number.strip())

    @property
    def is_open(self) -> bool:
        """Whether only documents can fit that are not done."""
        return bool(
            (self.states and self.states <= _OPEN) or (self.reason and all(each in _HOLDS for each in self.reason))
        )

    @property
    def states(self) -> frozenset[State]:
        """The states that are asked for; empty for all."""
        return frozenset(state for name in self.state for state in _STATES[name])

    def fits(self, record: DocumentRecord) -> bool:
        """Whether the list has the document."""
        filing, states = record.filing, set(record.filing.to_states) or {_UNKNOWN}
        return (
            (not self.states or record.state in self.states)
            and (not self.reason or record.reason in self.reason)
            and (not self.number or record.key.number.casefold() == self.number.strip().casefold())
            and (not self.customer or filing.customer.casefold() == self.customer.strip().casefold())
            and (not self.to_state or bool(states & set(self.to_state)))
            and self.late in (None, filing.late)
            and (self.assignee is None or record.decisions.assignee.casefold() == self.assignee.strip().casefold())
            and (not self.read_without or self.read_without.strip().casefold() in _folded(record.read_without))
            and self.in_taxjar in (None, filing.count > 0)
            and (self.since or date.min) <= record.key.date <= (self.until or date.max)
        )


def _folded(names: Iterable[str]) -> set[str]:
    return {name.casefold() for name in names}


async def list_documents(connector: Connector, connection: str, company: str, query: DocumentFilter) -> Answer:
    """One page of documents, how many fit in all, and the path of the next page, or ``None``.

    Raises :class:`NotFound` for a connection or company that the settings do not have.
    """
    found = connector.connection(connection)
    if query.format == "csv":
        return await _file(connector, found, found.company(company), query)
    page = await _page(connector, found, found.company(company), query)
    following = None
    if page.place:
        asked = query.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        asked |= {"after": page.place, "count": page.count, **_bound(page)}
        words = {name: ",".join(value) if isinstance(value, list) else value for name, value in asked.items()}
        following = f"/api/documents/{quote(connection)}/{quote(company)}?{urlencode(words)}"
    documents = [summary(record) for record in page.records]
    return Answer(body={"documents": documents, "count": page.count, **_bound(page), "next": following})


def _bound(page: Page) -> dict[str, bool]:
    """Said only where the count is not that of all."""
    return {"at_least": True} if page.at_least else {}


async def _file(connector: Connector, connection: Connection, company: Company, query: DocumentFilter) -> Answer:
    """All that fit. Raises :class:`Conflict` where there is too much to go through."""
    if query.is_indexed:
        records = candidates(connector, connection.name, company.id, query)
    else:
        records = _oldest(connector, connection, company, query.model_copy(update={"after": ""}))
    found: list[DocumentRecord] = []
    read = 0
    async for record in records:
        read += 1
        if read > LONGEST_FILE:
            raise Conflict(f"There are more than {LONGEST_FILE} documents there: give from and to.", code="too_long")
        if query.fits(record):
            found.append(record)
    found.sort(key=lambda record: record.row, reverse=query.order == "newest")
    return attachment(to_csv(COLUMNS, map(_row, found)), f"documents-{company.id}.csv")


async def _page(connector: Connector, connection: Connection, company: Company, query: DocumentFilter) -> Page:
    """The page that is asked for. A further page of a long list shows what the first one counted."""
    is_newest = query.order == "newest"
    if query.is_indexed:
        found = [each async for each in candidates(connector, connection.name, company.id, query) if query.fits(each)]
        return page_of_all(found, limit=query.limit, after=query.after, newest=is_newest)
    records = (
        _newest(connector, connection, company, query) if is_newest else _oldest(connector, connection, company, query)
    )
    page = await page_of_many(records, query.fits, limit=query.limit, counts=not query.after)
    if not query.after:
        return page
    if query.count is None:
        return replace(page, at_least=True)
    return replace(page, count=query.count, at_least=query.at_least)


def _oldest(
    connector: Connector, connection: Connection, company: Company, query: DocumentFilter
) -> AsyncIterator[DocumentRecord]:
    return connector.ledger.listing(
        connection.name,
        company.id,
        since=query.since or date.min,
        until=query.until,
        after=query.after,
        at_once=min(4 * query.limit if query.after else pages.READ_AT_MOST + 1, LONGEST_PAGE),
    )


def _newest(
    connector: Connector, connection: Connection, company: Company, query: DocumentFilter
) -> AsyncIterator[DocumentRecord]:
    return newest_first(
        connector.ledger,
        connection.name,
        company.id,
        today=today_of(connector, company.settings),
        since=query.since or date.min,
        until=min(query.until or date.max, day_of(query.after) if query.after else date.max),
        before=query.after,
    )


async def candidates(
    connector: Connector, connection: str, company: str, query: DocumentFilter
) -> AsyncIterator[DocumentRecord]:
    """At least the documents that fit, each once."""
    if query.number.strip():
        number = query.number.strip()
        spellings = dict.fromkeys((number, number.upper()))
        ids = [each for name in spellings for each in (order_id(company, name), refund_id(company, name))]
        for record in await connector.ledger.with_number(connection, company, number, ids):
            yield record
    elif query.is_open:
        async for record in connector.ledger.open_work(connection, company):
            yield record
    else:
        rows = connector.ledger.listing(
            connection,
            company,
            since=query.since or date.min,
            until=query.until,
            states=query.states,
            reason=query.reason[0] if len(query.reason) == 1 else "",
            read_without=bool(query.read_without),
        )
        async for record in rows:
            yield record


COLUMNS = (
    "transaction_id",
    "kind",
    "number",
    "voucher",
    "date",
    "customer",
    "state",
    "reason",
    "message",
    "amount",
    "sales_tax",
    "transactions",
    "to_states",
    "late",
    "in_taxjar",
    "since",
    "assignee",
    "updated_at",
)
"""Of the CSV."""


def _row(record: DocumentRecord) -> Mapping[str, str]:
    shown: dict[str, Any] = summary(record)
    shown["to_states"] = " ".join(shown["to_states"])
    return {name: "" if shown[name] is None else str(shown[name]) for name in COLUMNS}
