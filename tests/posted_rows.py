"""The rows of posted documents in the simulated F&O, by what they are looked up by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

Row = Mapping[str, Any]
ABROAD = "abroad"


@dataclass
class Books:
    """The posted rows, by what they are looked up by."""

    headers: Sequence[Row]
    lines: Mapping[str, list[Row]]
    journals: Mapping[str, Row]
    table_lines: Mapping[tuple[str, int], Row]
    charges: Mapping[str, list[Row]]
    places: Mapping[int, Row]
    sold_lots: Mapping[str, tuple[str, int]]
    returned: Mapping[str, str]
    references: Mapping[int, int]
    numbers: Mapping[int, str]
    groups: Mapping[str, str]

    @classmethod
    def of(cls, rows: Any) -> Books:
        """From the rows of the simulated F&O, by set."""
        lines: dict[str, list[Row]] = defaultdict(list)
        for row in rows("SalesInvoiceV2Lines"):
            lines[row["InvoiceNumber"]].append(row)
        charges: dict[str, list[Row]] = defaultdict(list)
        for row in rows("MarkupTransBiEntities"):
            charges[row["Voucher"]].append(row)
        table = {
            (row["InvoiceId"], row["LineCreationSequenceNumber"]): row for row in rows("CustInvoiceTransBiEntities")
        }
        return cls(
            headers=list(rows("SalesInvoiceHeadersV2")),
            lines=lines,
            journals={row["InvoiceId"]: row for row in rows("CustInvoiceJourBiEntities")},
            table_lines=table,
            charges=charges,
            places={row["SourceKey"]: row for row in rows("LogisticsPostalAddressBiEntities")},
            sold_lots={row["InventTransId"]: key for key, row in table.items() if Decimal(row["Qty"]) > 0},
            returned={row["InventTransId"]: row["InventTransIdReturn"] for row in rows("SalesLineBiEntities")},
            references={
                row["InvoiceRecId"]: row["CorrectedInvoiceRecId"]
                for row in rows("DocumentCustVendCreditInvoicingJours")
            },
            numbers={row["SourceKey"]: row["InvoiceId"] for row in rows("CustInvoiceJourBiEntities")},
            groups={row["CustomerAccount"]: row["SalesTaxGroup"] for row in rows("CustomersV3")},
        )


@dataclass
class Rules:
    """The settings, as far as they matter here."""

    report_from: date
    exempt_groups: Mapping[str, tuple[str, tuple[str, ...]]]
    """Sales tax group → exemption and states."""
    marketplace: frozenset[str]
    payments: frozenset[str]
    coupons: frozenset[str]
    shipping: frozenset[str]


@dataclass
class Entry:
    """A line, or what lowers lines, in cents in its direction."""

    out: bool
    where: str
    value: int
    tax: int
    exemption: str = ""
    original: str = ""
    line: int | None = None
    """The line's record id; of a charge the one that it hangs on."""
    shipping: bool = False

    @property
    def taxed(self) -> bool:
        return self.tax != 0


def cents(value: Any) -> int:
    scaled = Decimal(value) * 100
    assert scaled == int(scaled), f"{value} is not in cents"
    return int(scaled)


