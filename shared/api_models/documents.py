"""Documents: ``list_documents``, ``show_document``, ``decide_document``, ``retry_documents``."""

from __future__ import annotations

from pydantic import Field

from shared.api_models.values import Amount, AnswerModel, Count, DayText, Instant, Json
from shared.ledger.records import State
from shared.transactions import Kind


class DocumentFacts(AnswerModel):
    """What is known of a document; ``transaction_id`` is its first one in TaxJar, also where it is not there."""

    transaction_id: str
    kind: Kind
    number: str
    voucher: str
    date: DayText
    customer: str | None
    state: State
    reason: str | None
    message: str | None
    amount: Amount | None
    sales_tax: Amount | None
    to_states: list[str]
    late: bool
    in_taxjar: bool
    since: Instant
    """When it came into this state."""
    assignee: str | None
    read_without: list[str] = Field(default_factory=list)
    """The entity sets that it was mapped without, since they were never readable; absent where there are none."""
    updated_at: Instant


class DocumentSummary(DocumentFacts):
    """A document in a list, with the number of its transactions."""

    transactions: Count


class DocumentList(AnswerModel):
    """A page of documents; ``count`` is the number of all that match, ``next`` the path of the next page.

    A page with a next one may be empty: it ends behind 5,000 documents that were looked at.
    """

    documents: list[DocumentSummary]
    count: Count
    at_least: bool = False
    """True, and only then there, where more may match than the 5,000 documents hold that were looked at."""
    next: str | None


class TransactionShown(AnswerModel):
    """One TaxJar transaction of a document; ``in_taxjar`` is there only with ``?live=true``."""

    transaction_id: str
    kind: Kind
    state: str
    amount: Amount | None
    sales_tax: Amount | None
    shipping: Amount | None
    to_state: str | None
    exemption_type: str | None
    transaction_date: DayText | None
    payload: Json | None
    in_taxjar: Json | None = None


class LeftOutShown(AnswerModel):
    """A part of the document that is in no transaction, and why."""

    reason: str
    amount: Amount
    sales_tax: Amount
    sentence: str


class AuditEntryShown(AnswerModel):
    """One entry of a document's audit; what is empty is left out."""

    at: str
    function: str
    by: str
    subject: str
    decision: str
    person: str = ""
    way: str = ""
    reason: str = ""
    message: str = ""
    attempt: int | None = None
    status: int | None = None
    request: Json | None = None
    response: Json | None = None
    before: Json | None = None
    after: Json | None = None
    notes: list[str] = Field(default_factory=list)


class DocumentShown(DocumentFacts):
    """One document in full. One of a single transaction has ``payload`` as well."""

    attempts: Count
    transactions: list[TransactionShown]
    left_out: list[LeftOutShown]
    payload: Json | None = None
    proposal: Json | None
    audit: list[AuditEntryShown]
    audit_intact: bool


class Retried(AnswerModel):
    """How many documents are tried again."""

    retried: Count
