"""Posted documents as TaxJar orders and refunds: pure functions, exact to the cent (design 4.3 to 4.5)."""

from __future__ import annotations

from shared.mapping.corrections import CorrectionIds, correction_ids, current_id, reversal_of
from shared.mapping.customers import map_customer
from shared.mapping.exemptions import Exemption, ExemptionRule, exemption_of, needs_delivery_addresses
from shared.mapping.ids import customer_id, derived_id, order_id, refund_id, transaction_id
from shared.mapping.orders import map_document
from shared.mapping.outcomes import Held, Mapped, Note, NoteCode, Outcome, Skipped
from shared.mapping.places import clean_place, is_complete, zip_fits_state
from shared.mapping.reasons import HoldReason, SkipReason
from shared.mapping.signs import kind_of, net_and_tax
from shared.mapping.tax_codes import needs_tax_categories

__all__ = [
    "CorrectionIds",
    "Exemption",
    "ExemptionRule",
    "Held",
    "HoldReason",
    "Mapped",
    "Note",
    "NoteCode",
    "Outcome",
    "SkipReason",
    "Skipped",
    "clean_place",
    "correction_ids",
    "current_id",
    "customer_id",
    "derived_id",
    "exemption_of",
    "is_complete",
    "kind_of",
    "map_customer",
    "map_document",
    "needs_delivery_addresses",
    "needs_tax_categories",
    "net_and_tax",
    "order_id",
    "refund_id",
    "reversal_of",
    "transaction_id",
    "zip_fits_state",
]