class PostedRows:
    """The lines and charges of a document as entries of a direction, a place and an exemption."""

    def __init__(self, books: Books, rules: Rules) -> None:
        self._books = books
        self._rules = rules

    def is_no_sale(self, journal: Row) -> bool:
        flags = (journal["Prepayment"], journal["Proforma"])
        return True in flags or "Yes" in flags or bool(journal["InterCompanyCompanyId"])

    def _where(self, address: int, fallback: int) -> str:
        place = self._books.places[address or fallback]
        if place["CountryRegionId"] != "USA":
            return ABROAD
        return f"{place['State']}|{place['ZipCode']}|{place['Street']}" if place["ZipCode"] else "held"

    def _exemption(self, state: str, group: str, journal: Row) -> str:
        for name in (group, self._books.groups[journal["OrderAccount"]]):
            exemption, states = self._rules.exempt_groups.get(name, ("", ()))
            if exemption and (not states or state in states):
                return exemption
        return "marketplace" if journal["SalesOriginId"] in self._rules.marketplace else "non_exempt"

    def _sale_line(self, number: str, row: Row) -> Entry:
        table, journal = (
            self._books.table_lines[number, row["LineCreationSequenceNumber"]],
            self._books.journals[number],
        )
        where = self._where(table["DeliveryPostalAddress"], journal["DeliveryPostalAddress"])
        tax = cents(row["LineTotalTaxAmount"])
        exemption = "non_exempt" if tax else self._exemption(where[:2], table["TaxGroup"], journal)
        return Entry(True, where, cents(row["LineAmount"]), tax, exemption, line=table["SourceKey"])

    def _return_line(self, number: str, row: Row, out: Iterable[Entry]) -> Entry:
        table, journal = (
            self._books.table_lines[number, row["LineCreationSequenceNumber"]],
            self._books.journals[number],
        )
        tax, value = -cents(row["LineTotalTaxAmount"]), -cents(row["LineAmount"])
        if sold := self._books.sold_lots.get(self._books.returned.get(table["InventTransId"], "")):
            [line] = [each for each in self._books.lines[sold[0]] if each["LineCreationSequenceNumber"] == sold[1]]
            original, name = self._sale_line(sold[0], line), sold[0]
        elif corrected := self._books.references.get(journal["SourceKey"]):
            # The generated sales that are credited by reference have one destination and one treatment.
            name = self._books.numbers[corrected]
            original = self._sale_line(name, self._books.lines[name][0])
        else:
            original, name = next(iter(out)), ""
            exemption = "non_exempt" if tax else self._exemption(original.where[:2], table["TaxGroup"], journal)
            return Entry(False, original.where, value, tax, exemption, name, table["SourceKey"])
        exemption = "non_exempt" if tax else original.exemption
        part = f"{name}|{original.where}|{original.exemption}"
        return Entry(False, original.where, value, tax, exemption, part, table["SourceKey"])

    def entries(self, header: Row, journal: Row) -> tuple[list[Entry], list[Entry]]:
        """The lines and charges, and what lowers them; charges of the whole document have no place yet."""
        number = header["InvoiceNumber"]
        rows = sorted(self._books.lines[number], key=lambda row: row["LineCreationSequenceNumber"])
        coupons = [row for row in rows if row["ProductNumber"] in self._rules.coupons]
        goods = [row for row in rows if row not in coupons]
        out = [self._sale_line(number, row) for row in goods if Decimal(row["InvoicedQuantity"]) > 0]
        entries: dict[int, Entry] = {}
        for row in goods:
            if Decimal(row["InvoicedQuantity"]) > 0:
                entries[row["LineCreationSequenceNumber"]] = self._sale_line(number, row)
            else:
                entries[row["LineCreationSequenceNumber"]] = self._return_line(number, row, out)
        ordered = [entries[key] for key in sorted(entries)]
        directions = {entry.out for entry in ordered}
        lowering = [
            Entry(True in directions, "", abs(cents(row["LineAmount"])), abs(cents(row["LineTotalTaxAmount"])))
            for row in coupons
        ]
        charges = [
            row for row in self._books.charges[header["LedgerVoucher"]] if row["MarkupCode"] not in self._rules.payments
        ]
        for row in sorted(charges, key=lambda row: (row["MarkupCode"], row["CalculatedAmount"])):
            value, tax = cents(row["CalculatedAmount"]), cents(row["TaxAmount"])
            on = row["TransRecId"] if row["ModuleCategory"] == "Line" else None
            home = next((entry for entry in ordered if on and entry.line == on), None)
            goes_out = home.out if home else (directions == {True} or (len(directions) == 2 and value > 0))
            sign = 1 if goes_out else -1
            entry = Entry(
                goes_out, "", abs(value), abs(tax), line=on, shipping=row["MarkupCode"] in self._rules.shipping
            )
            if sign * value < 0:
                lowering.append(entry)
            elif home:
                entry.where, entry.original = home.where, home.original
                entry.exemption = "non_exempt" if tax else home.exemption
                ordered.append(entry)
            else:
                ordered.append(entry)
        return ordered, lowering

    def adds_up(self, header: Row, journal: Row, entries: Sequence[Entry], lowering: Sequence[Entry]) -> bool:
        net = tax = 0
        for part, times in ((entries, 1), (lowering, -1)):
            for entry in part:
                sign = times * (1 if entry.out else -1)
                net, tax = net + sign * entry.value, tax + sign * entry.tax
        payments = [
            cents(row["CalculatedAmount"])
            for row in self._books.charges[header["LedgerVoucher"]]
            if row["MarkupCode"] in self._rules.payments
        ]
        gross, posted_tax = cents(header["TotalInvoiceAmount"]), cents(header["TotalTaxAmount"])
        net += sum(payments) - cents(journal["EndDisc"]) + cents(journal["InvoiceRoundOff"])
        return (net, tax) == (gross - posted_tax, posted_tax) and not any(entry.where == "held" for entry in entries)
