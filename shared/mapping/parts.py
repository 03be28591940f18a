"""The parts of a document: one per direction, destination, exemption and original (design 4.3, 4.11)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from shared.documents import PostedDocument
from shared.mapping.items import Item, Items, Role
from shared.mapping.original_sales import OriginalTransaction
from shared.mapping.placing import Placement, Placements
from shared.mapping.treatments import TaxGroup, untaxed_treatment
from shared.settings import CompanySettings
from shared.transactions import ExemptionType, Kind

TAXABLE = ExemptionType.NON_EXEMPT


@dataclass(slots=True)
class Share:
    """A posted line or charge, or a part of one, as a line of a transaction; cents, positive in its direction."""

    item: Item
    net: int
    tax: int
    is_taxed: bool
    """By the posted tax, whatever reductions take off."""
    lowered: int = 0
    """What reductions took off ``net``."""
    is_leftover: bool = False

    @property
    def value(self) -> int:
        """Net of reductions."""
        return self.net - self.lowered


@dataclass(slots=True)
class Part:
    """A transaction in the making, or what goes abroad in one direction."""

    kind: Kind
    placement: Placement
    exemption: ExemptionType
    shares: list[Share] = field(default_factory=list)
    shipping: int = 0
    shipping_tax: int = 0
    shipping_keys: list[str] = field(default_factory=list)
    """Keys of the shipping charges that it has a share of."""
    is_beside: bool = False
    """Made for taxed charges beside exempt lines: it takes no other charge."""

    @property
    def has_lines(self) -> bool:
        """Whether it has more than leftovers of reductions."""
        return any(not share.is_leftover for share in self.shares)

    @property
    def value(self) -> int:
        """Net value of its lines, after reductions."""
        return sum(share.value for share in self.shares)

    @property
    def tax(self) -> int:
        """Tax of its lines and of shipping."""
        return sum(share.tax for share in self.shares) + self.shipping_tax

    @property
    def is_taxed(self) -> bool:
        """Whether it has taxed lines."""
        return any(share.is_taxed for share in self.shares)

    @property
    def is_empty(self) -> bool:
        """Whether it has neither amount nor shipping nor tax: it is not sent."""
        return not (self.value or self.shipping or self.tax)

    @property
    def key(self) -> tuple[object, ...]:
        """What makes it a transaction of its own."""
        return self.kind, self.placement.key, self.exemption, self.placement.reference


class Parts:
    """All parts of a document, in the order in which they came up."""

    def __init__(self, document: PostedDocument, company: CompanySettings) -> None:
        self.all: list[Part] = []
        self.floating: list[Share] = []
        """Charges of the whole document, until they are spread over the parts."""
        self.warnings: list[str] = []
        self._document = document
        self._company = company
        self._by_line: dict[str, Part] = {}
        self._by_key: dict[tuple[object, ...], Part] = {}

    @classmethod
    def of(cls, items: Items, placements: Placements, document: PostedDocument, company: CompanySettings) -> Parts:
        """The parts of the lines, with the charges of single lines; the document's own charges float."""
        parts = cls(document, company)
        for item in sorted(items.lines, key=lambda item: not item.has_value):
            part = parts._part_of_line(item, placements.of(item))
            part.shares.append(Share(item, item.cents, item.tax_cents, item.is_taxed))
            parts._by_line[item.key] = part
        order = {item.key: position for position, item in enumerate(items.lines)}
        for part in parts.all:
            part.shares.sort(key=lambda share: order[share.item.key])
        parts.all.sort(key=lambda part: order[part.shares[0].item.key])
        for kind, anchor in placements.anchors.items():
            parts.part(kind, placements.of(anchor), anchor.group)
        for item in items.charges:
            share = Share(item, item.cents, item.tax_cents, item.is_taxed)
            if home := parts.home_of(item):
                home.shares.append(share)
            else:
                parts.floating.append(share)
        return parts

    def of_kind(self, kind: Kind) -> list[Part]:
        """The parts of one direction."""
        return [part for part in self.all if part.kind is kind]

    def home_of(self, item: Item) -> Part | None:
        """The part of a line's charge: its line's; where that is exempt and the charge taxed, a taxable one there."""
        home = self._by_line.get(str(item.line.sequence)) if item.line and item.role is not Role.LINE else None
        if home and item.is_taxed and home.exemption is not TAXABLE:
            return self.taxable_beside(home)
        return home

    def taxable_beside(self, part: Part) -> Part:
        """The part of the same direction, destination and original that is not exempt; made where there is none."""
        made = Part(part.kind, part.placement, TAXABLE, is_beside=True)
        return self._known(made)

    def part(self, kind: Kind, placement: Placement, group: TaxGroup, *, is_taxed: bool = False) -> Part:
        """The part for what has this direction, destination and treatment; made where there is none."""
        exemption = TAXABLE if is_taxed else self._untaxed(kind, placement, group)
        made = Part(kind, placement, exemption)
        return self._known(made)

    def _known(self, made: Part) -> Part:
        """The part that has ``made``'s key already, else ``made``."""
        part = self._by_key.setdefault(made.key, made)
        if part is made:
            self.all.append(made)
        return part

    def _part_of_line(self, item: Item, placement: Placement) -> Part:
        if not item.has_value:
            # A line of no value says nothing about its treatment: it goes with the others.
            for part in self.of_kind(item.kind):
                if (part.placement.key, part.placement.reference) == (placement.key, placement.reference):
                    return part
        return self.part(item.kind, placement, item.group, is_taxed=item.is_taxed)

    def _untaxed(self, kind: Kind, placement: Placement, group: TaxGroup) -> ExemptionType:
        original: OriginalTransaction | None = placement.original
        if placement.is_abroad:
            return TAXABLE
        if kind is Kind.REFUND and original and original.exemption_type:
            return original.exemption_type
        treatment = untaxed_treatment(group, self._document, placement.state, self._company)
        if treatment.warning:
            self.warnings = list(dict.fromkeys([*self.warnings, treatment.warning]))
        return treatment.exemption_type


def targets(shares: Iterable[Share], *, is_taxed: bool | None = None) -> list[Share]:
    """The shares that a reduction can lower: of one treatment, or of both."""
    return [share for share in shares if is_taxed is None or share.is_taxed is is_taxed]
