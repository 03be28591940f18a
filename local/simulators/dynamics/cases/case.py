"""What a named case is: something to post, and what should become of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypeAlias

from local.simulators.dynamics.posting import Posting
from local.simulators.dynamics.specs import PostedInvoice


@dataclass(frozen=True, slots=True)
class Expected:
    """The state in which the connector should leave a document, and what TaxJar should hold of it.

    Amount and tax are those of the document; only what does not follow from it is said here.
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


def held(reason: str, kind: str = "order") -> Expected:
    """Waits for a clerk."""
    return Expected("held", reason, kind)


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
