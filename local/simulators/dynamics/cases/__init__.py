"""Named awkward documents, each with what the connector should make of it.

They suppose the master data of ``retail_company`` and the settings ``RETAIL_SETTINGS``. Each is posted around a given
day, at most a month before it; numbers are unique over all cases, so that all may be posted into one company.
"""

from __future__ import annotations

from local.simulators.dynamics.cases.addresses import ADDRESS_CASES
from local.simulators.dynamics.cases.amounts import AMOUNT_CASES
from local.simulators.dynamics.cases.case import Case, Expected, ids_of
from local.simulators.dynamics.cases.credit_notes import CREDIT_NOTE_CASES
from local.simulators.dynamics.cases.customers import CUSTOMER_CASES
from local.simulators.dynamics.cases.kinds import KIND_CASES

CASES: dict[str, Case] = {**KIND_CASES, **ADDRESS_CASES, **AMOUNT_CASES, **CREDIT_NOTE_CASES, **CUSTOMER_CASES}

__all__ = ["CASES", "Case", "Expected", "ids_of"]
