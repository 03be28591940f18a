"""What each state should get, worked out from the posted rows of F&O alone.

It shares no code with the product. It knows whole cents, and only what the generated documents of
``tests/random_documents.py`` can hold.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias

from tests.posted_rows import ABROAD, Books, Entry, PostedRows, Row, Rules, cents

Key = tuple[str, str, str, str, str]
"""Direction, state and street, exemption, original: what makes a transaction."""
Treatment = tuple[str, str, str, str]
"""Document, direction, state, exemption."""


@dataclass
class Transaction:
    """One transaction in the making."""

    entries: list[Entry] = field(default_factory=list)
    extra: list[tuple[int, int]] = field(default_factory=list)
    shipping: int = 0
    shipping_tax: int = 0


Parts: TypeAlias = dict[Key, Transaction]


@dataclass(frozen=True)
class Figures:
    """What one treatment of one state comes to."""

    amount: Decimal
    sales_tax: Decimal
    shipping: Decimal
    untaxed: Decimal = field(compare=False)
    """The part of ``amount`` that carries no tax of its own."""


def share_out(total: int, weights: Sequence[int]) -> list[int]:
    """Whole cents by largest remainder, ties to the first."""
    whole = sum(weights)
    if whole == 0:
        return [total, *[0] * (len(weights) - 1)]
    shares = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: -(total * weights[i] % whole))
    for i in by_remainder[: total - sum(shares)]:
        shares[i] += 1
    return shares


class Oracle:
    """The sums per direction, state and exemption over all documents that should be in TaxJar."""

    def __init__(self, books: Books, rules: Rules) -> None:
        self._rows = PostedRows(books, rules)
        self._journals = books.journals
        self._report_from = rules.report_from
        self.sums: dict[Treatment, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        self.reported: set[str] = set()
        for header in books.headers:
            self._document(header)

    def figures(self) -> dict[Treatment, Figures]:
        """What each document comes to, signed."""
        found = {}
        for key, sums in self.sums.items():
            sign = 1 if key[1] == "order" else -1
            found[key] = Figures(*(sign * Decimal(each) / 100 for each in sums))
        return found

    def _document(self, header: Row) -> None:
        number = header["InvoiceNumber"]
        journal = self._journals[number]
        if header["InvoiceDate"] < self._report_from or self._rows.is_no_sale(journal):
            return
        entries, lowering = self._rows.entries(header, journal)
        if all(entry.where == ABROAD for entry in entries) or header["CurrencyCode"] != "USD":
            return
        if not self._rows.adds_up(header, journal, entries, lowering):
            return
        parts = self._parts(entries)
        self._lower(parts, entries, lowering, cents(journal["EndDisc"]))
        self._spread(parts, entries)
        self._round(parts, cents(journal["InvoiceRoundOff"]))
        self._book(number, parts)

    def _parts(self, entries: Sequence[Entry]) -> Parts:
        parts: Parts = {}
        for entry in entries:
            if entry.where and not entry.shipping:
                parts.setdefault(_key(entry), Transaction()).entries.append(entry)
        for entry in entries:
            if entry.where and entry.shipping:
                home = parts.setdefault(_key(entry), Transaction())
                home.shipping += entry.value
                home.shipping_tax += entry.tax
        return parts

    def _lower(self, parts: Parts, entries: Sequence[Entry], lowering: Sequence[Entry], end: int) -> None:
        lines = [entry for entry in entries if not entry.shipping]
        homes = {entry.line: _key(entry) for entry in lines if entry.where}
        for out in (True, False):
            for taxed in (True, False):
                some = [each for each in lowering if each.out is out and each.taxed is taxed]
                for each in [each for each in some if each.line is not None]:
                    own = [entry for entry in parts[homes[each.line]].entries if entry.taxed is taxed]
                    self._take(parts, own, each, parts[homes[each.line]].entries)
                rest = [each for each in some if each.line is None]
                fits = [entry for entry in lines if entry.out is out and entry.taxed is taxed]
                if rest:
                    whole = Entry(out, "", sum(each.value for each in rest), sum(each.tax for each in rest))
                    self._take(parts, fits, whole, [entry for entry in lines if entry.out is out and entry.where])
        if end:
            out = any(entry.out for entry in lines)
            lowered = [entry for entry in lines if entry.out is out]
            for entry, cut in zip(lowered, share_out(abs(end), [each.value for each in lowered]), strict=True):
                entry.value -= cut

    def _take(self, parts: Parts, fits: Sequence[Entry], less: Entry, scope: Sequence[Entry]) -> None:
        room = sum(entry.value for entry in fits)
        taken = min(less.value, room)
        tax = less.tax if taken == less.value else less.tax * taken // less.value
        worth = _worth(fits) or _worth(scope)
        if taken:
            weights = [entry.value for entry in fits]
            cuts, tax_cuts = share_out(taken, weights), share_out(tax, weights)
            for entry, cut, tax_cut in zip(fits, cuts, tax_cuts, strict=True):
                entry.value, entry.tax = entry.value - cut, entry.tax - tax_cut
        left, left_tax = less.value - taken, less.tax - tax
        places = list(worth)
        shares = zip(
            places,
            share_out(left, [worth[place] for place in places]),
            share_out(left_tax, [worth[place] for place in places]),
            strict=True,
        )
        for (where, exemption), value, some_tax in shares if left else ():
            key = ("refund" if less.out else "order", where, "non_exempt" if some_tax else exemption, "", "")
            existing = [part for part in parts if part[0] == key[0] and part[1] == where and part[2] == key[2]]
            parts.setdefault(existing[0] if existing else key, Transaction()).extra.append((value, some_tax))

    def _spread(self, parts: Parts, entries: Sequence[Entry]) -> None:
        weights = {key: sum(entry.value for entry in part.entries) for key, part in parts.items()}
        taxed_parts = {key for key, part in parts.items() if any(entry.taxed for entry in part.entries)}
        for entry in [entry for entry in entries if not entry.where]:
            direction = "order" if entry.out else "refund"
            own = [key for key in weights if key[0] == direction and parts[key].entries]
            if entry.taxed:
                takers = [key for key in own if key in taxed_parts and key[2] == "non_exempt"]
                us = [key for key in own if key[1] != ABROAD]
                takers = takers or [key for key in us if key[2] == "non_exempt"]
                if not takers:
                    takers = [(key[0], key[1], "non_exempt", key[3], "beside") for key in us]
                    weights |= {new: weights[key] for new, key in zip(takers, us, strict=True)}
            else:
                takers = [key for key in own if key[4] != "beside"]
            spread = [weights[key] for key in takers]
            for key, value, tax in zip(
                takers, share_out(entry.value, spread), share_out(entry.tax, spread), strict=True
            ):
                part = parts.setdefault(key, Transaction())
                if entry.shipping:
                    part.shipping, part.shipping_tax = part.shipping + value, part.shipping_tax + tax
                else:
                    part.extra.append((value, tax))

    def _round(self, parts: Parts, off: int) -> None:
        takers = [key for key, part in parts.items() if key[1] != ABROAD and _value(part)]
        if not off:
            return
        for key, some in zip(takers, share_out(abs(off), [_value(parts[key]) for key in takers]), strict=True):
            change = (1 if off > 0 else -1) * (1 if key[0] == "order" else -1) * some
            parts[key].extra.append((change, -1))

    def _book(self, number: str, parts: Parts) -> None:
        for (direction, where, exemption, _, _), part in parts.items():
            amount = _value(part) + part.shipping
            tax = (
                part.shipping_tax + sum(entry.tax for entry in part.entries) + sum(max(tax, 0) for _, tax in part.extra)
            )
            if where == ABROAD or not (amount or tax):
                continue
            untaxed = sum(entry.value for entry in part.entries if not entry.tax)
            untaxed += sum(value for value, tax in part.extra if tax == 0)
            self.reported.add(number)
            sums = self.sums[number, direction, where[:2], exemption]
            for i, figure in enumerate((amount, tax, part.shipping, untaxed)):
                sums[i] += figure


def _key(entry: Entry) -> Key:
    return ("order" if entry.out else "refund", entry.where, entry.exemption, entry.original, "")


def _value(part: Transaction) -> int:
    return sum(entry.value for entry in part.entries) + sum(value for value, _ in part.extra)


def _worth(entries: Iterable[Entry]) -> dict[tuple[str, str], int]:
    """Destination and exemption → net value, before anything was lowered."""
    worth: dict[tuple[str, str], int] = {}
    for entry in entries:
        if entry.where:
            worth[entry.where, entry.exemption] = worth.get((entry.where, entry.exemption), 0) + entry.value
    return worth
