"""The ledger's record of one posted document: its state, and all that is needed to decide what comes next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from shared.documents import ZERO, DocumentKey
from shared.filing import FiledTransaction, Proposal, ProposalStep, Standing, current_of, sums_of
from shared.ledger import keys
from shared.ledger.audit import Chain
from shared.transactions import Kind


class State(StrEnum):
    """Where a document is on its way to TaxJar (design 4.2)."""

    SEEN = "seen"
    REPORTING = "reporting"
    RETRYING = "retrying"
    REPORTED = "reported"
    SKIPPED = "skipped"
    HELD = "held"
    FAILED = "failed"


IN_FLIGHT = frozenset({State.SEEN, State.REPORTING, State.RETRYING})
WAITING = frozenset({State.HELD, State.FAILED})
"""A person has to do something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """How often and since when a document has been tried, and when it is tried next."""

    count: int = 0
    first_at: datetime | None = None
    next_at: datetime | None = None
    paused_at: datetime | None = None
    """Since when it waits for its whole connection, which is not an attempt of its own."""
    outcome_unknown: bool = False
    """The last call to TaxJar may have taken effect: ask before sending again."""
    alone: bool = False
    """Reading it in company met trouble: it is read alone."""
    refused: str = ""
    """The kind of call that TaxJar refused the last time, such as ``POST order``: twice, and it is the document's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filing:
    """What is filed of the document, and the figures that lists show."""

    kind: Kind
    transaction_id: str
    """The id of its first transaction in TaxJar, for skipped and held documents too."""
    owns_id: bool = True
    """Whether the document owns ``transaction_id``; without it nothing is sent under it."""
    number_taken: bool = False
    """Another document owns one of the plain ids: this one's carry a suffix (design 4.3)."""
    reserved: tuple[str, ...] = ()
    """Further ids in TaxJar that the document owns."""
    transactions: tuple[FiledTransaction, ...] = ()
    count: int = 0
    """How many transactions say what the document is in TaxJar; also where ``transactions`` was not read."""
    amount: Decimal | None = None
    """The sum of its transactions as filed, or, before anything was filed, as it would be."""
    sales_tax: Decimal | None = None
    shipping: Decimal | None = None
    to_states: tuple[str, ...] = ()
    late: bool = False
    """Reported after its filing period had closed."""
    fingerprint: str = ""
    """Hash of the document as F&O had it when it was settled."""
    tax_codes: Mapping[str, str] | None = None
    """Product tax codes as sent, by line."""
    left_out: tuple[Mapping[str, str], ...] = ()
    """What is in no transaction: reason, amount, sales tax and a sentence each."""
    account: str = ""
    """TaxJar's own number of the account that holds the transactions."""
    customer: str = ""
    """The ordering customer's account in F&O."""
    handled_outside: tuple[str, ...] = ()
    """Ids in TaxJar of what a person entered there by hand for this document."""

    @property
    def current(self) -> tuple[FiledTransaction, ...]:
        """The transactions that say what the document is."""
        return current_of(self.transactions)

    @property
    def was_sent(self) -> bool:
        """Whether TaxJar has ever received anything of the document."""
        return bool(self.transactions)

    def holding(self, transactions: Sequence[FiledTransaction], account: str = "") -> Filing:
        """The same with ``transactions`` as what is filed, and their figures; these stay while there are none."""
        transactions, account = tuple(transactions), account or self.account
        if not transactions:
            return replace(self, transactions=(), count=0, account=account)
        current = current_of(transactions)
        sums = sums_of(current)
        states = tuple(dict.fromkeys(each.to_state for each in current if each.to_state))
        return replace(
            self,
            transactions=transactions,
            account=account,
            count=len(current),
            amount=sums.amount,
            sales_tax=sums.sales_tax,
            shipping=sums.shipping,
            to_states=states or self.to_states,
            kind=current[0].kind if current else self.kind,
            late=self.late or any(each.late for each in current),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """What people and backfills asked for."""

    remap: bool = False
    """Map the document anew: neither its fingerprint nor its kept tax codes count."""
    forced: str = ""
    """The backfill that asked for the document by force: ``REPORT_FROM`` does not apply to it."""
    proposal: Proposal | None = None
    """The correction that waits for approval or, once approved, is under way."""
    dismissed: tuple[str, ...] = ()
    """What people decided not to send in place of what TaxJar holds, by name: it is not held again."""
    assignee: str = ""
    retried_by: str = ""
    """Who asked for the last retry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRecord:
    """One row of the ledger. Instants are aware UTC, money is signed as TaxJar keeps it."""

    connection: str
    key: DocumentKey
    state: State
    filing: Filing
    seen_at: datetime
    updated_at: datetime
    since: datetime | None = None
    """Since when it is in this state."""
    reason: str = ""
    message: str = ""
    total_amount: Decimal = ZERO
    """Gross total as F&O showed it last, F&O's sign."""
    total_tax: Decimal = ZERO
    placeholder: bool = False
    """An event named the document and F&O does not show it: number and date are the event's, there is no voucher."""
    lease_until: datetime | None = None
    enqueued_until: datetime | None = None
    """Until when a message on the queue is known to name the document."""
    read_without: tuple[str, ...] = ()
    """The entity sets that it was last mapped without, since they were never readable."""
    indexed: bool = False
    """Whether it has a row in the index of open work."""
    attempts: Attempts = field(default_factory=Attempts)
    decisions: Decisions = field(default_factory=Decisions)
    audit_count: int = 0
    audit_head: str = ""
    chain_broken: bool = False
    etag: str = ""

    @property
    def partition(self) -> str:
        return keys.partition(self.connection, self.key.company)

    @property
    def row(self) -> str:
        return keys.document_row(self.key)

    @property
    def chain(self) -> Chain:
        return Chain(self.audit_count, self.audit_head)

    @property
    def in_flight(self) -> bool:
        return self.state in IN_FLIGHT

    @property
    def is_open(self) -> bool:
        """Whether something is still to be done, by the connector or by a person."""
        return self.in_flight or self.state in WAITING

    @property
    def correction(self) -> Proposal | None:
        """The approved correction that has not come to its end."""
        proposal = self.decisions.proposal
        return proposal if proposal and proposal.step is ProposalStep.APPROVED else None

    def standing(self, fingerprint: str) -> Standing:
        """What the plan has to know; ``fingerprint`` is the document's as F&O shows it now."""
        return Standing(
            filed=self.filing.transactions,
            outcome_unknown=self.attempts.outcome_unknown,
            dismissed=self.decisions.dismissed,
            proposal=self.decisions.proposal,
            fingerprint=fingerprint,
        )

    def tried_for(self, now: datetime) -> timedelta:
        """For how long it has been tried since the first attempt; the time of a pause does not count."""
        until = self.attempts.paused_at or now
        return max(until - (self.attempts.first_at or until), timedelta(0))

    def due_at(self) -> datetime | None:
        """When an unsettled document may be worked on; ``None`` means now."""
        return self.lease_until if self.state is State.REPORTING else self.attempts.next_at

    def is_due(self, now: datetime) -> bool:
        """Whether the document is unsettled, and neither claimed nor waiting for its next attempt."""
        due_at = self.due_at()
        return self.in_flight and (due_at is None or due_at <= now)

    def is_enqueued(self, now: datetime) -> bool:
        """Whether a message on the queue is known to name the document."""
        return self.enqueued_until is not None and self.enqueued_until > now

    def to(self, state: State, *, reason: str = "", message: str = "") -> DocumentRecord:
        """The record in ``state``, claimed by nobody and waiting for no attempt."""
        attempts, decisions = self.attempts, self.decisions
        if attempts.next_at or attempts.paused_at:
            attempts = replace(attempts, next_at=None, paused_at=None)
        if decisions.remap and state not in IN_FLIGHT:
            decisions = replace(decisions, remap=False)
        return replace(
            self,
            state=state,
            reason=str(reason),
            message=message,
            lease_until=None,
            attempts=attempts,
            decisions=decisions,
        )

    def proposing(self, proposal: Proposal | None) -> DocumentRecord:
        """The record with ``proposal`` as what waits for a person, or is under way."""
        if proposal is self.decisions.proposal:
            return self
        return replace(self, decisions=replace(self.decisions, proposal=proposal))

    def afresh(self) -> DocumentRecord:
        """The record as if it had never been tried; an unknown outcome stays unknown."""
        return replace(self, attempts=Attempts(outcome_unknown=self.attempts.outcome_unknown))

    def filed(self, transactions: Sequence[FiledTransaction], account: str = "") -> DocumentRecord:
        """The record with ``transactions`` as what is filed, and their figures; ``account`` holds them, if known."""
        return replace(self, filing=self.filing.holding(transactions, account))

    def certain(self) -> DocumentRecord:
        """The record once TaxJar's side is known."""
        if not self.attempts.outcome_unknown:
            return self
        return replace(self, attempts=replace(self.attempts, outcome_unknown=False))
