"""Live tax: what ``POST /taxes`` and ``GET /rates/:zip`` demand, and what their answers must hold to be believed.

Each call counts toward the TaxJar plan, also one that fails: what TaxJar would refuse is refused here, by field.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from shared.taxjar.answers import Json
from shared.taxjar.errors import Unavailable
from shared.taxjar.wire import PLUGIN

ZIP = re.compile(r"[0-9]{5}(-[0-9]{4})?")
_TWO_LETTERS = re.compile(r"[A-Z]{2}")
_US, _WITH_STATES = "US", ("US", "CA")


def _one_line(value: object) -> object:
    """Text on one line; blank text is no text."""
    return " ".join(value.split()) or None if isinstance(value, str) else value


def _code(value: object) -> object:
    text = _one_line(value)
    if isinstance(text, str) and not _TWO_LETTERS.fullmatch(text.upper()):
        raise ValueError("must be a two-letter code, such as US")
    return text.upper() if isinstance(text, str) else text


Text = Annotated[str | None, BeforeValidator(_one_line)]
Code = Annotated[str | None, BeforeValidator(_code)]
Money = Annotated[Decimal, Field(max_digits=15)]
"""Up to fifteen digits: what a JSON number carries exactly."""


def _required(value: Any, reason: str) -> Any:
    if value is None:
        raise ValueError(f"is required{reason}")
    return value


def _us_zip(value: str | None) -> str | None:
    if value and not ZIP.fullmatch(value):
        raise ValueError("must be a US ZIP code: five digits, or ZIP+4 such as 90002-1234")
    return value


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NexusAddress(_Part):
    """A place of business; those of a request replace the account's for this calculation."""

    id: Text = None
    country: Code = Field(default=None, validate_default=True)
    zip: Text = None
    state: Text = Field(default=None, validate_default=True)
    city: Text = None
    street: Text = None

    @field_validator("country", "state")
    @classmethod
    def _given(cls, value: str | None) -> str | None:
        return str(_required(value, ""))

    @field_validator("state")
    @classmethod
    def _state_code(cls, value: str | None, info: ValidationInfo) -> str | None:
        return str(_code(value)) if info.data.get("country") in _WITH_STATES else value


class TaxLine(_Part):
    """A line of the sale; ``discount`` is that of the whole line."""

    id: Annotated[Text, BeforeValidator(lambda value: str(value) if isinstance(value, int) else value)] = None
    quantity: int | None = Field(default=None, ge=1)
    product_tax_code: Text = None
    unit_price: Money | None = None
    discount: Money | None = None


class TaxRequest(_Part):
    """A sale to calculate the tax of. Money is US dollars, ``amount`` is without shipping and without tax."""

    plugin: Text = None
    """Accepted, and replaced by the connector's own."""
    to_country: Code = Field(default=None, validate_default=True)
    to_zip: Text = Field(default=None, validate_default=True)
    to_state: Text = Field(default=None, validate_default=True)
    to_city: Text = None
    to_street: Text = None
    from_country: Code = None
    from_zip: Text = None
    from_state: Text = None
    from_city: Text = None
    from_street: Text = None
    amount: Money | None = None
    shipping: Money | None = Field(default=None, validate_default=True)
    customer_id: Text = None
    exemption_type: Literal["wholesale", "government", "other", "marketplace", "non_exempt"] | None = None
    nexus_addresses: tuple[NexusAddress, ...] | None = None
    line_items: tuple[TaxLine, ...] | None = Field(default=None, validate_default=True)

    @field_validator("to_country", "shipping")
    @classmethod
    def _given(cls, value: Any) -> Any:
        return _required(value, "")

    @field_validator("to_zip")
    @classmethod
    def _zip_in_the_us(cls, value: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("to_country") != _US:
            return value
        return _us_zip(_required(value, " when to_country is US"))

    @field_validator("to_state")
    @classmethod
    def _state_where_there_are_some(cls, value: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("to_country") not in _WITH_STATES:
            return value
        return str(_code(_required(value, " when to_country is US or CA")))

    @field_validator("from_zip")
    @classmethod
    def _origin_zip(cls, value: str | None, info: ValidationInfo) -> str | None:
        return _us_zip(value) if info.data.get("from_country") == _US else value

    @field_validator("from_state")
    @classmethod
    def _origin_state(cls, value: str | None, info: ValidationInfo) -> str | None:
        return str(_code(value)) if value and info.data.get("from_country") in _WITH_STATES else value

    @field_validator("line_items")
    @classmethod
    def _something_to_tax(cls, value: tuple[TaxLine, ...] | None, info: ValidationInfo) -> tuple[TaxLine, ...] | None:
        if not value and info.data.get("amount", 0) is None:
            raise ValueError("give amount, or at least one line")
        return value

    def to_wire(self) -> Json:
        """The request in TaxJar's form: what is unknown is left out, money is JSON numbers."""
        body: Json = as_numbers(self.model_dump(exclude_none=True))
        return {**body, "plugin": PLUGIN}


class _Believable(BaseModel):
    model_config = ConfigDict(extra="allow")


class _Tax(_Believable):
    order_total_amount: Decimal
    shipping: Decimal
    taxable_amount: Decimal
    amount_to_collect: Decimal
    rate: Decimal
    has_nexus: bool
    freight_taxable: bool


class _Rate(_Believable):
    """Of the two, one: ``standard_rate`` in Europe, ``combined_rate`` elsewhere."""

    combined_rate: Decimal | None = None
    standard_rate: Decimal | None = Field(default=None, validate_default=True)

    @field_validator("standard_rate")
    @classmethod
    def _any_rate(cls, value: Decimal | None, info: ValidationInfo) -> Decimal | None:
        return value if info.data.get("combined_rate") is not None else Decimal(_required(value, ""))


def checked_tax(tax: Json) -> Json:
    """TaxJar's calculation as it came. Raises :class:`Unavailable` when it is none."""
    return _checked(_Tax, tax)


def checked_rate(rate: Json) -> Json:
    """TaxJar's rates as they came. Raises :class:`Unavailable` when there is none in them."""
    return _checked(_Rate, rate)


def _checked(model: type[_Believable], answer: Json) -> Json:
    try:
        model.model_validate(answer)
    except ValidationError:
        detail = f"the answer is unreadable: it holds no {model.__name__.strip('_').lower()}"
        raise Unavailable(outcome_unknown=False, detail=detail) from None
    return answer


def as_numbers(value: Any) -> Any:
    """``value`` with each ``Decimal`` as the JSON number that reads the same; up to fifteen digits stay exact."""
    match value:
        case Decimal():
            return int(value) if value == value.to_integral_value() and value.as_tuple().exponent == 0 else float(value)
        case dict():
            return {name: as_numbers(item) for name, item in value.items()}
        case list() | tuple():
            return [as_numbers(item) for item in value]
    return value
