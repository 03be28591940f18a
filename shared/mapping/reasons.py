"""Why a document is not in TaxJar: the reason codes of skipped and held documents (design 4.2 to 4.6)."""

from __future__ import annotations

from enum import StrEnum


class SkipReason(StrEnum):
    """The document is none of TaxJar's business. In the order in which the rules are asked (design 4.5).

    From ``SUPERSEDED`` on they are found by the flows: that record stood in for a document that has its own by now.
    """

    BEFORE_START = "before_start"
    INTEREST_NOTE = "interest_note"
    PREPAYMENT = "prepayment"
    PROFORMA = "proforma"
    INTERCOMPANY = "intercompany"
    PROJECT_INVOICE = "project_invoice"
    ZERO_VALUE = "zero_value"
    NOT_US = "not_us"
    NOT_USD = "not_usd"
    SUPERSEDED = "superseded"
    HANDLED_OUTSIDE = "handled_outside"
    """A person entered it in TaxJar by hand, or settled it otherwise."""


class HoldReason(StrEnum):
    """The document belongs in TaxJar, and a person has to put something right first.

    In the order of the rules: of several, the first is the document's reason. From ``REJECTED_BY_TAXJAR`` on they are
    found by the flows.
    """

    ID_COLLISION = "id_collision"
    """Produced no more; the ledger has rows that were held for it."""
    SOURCE_INCOMPLETE = "source_incomplete"
    """F&O does not show what must be there, such as the charges behind a total of charges."""
    UNREADABLE_ROW = "unreadable_row"
    TAX_ON_SKIPPED = "tax_on_skipped"
    """A rule would skip the document, but tax was collected on what went to the US."""
    ADDRESS_INCOMPLETE = "address_incomplete"
    ZIP_STATE_MISMATCH = "zip_state_mismatch"
    MIXED_SIGNS = "mixed_signs"
    LINES_MISSING = "lines_missing"
    AMOUNTS_DO_NOT_ADD_UP = "amounts_do_not_add_up"
    TAXES_DO_NOT_ADD_UP = "taxes_do_not_add_up"
    UNKNOWN_PRODUCT_TAX_CODE = "unknown_product_tax_code"
    CREDIT_NOTE_UNLINKED = "credit_note_unlinked"
    REJECTED_BY_TAXJAR = "rejected_by_taxjar"
    NOT_STORED_AS_SENT = "not_stored_as_sent"
    """TaxJar answered with something else than it was sent."""
    REPORTED_TO_ANOTHER_ACCOUNT = "reported_to_another_account"
    """It lies in the TaxJar account of before a confirmed move: nothing of it is sent to the present one."""
    FILED_TRANSACTION_CHANGED = "filed_transaction_changed"
    NOT_FOUND_IN_DYNAMICS = "not_found_in_dynamics"
    DELETED_IN_TAXJAR = "deleted_in_taxjar"
    CHANGED_IN_TAXJAR = "changed_in_taxjar"
    MISSING_IN_DYNAMICS = "missing_in_dynamics"
    """TaxJar holds it, and F&O no longer has it."""
    CHANGED_IN_DYNAMICS = "changed_in_dynamics"
    """F&O's totals are no longer those that were reported, though posted documents do not change."""
