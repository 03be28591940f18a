"""Product tax codes of lines (design 4.5)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from shared.documents import PostedDocument
from shared.mapping.contents import split_document
from shared.mapping.items import Item
from shared.mapping.outcomes import Hold
from shared.mapping.reasons import HoldReason
from shared.settings import CompanySettings


def needs_tax_categories(documents: Iterable[PostedDocument], company: CompanySettings) -> bool:
    """Whether the settings have a code for any line of ``documents``, so that TaxJar's categories must be known."""
    codes = company.product_tax_codes
    if not (codes.items or codes.tax_item_groups or codes.categories):
        return False
    return any(
        _mapped_code(item, company)
        for document in documents
        for items in [split_document(document, company)]
        # What lowers others may leave a line of the other direction.
        for item in (*items.sent, *items.reductions)
    )


@dataclass(frozen=True, slots=True)
class TaxCodes:
    """Chooses product tax codes by the settings; a line that ``kept`` knows keeps the code that it was sent with.

    So a changed map does not re-rate history. ``categories`` may be ``None`` only where no code is used.
    """

    company: CompanySettings
    categories: Collection[str] | None
    kept: Mapping[str, str] | None = None

    def of(self, items: Iterable[Item]) -> dict[str, str]:
        """Item key → code, ``""`` for none."""
        return {item.key: self._code(item) for item in items}

    def holds(self, items: Iterable[Item]) -> list[Hold]:
        """The hold of newly chosen codes that TaxJar does not know; a kept one was accepted once."""
        unknown: dict[str, None] = {}
        for item in items:
            code = self._code(item)
            if not code or (self.kept and self.kept.get(item.key) == code):
                continue
            if self.categories is None:
                raise ValueError("a product tax code is used, so TaxJar's categories must be given")
            if code not in self.categories:
                unknown[f"{code} of item {item.product or item.description}"] = None
        if not unknown:
            return []
        sentence = (
            f"TaxJar has no product tax code {', '.join(unknown)}. Correct PRODUCT_TAX_CODES in the settings, then"
            " retry the document."
        )
        return [Hold(HoldReason.UNKNOWN_PRODUCT_TAX_CODE, sentence)]

    def _code(self, item: Item) -> str:
        kept = self.kept or {}
        return kept[item.key] if item.key in kept else _mapped_code(item, self.company)


def _mapped_code(line: Item, company: CompanySettings) -> str:
    codes = company.product_tax_codes
    for names, name in (
        (codes.items, line.product),
        (codes.tax_item_groups, line.tax_item_group),
        (codes.categories, line.category),
    ):
        code = names.get(name.strip().casefold())
        if code is not None:
            return code.strip()
    return ""
