"""The sales behind a message's refunds: as they were reported, else as F&O shows them (design 4.3)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shared.documents import OriginalInvoice, PostedDocument
from shared.flows.work.run import Run, mapping_settings
from shared.ledger.records import DocumentRecord, State
from shared.mapping import (
    HoldReason,
    OriginalKey,
    OriginalSale,
    OriginalTransaction,
    SkipReason,
    map_document,
    order_id,
    original_sale_of,
    originals_of,
)
from shared.mapping.outcomes import Hold, LeftOutReason
from shared.queues import KEYS_PER_MESSAGE
from shared.transactions import Kind

_ADDRESS = (HoldReason.ADDRESS_INCOMPLETE, HoldReason.ZIP_STATE_MISMATCH)


async def sales_of(run: Run, documents: Iterable[PostedDocument]) -> dict[OriginalKey, OriginalSale]:
    """Every original that one of ``documents`` names, by number and date; those F&O does not have are absent.

    Raises what reading raises.
    """
    wanted = {(each.number, each.date): each for document in documents for each in originals_of(document)}
    found: dict[OriginalKey, OriginalSale] = {}
    unread: list[OriginalInvoice] = []
    for key, original in wanted.items():
        record = await _record_of(run, original)
        if record and (sale := _as_reported(record)):
            found[key] = sale
        else:
            unread.append(original)
    return found | await _as_shown(run, unread)


async def _record_of(run: Run, original: OriginalInvoice) -> DocumentRecord | None:
    ledger, connection, company = run.connector.ledger, run.connection.name, run.company.id
    if original.date is not None:
        dated = await ledger.by_number(connection, company, original.number, original.date)
        return next((each for each in dated if original.voucher in ("", each.key.voucher)), None)
    owner = await ledger.owner_of(connection, company, order_id(company, original.number))
    return owner if owner and owner.key.number.casefold() == original.number.casefold() else None


def _as_reported(record: DocumentRecord) -> OriginalSale | None:
    """What the ledger knows of the sale; ``None`` where that does not tell where its lines went."""
    if record.state is State.SKIPPED and record.reason == SkipReason.NOT_US:
        return OriginalSale(abroad=True)
    if record.state is State.HELD and record.reason in _ADDRESS and not record.filing.was_sent:
        return OriginalSale(hold=Hold(HoldReason(record.reason), record.message))
    orders = [each for each in record.filing.current if each.kind is Kind.ORDER]
    if not orders or any(part["reason"] == LeftOutReason.NOT_US for part in record.filing.left_out):
        return None
    if len(orders) > 1 and not any(each.lots for each in orders):
        return None
    transactions = []
    for each in orders:
        sent = each.transaction
        transactions.append(
            OriginalTransaction(
                transaction_id=each.transaction_id,
                ship_to=sent.ship_to,
                ship_from=sent.ship_from,
                exemption_type=sent.exemption_type,
                lots=frozenset(each.lots),
            )
        )
    return OriginalSale(tuple(transactions))


async def _as_shown(run: Run, originals: Sequence[OriginalInvoice]) -> dict[OriginalKey, OriginalSale]:
    if not originals:
        return {}
    reader, company = run.connection.reader, run.company
    by_number = await reader.find_many(company.id, {original.number for original in originals})
    keys = {}
    for original in originals:
        listed = [
            document.key
            for document in by_number[original.number]
            if original.date in (None, document.key.date) and original.voucher in ("", document.key.voucher)
        ]
        if listed:
            keys[(original.number, original.date)] = min(listed)
    wanted = sorted(set(keys.values()))
    shown: dict[object, PostedDocument] = {}
    for start in range(0, len(wanted), KEYS_PER_MESSAGE):
        read = await reader.read_documents(company.id, wanted[start : start + KEYS_PER_MESSAGE])
        shown |= {key: document for key, document in read.items() if isinstance(document, PostedDocument)}
    settings = mapping_settings(company.settings, forced=True)
    sales = {}
    for key, document_key in keys.items():
        if document := shown.get(document_key):
            outcome = map_document(document, settings, tax_categories=run.tax_categories or frozenset())
            sales[key] = original_sale_of(outcome, document)
    return sales
