"""What a document consists of: posted lines and charges, each in its direction and with its role (design 4.3, 4.4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum, auto

from shared.documents import ZERO, Charge, Line, PostedDocument
from shared.mapping.outcomes import Hold, LeftOutReason
from shared.mapping.signs import sign_of
from shared.mapping.treatments import TaxGroup
from shared.transactions import Kind

ONE = Decimal(1)


class Role(Enum):
    """What a posted line or charge does."""

    LINE = auto()
    """A posted line that adds to its direction."""
    CHARGE = auto()
    """A charge that is not shipping: a line in every respect."""
    SHIPPING = auto()
    REDUCTION = auto()
    """Lowers lines of its direction."""


@dataclass(slots=True)
class Item:
    """A posted line or charge in its direction: positive is with the direction, net of tax and of its own discount."""

    key: str
    """Names it within its document for good: the line's sequence number, or ``charge-`` and its position."""
    role: Role
    kind: Kind
    """Its direction; of a reduction the direction that it lowers, by a positive ``net``."""
    net: Decimal
    """Exact as posted. Only shipping can be negative."""
    tax: Decimal
    product: str
    description: str
    group: TaxGroup
    quantity: Decimal = ONE
    discount: Decimal = ZERO
    tax_item_group: str = ""
    category: str = ""
    line: Line | None = None
    """The posted line that it is, or whose charge it is; ``None`` for a charge of the whole document."""
    cents: int = 0
    """``net`` as it is sent, once the amounts are settled."""
    tax_cents: int = 0
    """``tax`` as it is sent, once the taxes are settled."""

    @property
    def sign(self) -> int:
        """How it enters the document's totals: 1 or -1."""
        return -sign_of(self.kind) if self.role is Role.REDUCTION else sign_of(self.kind)

    @property
    def has_value(self) -> bool:
        """Whether it has an amount or a tax."""
        return bool(self.net or self.tax)

    @property
    def is_taxed(self) -> bool:
        """Its treatment, by its own tax."""
        return self.tax_cents != 0


@dataclass(frozen=True, slots=True)
class Payment:
    """A charge that is not part of the sale, with F&O's sign."""

    reason: LeftOutReason
    code: str
    net: Decimal
    tax: Decimal


@dataclass(slots=True)
class Items:
    """All that a document consists of, but for its end discount and rounding."""

    lines: list[Item] = field(default_factory=list)
    """In the order of their sequence numbers."""
    charges: list[Item] = field(default_factory=list)
    shipping: list[Item] = field(default_factory=list)
    reductions: list[Item] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    directions: tuple[Kind, ...] = ()
    """Those in which goods with a value moved; where none did, that of the totals."""
    notes: list[str] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)

    @property
    def sent(self) -> list[Item]:
        """What becomes lines of transactions: posted lines, then charges that are no shipping."""
        return [*self.lines, *self.charges]

    @property
    def unsent(self) -> list[Item]:
        """What lowers lines or is shipping."""
        return [*self.shipping, *self.reductions]


def net_amount(posted: Line | Charge, document: PostedDocument) -> Decimal:
    """The amount without tax, also where the document's prices include it."""
    return posted.amount - posted.tax if document.prices_include_tax else posted.amount


def is_empty(line: Line) -> bool:
    """Whether the line has neither quantity nor amount nor tax: it is dropped."""
    return not (line.quantity or line.amount or line.tax)


def lines_in_order(document: PostedDocument) -> list[Line]:
    """The lines by their sequence numbers: the order in which F&O answers must not matter."""
    return sorted(document.lines, key=lambda line: line.sequence)


def group_of(line: Line | None, document: PostedDocument) -> TaxGroup:
    """The line's own sales tax group, else the document's."""
    if line is not None and line.tax_group.strip():
        return TaxGroup(line.tax_group, line.tax_group_exempt)
    return TaxGroup(document.tax_group, document.tax_group_exempt)
