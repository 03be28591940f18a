"""Shipping charges of both signs are netted; what is negative in the end is a reduction (design 4.4, 4.11)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shared.mapping.items import Item, Items, Role
from shared.transactions import Kind


def net_shipping(items: Items) -> None:
    """Net the shipping charges of each direction: of the same line and treatment first, then of the same treatment."""
    for kind in Kind:
        charges = [item for item in items.shipping if item.kind is kind]
        raising = [item for item in charges if not _lowers(item)]
        for lowering in filter(_lowers, charges):
            rest = _Rest(-lowering.cents, -lowering.tax_cents)
            for fits in _preferences(lowering):
                for charge in raising:
                    if fits(charge):
                        rest.take_off(charge)
            items.shipping.remove(lowering)
            if rest.cents or rest.tax:
                lowering.role = Role.REDUCTION
                lowering.cents, lowering.tax_cents = rest.cents, rest.tax
                items.reductions.append(lowering)


def _lowers(charge: Item) -> bool:
    return charge.cents < 0 or (charge.cents == 0 and charge.tax_cents < 0)


@dataclass(slots=True)
class _Rest:
    """What is left of a negative shipping charge, positive."""

    cents: int
    tax: int

    def take_off(self, charge: Item) -> None:
        """Net it with ``charge``; one that keeps its tax keeps an amount as well."""
        if self.cents <= 0:
            return
        cents, tax = min(self.cents, charge.cents), min(self.tax, charge.tax_cents)
        if cents == charge.cents and charge.tax_cents > tax and not self.tax:
            return
        charge.cents -= cents
        charge.tax_cents -= tax
        self.cents -= cents
        self.tax -= tax


def _preferences(lowering: Item) -> tuple[Callable[[Item], bool], ...]:
    def same_treatment(charge: Item) -> bool:
        return charge.is_taxed is lowering.is_taxed

    def same_line(charge: Item) -> bool:
        return same_treatment(charge) and charge.line is lowering.line

    def untaxed_off_taxed(charge: Item) -> bool:
        return charge.is_taxed and not lowering.is_taxed

    return same_line, same_treatment, untaxed_off_taxed
