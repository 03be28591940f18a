"""Handlers about documents and filing periods: look, find, decide."""

from __future__ import annotations

from shared.api.route import Call, Nothing
from shared.flows.reconciliation import completeness
from shared.flows.review import decide, documents, filing_periods, listing, period_list, redrive
from shared.people.two_persons import is_same_person, retried_by
from shared.web import Answer, Problem


async def list_documents(call: Call[listing.DocumentFilter, Nothing]) -> Answer:
    """Documents by state, reason and invoice date, in pages."""
    return await listing.list_documents(call.connector, call.connection, call.company, call.query)


async def show_document(call: Call[documents.Shown, Nothing]) -> Answer:
    """One document with its payload and its whole audit."""
    transaction_id = call.request.route["transaction_id"]
    shown = await documents.show_document(call.connector, call.connection, call.company, transaction_id, call.query)
    return Answer(body=shown)


async def decide_document(call: Call[documents.Chosen, decide.DecisionBody]) -> Answer:
    """A person decides about a document: retry it, or approve or dismiss what is proposed for it."""
    transaction_id, decision = call.request.route["transaction_id"], call.request.route["decision"]
    if decision == decide.Decision.APPROVE and call.people.approver_must_differ:
        await _check_that_another_retried(call, transaction_id)
    decided = await decide.decide_document(
        call.connector, call.connection, call.company, transaction_id, decision, call.body, call.query
    )
    return Answer(202, decided)


async def retry_documents(call: Call[listing.DocumentFilter, redrive.Redrive]) -> Answer:
    """Re-drive all documents of a state or reason."""
    retried = await redrive.retry_documents(call.connector, call.connection, call.company, call.query, call.body)
    return Answer(202, {"retried": retried})


async def close_filing_period(call: Call[Nothing, filing_periods.Closing]) -> Answer:
    """A person says through which day a state has its return."""
    state = call.request.route["state"]
    closed = await filing_periods.close_filing_period(call.connector, call.connection, call.company, state, call.body)
    return Answer(body=closed)


async def list_filing_periods(call: Call[period_list.PeriodsQuery, Nothing]) -> Answer:
    """The filing periods of each state, and what is still open in them."""
    shown = await period_list.list_filing_periods(call.connector, call.connection, call.company, call.query)
    return Answer(body=shown)


async def show_completeness(call: Call[completeness.CompletenessQuery, Nothing]) -> Answer:
    """Whether every document of F&O is accounted for, in figures."""
    return await completeness.show_completeness(call.connector, call.connection, call.company, call.query)


async def _check_that_another_retried(call: Call[documents.Chosen, decide.DecisionBody], transaction_id: str) -> None:
    """Raise :class:`Problem` 409 where who approves is who tried the document again last."""
    record = await documents.find_document(call.connector, call.connection, call.company, transaction_id, call.query)
    entries, _ = await call.connector.ledger.audit(record)
    retry = retried_by(entries)
    if retry and is_same_person(retry, name=call.body.by, object_id=call.caller.object_id):
        message = f"{call.body.by} tried it again: somebody else approves it (PEOPLE__APPROVER_MUST_DIFFER)."
        raise Problem(409, "conflict", message)
