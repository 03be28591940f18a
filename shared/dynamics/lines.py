"""Lines and charges of a posted document, from whichever rows tell them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from shared.documents import Charge, DocumentType, Line
from shared.dynamics.addresses import INVOICED, ORDER
from shared.dynamics.lots import LineOriginals
from shared.dynamics.posted import PostedRows
from shared.dynamics.reference_data import ReferenceData
from shared.dynamics.related import RelatedRows
from shared.dynamics.rows import LONGEST_TEXT, Row, amount, folded, record_id, text


@dataclass(frozen=True, slots=True)
class LineReader:
    """Reads the lines of one document: the standard ones, else CustInvoiceTrans, else the free text invoice."""

    document: PostedRows
    related: RelatedRows
    reference: ReferenceData
    originals: LineOriginals = field(default_factory=dict)

    def read(self) -> tuple[Line, ...]:
        """All lines, in the order of their ids: F&O promises none, and the same document must always read the same."""
        document = self.document
        if document.lines:
            return tuple(self._standard(row) for row in sorted(document.lines, key=_sequence))
        if document.journal_lines:
            return tuple(self._of_journal(row) for row in sorted(document.journal_lines.values(), key=_sequence))
        if document.type is not DocumentType.FREE_TEXT:
            return ()
        rows = sorted(self.related.free_text_lines_of(document), key=lambda row: amount(row, "LineNumber"))
        return tuple(self._of_free_text(sequence, row) for sequence, row in enumerate(rows, start=1))

    def _standard(self, row: Row) -> Line:
        line = Line(
            sequence=_sequence(row),
            product=text(row, "ProductNumber"),
            description=_words(row, "ProductDescription") or _words(row, "ProductName"),
            quantity=amount(row, "InvoicedQuantity"),
            amount=amount(row, "LineAmount"),
            discount=abs(amount(row, "LineTotalDiscountAmount")),
            tax=amount(row, "LineTotalTaxAmount"),
            category=text(row, "SalesProductCategoryName"),
            warehouse=text(row, "InventoryWarehouseId"),
            site=text(row, "InventorySiteId"),
        )
        return self._placed(line, self.document.journal_line_of(row))

    def _of_journal(self, row: Row) -> Line:
        stock = self.related.stock_dimensions.get(folded(row, "InventDimId"), {})
        line = Line(
            sequence=_sequence(row),
            product=text(row, "ItemId"),
            description=_words(row, "Name"),
            quantity=amount(row, "Qty"),
            amount=amount(row, "LineAmount"),
            discount=abs(amount(row, "SumLineDisc")),
            tax=amount(row, "TaxAmount") or amount(row, "LineAmountTax"),
            warehouse=text(stock, "InventLocationId") or text(self.document.journal or {}, "inventLocationId"),
            site=text(stock, "InventSiteId"),
        )
        return self._placed(line, row)

    def _of_free_text(self, sequence: int, row: Row) -> Line:
        header = self.related.free_text_of(self.document) or {}
        return Line(
            sequence=sequence,
            product="",
            description=_words(row, "InvoiceText") or _words(row, "Description"),
            quantity=amount(row, "Quantity"),
            amount=amount(row, "TransactionCurrencyAmount"),
            tax=amount(row, "SalesTaxAmount"),
            tax_item_group=text(row, "SalesTaxItemGroupId") or text(header, "SalesTaxItemGroupId"),
            tax_group=text(row, "SalesTaxGroupId"),
            tax_group_exempt=self.reference.is_exempt(text(row, "SalesTaxGroupId")),
        )

    def _placed(self, line: Line, journal_line: Row | None) -> Line:
        """The line with its tax group and its addresses: as invoiced, on the order, and where it came from."""
        countries = self.reference.countries
        order_line = self.related.order_line_of(self.document, journal_line, line.product)
        address = record_id(journal_line or {}, "DeliveryPostalAddress")
        tax_group = ""
        if journal_line is not None:
            tax_item_group, tax_group = text(journal_line, "TaxItemGroup"), text(journal_line, "TaxGroup")
        elif order_line is not None:
            tax_item_group = text(order_line, "SalesTaxItemGroupCode")
            tax_group = text(order_line, "SalesTaxGroupCode")
        else:
            product = self.related.products.get(line.product.casefold(), {})
            tax_item_group = text(product, "SalesSalesTaxItemGroupCode")
        return replace(
            line,
            tax_item_group=tax_item_group,
            tax_group=tax_group,
            tax_group_exempt=self.reference.is_exempt(tax_group),
            delivery_mode=self.related.delivery_mode_of(self.document, journal_line, line.product),
            lot=text(journal_line or {}, "InventTransId"),
            originals=self.originals.get(line.sequence, ()),
            delivery_address=INVOICED.read(self.related.addresses.get(address), countries),
            order_address=ORDER.read(order_line, countries),
            warehouse_address=self.reference.warehouse_address(line.warehouse),
            site_address=self.reference.site_address(line.site, line.warehouse),
        )


def _words(row: Row, field: str) -> str:
    """A description, of which much less is reported than may be there."""
    return text(row, field)[:LONGEST_TEXT]


def _sequence(row: Row) -> int:
    return record_id(row, "LineCreationSequenceNumber")


def read_charges(document: PostedRows, reference: ReferenceData) -> tuple[Charge, ...] | None:
    """The charges of header and lines, in the order of their keys; ``None`` when the charge rows cannot be read.

    F&O's sign on the rows is uncertain: rows that are the exact opposite of the header's total are turned around.
    """
    if document.charges is None:
        return None
    rows = sorted(document.charges, key=lambda row: (record_id(row, "TransRecId"), amount(row, "LineNum")))
    lines = {record: sequence for sequence, line in document.journal_lines.items() if (record := _record(line))}
    charges = [replace(_charge(row, reference), line=_line_of(row, document, lines)) for row in rows]
    total = sum((charge.amount for charge in charges), start=amount({}, ""))
    if total and total == -amount(document.header, "TotalChargeAmount"):
        charges = [replace(charge, amount=-charge.amount, tax=-charge.tax) for charge in charges]
    return tuple(charges)


def _record(line: Row) -> int:
    return record_id(line, "SourceKey")


def _line_of(charge: Row, document: PostedRows, lines: Mapping[int, int]) -> int | None:
    """The line that a charge hangs on: record ids are unique within a table only, so its category counts first."""
    record = record_id(charge, "TransRecId")
    category = text(charge, "ModuleCategory")
    if not record or category == "Heading":
        return None
    if not category and document.journal is not None and record == record_id(document.journal, "SourceKey"):
        return None
    return lines.get(record)


def _charge(row: Row, reference: ReferenceData) -> Charge:
    code, codes = text(row, "MarkupCode"), reference.shipping_codes
    return Charge(
        code=code,
        text=_words(row, "Txt"),
        amount=amount(row, "CalculatedAmount" if row.get("Posted") is None else "Posted"),
        tax=amount(row, "TaxAmount"),
        is_shipping=codes.get(code.casefold(), False) if code and codes is not None else None,
        tax_item_group=text(row, "TaxItemGroup"),
    )
