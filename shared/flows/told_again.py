"""Events of documents that are reported already: only what F&O shows differently now is taken up (design 4.2).

Posted documents do not change, but what they refer to may: an address, a customer, a charge code.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from shared.documents import DocumentKey, PostedDocument
from shared.fingerprint import fingerprint
from shared.flows.dismissals import totals_of
from shared.flows.not_found import ask_again
from shared.flows.run import Run
from shared.ledger.records import DocumentRecord, State
from shared.mapping import net_and_tax
from shared.queues import NumberToFind


def told_again(records: Sequence[DocumentRecord], named: Collection[DocumentKey]) -> list[DocumentRecord]:
    """The reported ones among the documents that events named."""
    return [record for record in records if record.key in named and record.state is State.REPORTED]


def changed_since(
    reported: Sequence[DocumentRecord], documents: Mapping[DocumentKey, PostedDocument]
) -> list[DocumentRecord]:
    """Those that F&O shows differently than when they were settled, to be begun afresh.

    Not those whose new totals a person has dismissed.
    """
    return [
        replace(record, attempts=0, first_attempt_at=None)
        for record in reported
        if (document := documents.get(record.key))
        and record.fingerprint != fingerprint(document)
        and totals_of(*net_and_tax(document.total_amount, document.total_tax)) not in record.dismissed
    ]


async def ask_again_for(
    run: Run, reported: Sequence[DocumentRecord], numbers: Sequence[NumberToFind], trouble: Exception
) -> None:
    """Have reported documents that could not be read asked for again: nothing but the events' numbers names them."""
    names = {record.key.number.casefold() for record in reported}
    if waiting := [wanted for wanted in numbers if wanted.number.casefold() in names]:
        await ask_again(run, waiting, trouble)
