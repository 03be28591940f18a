"""A plan is carried out against TaxJar, step by step; each step but the last leaves a checkpoint in the ledger."""

from __future__ import annotations

from collections.abc import Sequence

from shared.filing import Ask, Create, FiledTransaction, Plan, Update
from shared.filing.correcting import after
from shared.filing.filed import as_payload, replaced
from shared.filing.sides import Answers, Id, id_of
from shared.flows.work.claims import Claim
from shared.flows.work.entries import NOTHING_EXCHANGED, Exchange
from shared.flows.work.fence import note_account
from shared.taxjar import upsert
from shared.taxjar.answers import Json

_SHOWN = 6
"""How many differing fields a message names."""


class TaxJarHoldsAnother(Exception):
    """TaxJar already holds something else under an id: plan again, with this answer."""

    def __init__(self, answers: Answers) -> None:
        super().__init__(", ".join(transaction_id for _, transaction_id in answers))
        self.answers = answers


class NotStoredAsSent(Exception):
    """TaxJar took a transaction and holds something else than was sent."""

    def __init__(self, transaction_id: str, words: str, filed: Sequence[FiledTransaction], exchange: Exchange) -> None:
        super().__init__(transaction_id)
        self.transaction_id = transaction_id
        self.words = words
        """The fields, as sent and as stored."""
        self.filed = tuple(filed)
        self.exchange = exchange


async def ask(claim: Claim, question: Ask) -> dict[Id, Json | None]:
    """What TaxJar holds under each id of ``question``."""
    answers: dict[Id, Json | None] = {}
    for each in question.transactions:
        async with claim.slot():
            found = await claim.run.company.account.client.find(each.kind, each.transaction_id)
        answers[id_of(each)] = found
        if found and (account := str(found.get("user_id") or "")):
            run = claim.run
            await note_account(run.connector, run.connection, run.company, each, account, run.actor)
            claim.note_filed(claim.record.filing.transactions, account=account)
    return answers


async def carry_out(claim: Claim, plan: Plan) -> Exchange:
    """Send what ``plan`` says, in order; return the last exchange. The claim's record then has what is filed.

    Raises :class:`TaxJarHoldsAnother`, :class:`NotStoredAsSent`, and what the calls raise.
    """
    steps = [step for step in plan.steps if not isinstance(step, Ask)]
    if tuple(plan.filed) != claim.record.filing.transactions:
        claim.note_filed(plan.filed)
    exchange = NOTHING_EXCHANGED
    for position, step in enumerate(steps):
        exchange = await _send(claim, step)
        if position < len(steps) - 1:
            await claim.checkpoint(claim.record, exchange=exchange, message=step.reason)
    return exchange


async def _send(claim: Claim, step: Create | Update) -> Exchange:
    client, wanted = claim.run.company.account.client, step.transaction
    async with claim.slot():
        if isinstance(step, Create):
            sent = await upsert.create(client, wanted.transaction)
        else:
            sent = await upsert.update(client, wanted.transaction)
    if isinstance(sent, upsert.Found) and not sent.same:
        raise TaxJarHoldsAnother({id_of(wanted): sent.stored})
    before = step.before if isinstance(step, Update) else step.reverses.payload if step.reverses else None
    exchange = Exchange(
        request=wanted.payload,
        response=sent.answer.body,
        status=sent.answer.status,
        before=before,
        after=wanted.payload if before else None,
    )
    correction = claim.record.correction
    known = claim.record.filing.transactions
    filed = after(correction, known, wanted) if correction else replaced(known, wanted)
    if not sent.same:
        stored = wanted.model_copy(update={"payload": as_payload(sent.stored)})
        words = "; ".join(
            f"{field} {ours or 'nothing'} was sent, TaxJar holds {theirs or 'nothing'}"
            for field, (ours, theirs) in list(sent.differences.items())[:_SHOWN]
        )
        raise NotStoredAsSent(wanted.transaction_id, words, replaced(filed, stored), exchange)
    # First: what another account took must not count as filed.
    run = claim.run
    await note_account(run.connector, run.connection, run.company, wanted, sent.account, run.actor)
    claim.note_filed(filed, account=sent.account)
    return exchange
