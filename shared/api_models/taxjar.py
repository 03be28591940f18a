"""What TaxJar knows: nexus regions, exempt customers, live tax and rates."""

from __future__ import annotations

from typing import Literal

from shared.api_models.values import AnswerModel, Count, Instant, Json


class Region(AnswerModel):
    """A region with nexus."""

    country_code: str
    country: str
    region_code: str
    region: str


class NexusRegionList(AnswerModel):
    """The regions as pulled last."""

    pulled_at: Instant
    regions: list[Region]


class ExemptCustomer(AnswerModel):
    """A customer that is exempt in TaxJar, and by which rule; no region means everywhere."""

    customer_id: str
    account: str
    name: str | None = None
    exemption_type: str
    regions: list[str]
    rule: str | None = None
    state: Literal["exempt", "refused", "pending"]
    message: str | None = None
    updated_at: Instant | None = None


class ExemptCustomers(AnswerModel):
    """A page of exempt and refused customers."""

    customers: list[ExemptCustomer]
    count: Count
    next: str | None
    synced_at: Instant | None = None


class Tax(AnswerModel):
    """TaxJar's calculation in its own form, money as numbers."""

    tax: Json


class Rate(AnswerModel):
    """TaxJar's rates of a place; ``stale`` where TaxJar cannot be asked and they are older than a day."""

    rate: Json
    read_at: Instant
    age_seconds: Count
    stale: bool
