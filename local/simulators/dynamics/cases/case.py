"""What a named case is: something to post, and what should become of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, TypeAlias

from local.simulators.dynamics.posting import Posting
from local.simulators.dynamics.specs import PostedInvoice


@dataclass(frozen=True, slots=True)
class Expected:
    """The state in which the connector should leave a document, and what TaxJar should hold of it.

    Amount and tax are those of the document, unless it becomes several transactions; only what does not follow from it
    is said here.
    """

    state: str = "reported"
    reason: str = ""
    """Of skipped and held documents."""
    kind: str = "order"
    shipping: Decimal = Decimal(0)
    """In absolute terms."""
    exemption_type: str = ""
    ship_to_state: str = "TX"
    ship_from_state: str = "TX"
    original: str = ""
    """Of refunds: the number of the invoice that is corrected."""
    amount: Decimal | None = None
    """Of a document of several transactions: this one's, in absolute terms."""
    sales_tax: Decimal | None = None
    others: tuple[Expected, ...] = ()
    """The document's further transactions, orders first."""

    @property
    def transactions(self) -> tuple[Expected, ...]:
        """What TaxJar should hold of the document, each with its own figures."""
        return (self, *self.others) if self.state == "reported" else ()


def held(reason: str, kind: str = "order") -> Expected:
    """Waits for a clerk."""
    return Expected("held", reason, kind)


def part(amount: str, sales_tax: str = "0", *others: Expected, **facts: Any) -> Expected:
    """One of the transactions that a document becomes; ``others`` follow it."""
    return Expected(amount=Decimal(amount), sales_tax=Decimal(sales_tax), others=others, **facts)


def skipped(reason: str) -> Expected:
    """Is nothing for TaxJar."""
    return Expected("skipped", reason)


Post: TypeAlias = Callable[[Posting, date], PostedInvoice]


@dataclass(frozen=True, slots=True)
class Case:
    """A document that is awkward in one way. ``post`` may post others first; those are ordinary and reported."""

    name: str
    about: str
    post: Post
    expected: Expected


class Cases(dict[str, Case]):
    """Cases by name, in the order of the text."""

    def add(self, expected: Expected | None = None) -> Callable[[Post], Post]:
        """Make a case of a function: its name is the case's, its docstring says what is awkward."""

        def register(post: Post) -> Post:
            self[post.__name__] = Case(post.__name__, (post.__doc__ or "").strip(), post, expected or Expected())
            return post

        return register


def ids_of(first: str, expected: Expected) -> list[str]:
    """The ids of the transactions that a document should become, where that of the first is ``first``."""
    base, counts, found = first.removesuffix("-refund"), {"order": 0, "refund": 0}, []
    for each in expected.transactions:
        counts[each.kind] += 1
        number = counts[each.kind]
        kind, which = "-refund" if each.kind == "refund" else "", f"-part-{number}" if number > 1 else ""
        found.append(f"{base}{kind}{which}")
    return found
