"""What one TaxJar account holds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Literal

Kind = Literal["order", "refund"]
DEFAULT_PROVIDER = "api"
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class StoredLine:
    """A line item, signed like its transaction; ``discount`` and ``quantity`` are positive on both kinds."""

    quantity: int = 1
    product_identifier: str | None = None
    description: str | None = None
    product_tax_code: str | None = None
    unit_price: Decimal = ZERO
    discount: Decimal = ZERO
    sales_tax: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTransaction:
    """An order or refund. Money is US dollars as sent, positive on orders and negative on refunds."""

    kind: Kind
    transaction_id: str
    transaction_date: datetime
    """UTC."""
    amount: Decimal
    shipping: Decimal
    sales_tax: Decimal
    to_country: str
    to_zip: str
    to_state: str
    to_city: str | None = None
    to_street: str | None = None
    from_country: str | None = None
    from_zip: str | None = None
    from_state: str | None = None
    from_city: str | None = None
    from_street: str | None = None
    provider: str = DEFAULT_PROVIDER
    transaction_reference_id: str | None = None
    customer_id: str | None = None
    exemption_type: str | None = None
    line_items: tuple[StoredLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCustomer:
    """A customer with an exemption; without ``exempt_regions`` it holds everywhere."""

    customer_id: str
    exemption_type: str
    name: str
    exempt_regions: tuple[tuple[str, str], ...] = ()
    """Pairs of country and state."""
    country: str | None = None
    state: str | None = None
    zip: str | None = None
    city: str | None = None
    street: str | None = None

    def is_exempt_in(self, state: str) -> bool:
        return self.exemption_type != "non_exempt" and (not self.exempt_regions or ("US", state) in self.exempt_regions)


@dataclass(slots=True)
class Account:
    """One TaxJar account: what a token opens. Tests may look at all of it, and change it."""

    name: str
    user_id: int
    nexus: list[str]
    """State codes."""
    address_on_file: bool = True
    """Whether a business address is stored, which stands in for a missing ship-from."""
    plan_active: bool = True
    """Expired plans get 403."""
    sticky: set[str] = field(default_factory=set)
    """Fields of transactions that no PUT changes, although it is answered with 200: ``exemption_type``, for one."""
    states_without_facilitator_law: set[str] = field(default_factory=set)
    """State codes whose ``marketplace`` transactions come back without an exemption."""
    transactions: dict[tuple[str, str], StoredTransaction] = field(default_factory=dict)
    """By provider and id. Orders and refunds share one space of ids."""
    customers: dict[str, StoredCustomer] = field(default_factory=dict)

    @property
    def orders(self) -> dict[str, StoredTransaction]:
        """By id, of every provider."""
        return self._of_kind("order")

    @property
    def refunds(self) -> dict[str, StoredTransaction]:
        """By id, of every provider."""
        return self._of_kind("refund")

    def find(self, kind: Kind, provider: str, transaction_id: str) -> StoredTransaction | None:
        stored = self.transactions.get((provider, transaction_id))
        return stored if stored is not None and stored.kind == kind else None

    def store(self, transaction: StoredTransaction) -> None:
        self.transactions[transaction.provider, transaction.transaction_id] = transaction

    def edit(self, transaction_id: str, *, provider: str = DEFAULT_PROVIDER, **changes: object) -> None:
        """Change a transaction as somebody does in TaxJar itself. Raises ``KeyError`` when there is none."""
        stored = self.transactions[provider, transaction_id]
        # The names of the fields are the test's own; ``replace`` refuses any other.
        self.store(replace(stored, **changes))  # type: ignore[arg-type]

    def delete(self, transaction_id: str, *, provider: str = DEFAULT_PROVIDER) -> StoredTransaction:
        """Delete a transaction as somebody does in TaxJar itself. Raises ``KeyError`` when there is none."""
        return self.transactions.pop((provider, transaction_id))

    def _of_kind(self, kind: Kind) -> dict[str, StoredTransaction]:
        return {record.transaction_id: record for record in self.transactions.values() if record.kind == kind}
