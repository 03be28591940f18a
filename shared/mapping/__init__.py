"""Posted documents as TaxJar orders and refunds: pure functions, exact to the cent (design 4.3 to 4.5, 4.11)."""

from __future__ import annotations

from shared.mapping.customers import map_customer
from shared.mapping.document import map_document
from shared.mapping.exemptions import (
    Exemption,
    ExemptionRule,
    exempt_states,
    exemption_of,
    needs_delivery_addresses,
)
from shared.mapping.ids import customer_id, derived_id, order_id, refund_id, taken_suffix, transaction_id
from shared.mapping.original_sales import (
    OriginalKey,
    OriginalSale,
    OriginalTransaction,
    original_sale_of,
    originals_of,
)
from shared.mapping.outcomes import (
    Held,
    Hold,
    KeptTransaction,
    LeftOut,
    LeftOutReason,
    Mapped,
    MappedTransaction,
    Outcome,
    Skipped,
)
from shared.mapping.places import clean_place, is_complete, zip_fits_state
from shared.mapping.reasons import HoldReason, SkipReason
from shared.mapping.shown_sales import sale_as_shown
from shared.mapping.signs import kind_of, net_and_tax
from shared.mapping.tax_codes import needs_tax_categories

__all__ = [
    "Exemption",
    "ExemptionRule",
    "Held",
    "Hold",
    "HoldReason",
    "KeptTransaction",
    "LeftOut",
    "LeftOutReason",
    "Mapped",
    "MappedTransaction",
    "OriginalKey",
    "OriginalSale",
    "OriginalTransaction",
    "Outcome",
    "SkipReason",
    "Skipped",
    "clean_place",
    "customer_id",
    "derived_id",
    "exempt_states",
    "exemption_of",
    "is_complete",
    "kind_of",
    "map_customer",
    "map_document",
    "needs_delivery_addresses",
    "needs_tax_categories",
    "net_and_tax",
    "order_id",
    "original_sale_of",
    "originals_of",
    "refund_id",
    "sale_as_shown",
    "taken_suffix",
    "transaction_id",
    "zip_fits_state",
]
