"""Product tax codes of lines (design 4.5)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from shared.documents import PostedDocument
from shared.mapping.lines import OrderLine, split_into_parts
from shared.settings import CompanySettings


def needs_tax_categories(documents: Iterable[PostedDocument], company: CompanySettings) -> bool:
    """Whether the settings have a code for any line of ``documents``, so that TaxJar's categories must be known."""
    codes = company.product_tax_codes
    if not (codes.items or codes.tax_item_groups or codes.categories):
        return False
    return any(
        _mapped_code(line, company) for document in documents for line in split_into_parts(document, company).lines
    )


def choose_tax_codes(
    lines: Sequence[OrderLine], company: CompanySettings, kept: Mapping[str, str] | None
) -> dict[str, str]:
    """Line key → product tax code, ``""`` for none: item, then item tax group, then category.

    A line that ``kept`` knows keeps the code it was sent with, so that a changed map does not re-rate history.
    """
    kept = kept or {}
    return {line.key: kept[line.key] if line.key in kept else _mapped_code(line, company) for line in lines}


def unknown_tax_codes(
    lines: Sequence[OrderLine],
    codes: Mapping[str, str],
    categories: Collection[str] | None,
    kept: Mapping[str, str] | None,
) -> list[str]:
    """Newly chosen codes that TaxJar does not know, each with the item it was meant for: ``99999 of item D0001``.

    A kept code was accepted once and is not judged again. ``categories`` may be ``None`` only where no code is used.
    """
    unknown: dict[str, None] = {}
    for line in lines:
        code = codes[line.key]
        if not code or (kept and kept.get(line.key) == code):
            continue
        if categories is None:
            raise ValueError("a product tax code is used, so TaxJar's categories must be given")
        if code not in categories:
            unknown[f"{code} of item {line.product or line.description}"] = None
    return list(unknown)


def _mapped_code(line: OrderLine, company: CompanySettings) -> str:
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
