"""What is to happen with a document in TaxJar, decided without any I/O (design 4.6).

From what the ledger knows to be filed, what the mapping makes of the document now, the filing periods and, where it was
asked for, TaxJar's own answer, :func:`make_plan` gives a :class:`Plan`: an immutable sequence of steps and an end.
Reporting carries a plan out; a dry run only reads it.
"""

from __future__ import annotations

from shared.filing.corrections import correction_ids, current_id, reversal_of
from shared.filing.dismissals import VANISHED, content_of, dismissed_also, totals_of
from shared.filing.filed import FiledTransaction, Role, current_of, held_in_taxjar, sums_of
from shared.filing.periods import FilingPeriods
from shared.filing.plan import Plan, Standing, make_plan
from shared.filing.proposals import Pair, Proposal, ProposalStep
from shared.filing.steps import Ask, Create, End, Ending, Update

__all__ = [
    "VANISHED",
    "Ask",
    "Create",
    "End",
    "Ending",
    "FiledTransaction",
    "FilingPeriods",
    "Pair",
    "Plan",
    "Proposal",
    "ProposalStep",
    "Role",
    "Standing",
    "Update",
    "content_of",
    "correction_ids",
    "current_id",
    "current_of",
    "dismissed_also",
    "held_in_taxjar",
    "make_plan",
    "reversal_of",
    "sums_of",
    "totals_of",
]
