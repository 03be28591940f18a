"""Documents of all kinds at random, in whole cents, for the tests that compare sums."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Any

from local.simulators.dynamics.posting import Link, Posting
from local.simulators.dynamics.specs import ChargeSpec, InvoiceSpec, LineSpec, PostedInvoice
from tests.holdings import ALBANY, AUSTIN, BOSTON, NEW_YORK, SAN_FRANCISCO, SEATTLE, TORONTO

PLACES = (AUSTIN, NEW_YORK, ALBANY, SAN_FRANCISCO, SEATTLE, BOSTON)
RATES = {"TX": "0.0825", "NY": "0.08875", "CA": "0.095", "WA": "0.1035", "MA": "0.0625", "NONE": "0"}
SETTINGS: dict[str, object] = {
    "exempt_tax_groups": {"RESALE": "wholesale", "SCHOOL": "government"},
    "exempt_regions": {"RESALE": ["TX", "NY"]},
    "marketplace": {"sales_origins": ["AMZ"]},
    "payment_charge_codes": ["GIFTCARD"],
    "discount_items": ["COUPON"],
}
CUSTOMERS = {"C-1000": "TAXED", "C-RESALE": "RESALE", "C-SCHOOL": "SCHOOL"}
_CENT = Decimal("0.01")


def open_company(posting: Posting) -> None:
    """The master data that the documents need beside the ordinary."""
    posting.country("CAN", "CA")
    posting.charge_code("GIFTCARD", "Gift card", is_shipping=False)
    for account, group in list(CUSTOMERS.items())[1:]:
        posting.customer(account, account.title(), tax_group=group)


class RandomDocuments:
    """Posts documents one after the other; the same seed posts the same."""

    def __init__(self, posting: Posting, seed: int, today: date) -> None:
        self._posting = posting
        self._random = Random(seed)
        self._today = today
        self._sold: list[PostedInvoice] = []
        self._count = 0

    def post(self) -> None:
        """One more document of any kind."""
        kinds: list[tuple[Callable[[], None], int]] = [
            (self._sale, 10),
            (self._credit_note, 5),
            (self._exchange, 3),
            (self._no_sale, 1),
            (self._wrong, 1),
        ]
        kind = self._random.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])[0]
        self._count += 1
        (kind if self._sold else self._sale)()

    def _number(self, series: str) -> str:
        return f"{series}-{self._count:04d}"

    def _spec(self, series: str, lines: list[LineSpec], **fields: Any) -> InvoiceSpec:
        random = self._random
        on = self._today - timedelta(days=random.randrange(5))
        values: dict[str, Any] = {
            "customer": random.choices(list(CUSTOMERS), (6, 1, 1))[0],
            "tax_group": "TAXED",
            "ship_to": random.choice(PLACES),
            "sales_origin": random.choices(("", "AMZ"), (9, 1))[0],
        }
        return InvoiceSpec(self._number(series), on, lines, **values | fields)

    def _line(self, *, places: int = 1) -> LineSpec:
        random = self._random
        quantity, price = random.randint(1, 4), Decimal(random.randint(100, 20000)) / 100
        place = random.choice(PLACES[:places])
        is_taxed = random.random() < 0.7
        group = random.choices(("TAXED", "SCHOOL"), (9, 1))[0]
        tax = self._tax(quantity * price, place.state) if is_taxed else Decimal(0)
        lot = f"LOT-{self._count}-{random.randrange(10**6)}"
        return LineSpec("P-1000", quantity, price, tax=tax, ship_to=place, lot=lot, tax_group=group)

    def _tax(self, amount: Decimal, state: str) -> Decimal:
        return (amount * Decimal(RATES[state])).quantize(_CENT, ROUND_HALF_UP)

    def _charges(self, lines: list[LineSpec], *, signed: int = 1) -> list[ChargeSpec]:
        """Freight and handling of the document, handling of one line, a gift card."""
        random, found = self._random, []
        has_taxed = any(line.tax for line in lines)
        for code in ("FREIGHT", "HANDLING"):
            if random.random() < 0.3:
                amount = Decimal(random.randint(100, 3000)) / 100
                tax = self._tax(amount, "TX") if has_taxed and random.random() < 0.6 else Decimal(0)
                found.append(ChargeSpec(code, signed * amount, signed * tax))
        if random.random() < 0.2:
            position = random.randrange(len(lines))
            tax = self._tax(Decimal(5), "TX") if lines[position].tax else Decimal(0)
            found.append(ChargeSpec("HANDLING", signed * 5, signed * tax, line=position))
        if random.random() < 0.1:
            found.append(ChargeSpec("GIFTCARD", Decimal(-random.randint(1, 50)) * signed, 0))
        return found

    def _sale(self) -> None:
        random = self._random
        places = random.choice((1, 1, 3, len(PLACES)))
        lines = [self._line(places=places) for _ in range(random.randint(1, 5))]
        if random.random() < 0.1:
            abroad = self._line()
            tax = self._tax(abroad.quantity * Decimal(abroad.price), random.choice(("NONE", "CA")))
            lines.append(replace(abroad, tax=tax, ship_to=TORONTO))
        fields: dict[str, Any] = {"charges": self._charges(lines)}
        taxed = sum((line.quantity * Decimal(line.price) for line in lines if line.tax), Decimal(0))
        if taxed and random.random() < 0.15:
            off = (taxed / 10).quantize(_CENT)
            lines.append(LineSpec("COUPON", -1, off, amount=-off, tax=-self._tax(off, "MA"), ship_to=AUSTIN))
        elif random.random() < 0.1:
            fields["end_discount"] = Decimal(random.randint(1, 90)) / 100
        if random.random() < 0.1:
            fields["round_off"] = Decimal(random.randint(-4, 4)) / 100
        self._sold.append(self._posting.invoice(self._spec("INV", lines, **fields)))

    def _back(self, sold: PostedInvoice) -> list[LineSpec]:
        """Some of the lines of a sale, as they come back whole, each once in all documents."""
        lines = [line for line in sold.lines if line.spec.product != "COUPON"]
        chosen = self._random.sample(lines, self._random.randint(1, len(lines)))
        return [
            replace(line.spec, lot=None, returned_lot=line.lot, ship_to=None, amount=line.amount) for line in chosen
        ]

    def _credit_note(self) -> None:
        random = self._random
        sold = self._sold.pop(random.randrange(len(self._sold)))
        simple = len(sold.lines) == 1 and sold.spec.sales_origin == ""
        if simple and random.random() < 0.5:
            on = max(sold.date, self._today - timedelta(days=1))
            self._posting.credit_note(sold, self._number("CRN"), on, charges=[], lines=[_plain(sold)])
            return
        lines = self._back(sold)
        # A restocking fee that is taxed lowers what is taxed, on what comes back to one place.
        kept = [ChargeSpec("HANDLING", Decimal(-1), Decimal("-0.08"))] if all(line.tax for line in lines) else []
        charges = random.choice((self._charges(lines), kept))
        self._posting.credit_note(
            sold, self._number("CRN"), self._today, link=Link.RETURNED_LOT, lines=lines, charges=charges
        )

    def _exchange(self) -> None:
        sold = self._sold.pop(self._random.randrange(len(self._sold)))
        back = [line.negated() for line in self._back(sold)]
        lines = [*back, *(self._line(places=2) for _ in range(self._random.randint(1, 2)))]
        spec = self._spec("EXC", lines, customer=sold.spec.customer, charges=self._charges(lines[len(back) :])[:1])
        charges = [charge for charge in spec.charges if charge.line is None and charge.code != "GIFTCARD"]
        self._posting.invoice(replace(spec, charges=charges))

    def _no_sale(self) -> None:
        lines = [replace(self._line(), tax=Decimal(0), tax_group="TAXED")]
        kinds: list[dict[str, Any]] = [
            {"is_prepayment": True},
            {"is_proforma": True},
            {"is_intercompany": True},
            {"currency": "CAD"},
            {"date": date(2025, 12, 1)},
        ]
        self._posting.invoice(replace(self._spec("NON", lines), **self._random.choice(kinds)))

    def _wrong(self) -> None:
        line = replace(self._line(), tax=Decimal(1))
        kinds: list[dict[str, Any]] = [
            {"total_tax": Decimal(3)},
            {"lines": [replace(line, ship_to=replace(AUSTIN, state="OR", zip=""))]},
            {"is_prepayment": True},
        ]
        self._posting.invoice(replace(self._spec("BAD", [line]), **self._random.choice(kinds)))


def _plain(sold: PostedInvoice) -> LineSpec:
    line = sold.lines[0]
    return replace(line.spec, lot=None, amount=line.amount, ship_to=None)
