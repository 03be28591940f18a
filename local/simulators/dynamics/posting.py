"""Posting of invoices and credit notes: one call leaves every row that F&O would, and the totals agree."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import StrEnum
from random import Random

from local.simulators.dynamics.amounts import charge_tax, line_amount, line_taxes, total_amount, total_tax
from local.simulators.dynamics.journal_rows import INVOICE_JOURNAL_TABLE, Addresses, header_rows
from local.simulators.dynamics.line_rows import (
    INVOICE_LINE_TABLE,
    MARKUP_TABLE,
    charge_row,
    line_rows,
    tax_row,
)
from local.simulators.dynamics.master_data import MasterData
from local.simulators.dynamics.order_rows import order_header_rows, order_line_rows
from local.simulators.dynamics.project_rows import project_rows
from local.simulators.dynamics.specs import (
    AddressSpec,
    ChargeSpec,
    InvoiceSpec,
    LineSpec,
    PostedCharge,
    PostedInvoice,
    PostedLine,
    Source,
)
from local.simulators.dynamics.store import FIRST_REC_ID

WEAKLY_KEYED = frozenset({"CustInvoiceTransBiEntities", "BusinessDocumentSalesInvoiceBases"})
"""Sets whose published key lacks the voucher: two documents of one number and date meet there."""


class Link(StrEnum):
    """How a credit note tells which invoice it corrects."""

    CREDIT_INVOICING = "credit_invoicing"
    RETURNED_LOT = "returned_lot"
    HEADER_FIELD = "header_field"
    NONE = "none"


class Posting(MasterData):
    """Posts the documents of one company of a simulated environment, and keeps its master data."""

    def invoice(self, spec: InvoiceSpec) -> PostedInvoice:
        """Post a document as described. Readers see all of it or nothing."""
        with self.simulator.store.transaction:
            posted = self._post(self._received(spec))
            write = self._writer(spec)
            self._write_order(posted, write)
            self._write_lines(posted, write)
            self._write_charges(posted, write)
            addresses = Addresses(
                delivery=self.address_id(posted.spec.ship_to, posted.created_at),
                invoice=self.address_id(self._bill_to.get(posted.invoice_account), posted.created_at),
                invoice_spec=self._bill_to.get(posted.invoice_account) or spec.ship_to or AddressSpec(),
            )
            if posted.spec.source is Source.PROJECT:
                for set_name, fields in project_rows(posted):
                    write(set_name, fields)
            for set_name, fields in header_rows(posted, addresses):
                write(set_name, fields)
            return posted

    def project_invoice(self, spec: InvoiceSpec) -> PostedInvoice:
        """Post an invoice proposal of a project: to the project sets alone, as F&O does."""
        with self.simulator.store.transaction:
            posted = self._post(replace(spec, source=Source.PROJECT))
            write = self._writer(spec)
            for set_name, fields in project_rows(posted):
                write(set_name, fields)
            return posted

    def credit_note(
        self,
        of: PostedInvoice,
        number: str,
        on: date,
        *,
        lines: Sequence[LineSpec] | None = None,
        charges: Sequence[ChargeSpec] | None = None,
        link: Link = Link.CREDIT_INVOICING,
        original_field: str = "",
        adapt: Callable[[InvoiceSpec], InvoiceSpec] = lambda spec: spec,
    ) -> PostedInvoice:
        """Post a credit note for all of ``of``, or for ``lines`` and ``charges`` given as positive amounts.

        ``original_field`` is the custom header field for ``Link.HEADER_FIELD``; ``adapt`` may change anything else.
        """
        given = [_returned(line) for line in of.lines] if lines is None else lines
        if lines is None and charges is None:
            charges = [replace(charge.spec, amount=charge.amount, tax=charge.tax) for charge in of.charges]
        spec = replace(
            of.spec,
            number=number,
            date=on,
            voucher=None,
            created_at=None,
            total_amount=None,
            total_tax=None,
            order=f"SO-{number}" if of.order else None,
            lines=[line.negated() for line in given],
            charges=[charge.negated() for charge in charges or ()],
            end_discount=-of.spec.end_discount if lines is None else 0,
            round_off=-of.spec.round_off if lines is None else 0,
            values={},
        )
        if link is Link.RETURNED_LOT:
            spec = replace(spec, return_number=f"RMA-{number}")
        else:
            spec = replace(spec, lines=[replace(line, returned_lot="") for line in spec.lines])
        if link is Link.HEADER_FIELD:
            spec = replace(spec, values={"SalesInvoiceHeadersV2": {original_field: of.number}})
        with self.simulator.store.transaction:
            posted = self.invoice(adapt(spec))
            if link is Link.CREDIT_INVOICING:
                self.refer(posted, of)
        return posted

    def refer(self, credit_note: PostedInvoice, original: PostedInvoice) -> None:
        """Note under credit invoicing which invoice a credit note corrects."""
        self.simulator.add(
            "DocumentCustVendCreditInvoicingJours",
            {
                "dataAreaId": self.company,
                "InvoiceTableId": INVOICE_JOURNAL_TABLE,
                "InvoiceRecId": credit_note.rec_id,
                "DataArea": self.company.upper(),
                "CorrectedInvoiceRecId": original.rec_id,
                "CustVendCorrectedInvoiceDate": original.date,
            },
        )

    def _received(self, spec: InvoiceSpec) -> InvoiceSpec:
        """A return order as F&O keeps it: what comes back is delivered to the warehouse that receives it."""
        if not spec.return_number:
            return spec
        lines = [
            replace(line, ship_to=self.receiving_address(spec.warehouse if line.warehouse is None else line.warehouse))
            if line.quantity < 0
            else line
            for line in spec.lines
        ]
        return replace(spec, ship_to=self.receiving_address(spec.warehouse), order_ship_to=None, lines=lines)

    def _post(self, spec: InvoiceSpec) -> PostedInvoice:
        """Number the document and its lines, and work out its amounts."""
        rec_id = self.simulator.store.new_rec_id()
        series = "FTV" if spec.source is Source.FREE_TEXT else "ARI"
        numbered = zip(spec.lines, line_taxes(spec), _sequence_numbers(spec), strict=True)
        lines = tuple(
            self._post_line(spec, line, position, sequence, tax)
            for position, (line, tax, sequence) in enumerate(numbered, start=1)
        )
        charges = tuple(
            PostedCharge(charge, Decimal(charge.amount), charge_tax(charge, spec)) for charge in spec.charges
        )
        parts: list[PostedLine | PostedCharge] = [*lines, *charges]
        tax = total_tax(spec, [part.tax for part in parts])
        order = f"SO-{spec.number}" if spec.order is None else spec.order
        return PostedInvoice(
            spec=spec,
            company=self.company,
            number=spec.number,
            date=spec.date,
            voucher=spec.voucher or f"{series}-{rec_id - FIRST_REC_ID:07d}",
            rec_id=rec_id,
            order=order if spec.source is Source.SALES_ORDER else "",
            lines=lines,
            charges=charges,
            total_amount=total_amount(spec, [part.amount for part in parts], tax),
            total_tax=tax,
            created_at=spec.created_at or datetime.combine(spec.date, time(18), UTC),
        )

    def _post_line(self, spec: InvoiceSpec, line: LineSpec, position: int, sequence: int, tax: Decimal) -> PostedLine:
        rec_id = self.simulator.store.new_rec_id()
        name = self._product_names.get(line.product, line.product) if line.name is None else line.name
        return PostedLine(
            spec=line,
            position=position,
            sequence=sequence,
            rec_id=rec_id,
            lot=line.lot or f"LOT-{rec_id - FIRST_REC_ID:07d}",
            name=name,
            amount=line_amount(line),
            tax=tax,
            ship_to=line.ship_to or spec.ship_to,
            warehouse=spec.warehouse if line.warehouse is None else line.warehouse,
        )

    def _writer(self, spec: InvoiceSpec) -> Callable[[str, Mapping[str, object]], None]:
        def write(set_name: str, fields: Mapping[str, object]) -> None:
            row = {**fields, **spec.values.get(set_name, {})}
            self.simulator.store.add(set_name, row, key_may_repeat=set_name in WEAKLY_KEYED)

        return write

    def _write_order(self, posted: PostedInvoice, write: Callable[[str, Mapping[str, object]], None]) -> None:
        """The order, unless an earlier invoice of it has written it."""
        if not posted.order:
            return
        store, spec = self.simulator.store, posted.spec
        key = {"dataAreaId": self.company, "SalesId": posted.order}
        today = spec.order_ship_to or spec.ship_to
        if not any(store.matching("SalesTableBiEntities", key)):
            address_id = self.address_id(today, posted.created_at)
            for set_name, fields in order_header_rows(posted, today, address_id):
                write(set_name, fields)
        sequence = sum(1 for _ in store.matching("SalesLineBiEntities", key))
        for line in posted.lines:
            lot = {"dataAreaId": self.company, "InventoryLotId": line.lot}
            if any(store.matching("SalesOrderLines", lot)):
                continue
            sequence += 1
            address = spec.order_ship_to or line.ship_to
            for set_name, fields in order_line_rows(posted, line, sequence, address, self._addressing(posted)):
                write(set_name, fields)

    def _write_lines(self, posted: PostedInvoice, write: Callable[[str, Mapping[str, object]], None]) -> None:
        for set_name, fields in line_rows(posted, self._addressing(posted), self.dimension_id):
            write(set_name, fields)
        for line in posted.lines:
            if line.tax or posted.spec.exempt_code:
                origin = {
                    "SourceKey": self.simulator.store.new_rec_id(),
                    "SourceTableId": INVOICE_LINE_TABLE,
                    "SourceRecId": line.rec_id,
                    "InventTransId": line.lot,
                    "TaxItemGroup": line.spec.tax_item_group,
                }
                write("TaxTransBiEntities", tax_row(posted, line.amount, line.tax, origin))

    def _write_charges(self, posted: PostedInvoice, write: Callable[[str, Mapping[str, object]], None]) -> None:
        for position, charge in enumerate(posted.charges, start=1):
            key = self.simulator.store.new_rec_id()
            write("MarkupTransBiEntities", charge_row(posted, charge, position, key))
            if charge.tax or posted.spec.exempt_code:
                origin = {
                    "SourceKey": self.simulator.store.new_rec_id(),
                    "SourceTableId": MARKUP_TABLE,
                    "SourceRecId": key,
                    "TaxItemGroup": "SHIP",
                }
                write("TaxTransBiEntities", tax_row(posted, charge.amount, charge.tax, origin))

    def _addressing(self, posted: PostedInvoice) -> Callable[[AddressSpec | None], int]:
        return lambda address: self.address_id(address, posted.created_at)


def _sequence_numbers(spec: InvoiceSpec) -> Sequence[int]:
    """The lines' ``LineCreationSequenceNumber``: 1, 2, 3 …, or for every other document, as F&O may number them at
    random, in no order and with gaps. Which of the two follows from the document's number, and so is always the same.
    """
    random, count = Random(spec.number), len(spec.lines)
    return random.sample(range(1, 100 + count), count) if random.random() < 0.5 else range(1, count + 1)


def _returned(line: PostedLine) -> LineSpec:
    """A sold line as it comes back in full: nothing is worked out anew."""
    return replace(
        line.spec,
        amount=line.amount,
        tax=line.tax,
        name=line.name,
        warehouse=line.warehouse,
        ship_to=line.ship_to,
        lot=None,
        returned_lot=line.lot,
    )
