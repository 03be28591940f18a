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

US = "US"
_WITH_STATES = (US, "CA")
_ZIP = re.compile(r"[0-9]{5}(-[0-9]{4})?")
_TWO_LETTERS = re.compile(r"[A-Z]{2}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LARGEST_QUANTITY = 999_999_999


def one_line(value: object) -> object:
    """Text on one line: line breaks and tabs become blanks, any other control character is refused."""
    if not isinstance(value, str):
        return value
    text = " ".join(value.split())
    if _CONTROL.search(text):
        raise ValueError("holds a control character")
    return text


def _text(value: object) -> object:
    """Blank text is not text."""
    return one_line(value) or None if isinstance(value, str) else value


def _code(value: object) -> object:
    text = _text(value)
    if isinstance(text, str) and not _TWO_LETTERS.fullmatch(text.upper()):
        raise ValueError("must be a two-letter code, such as US")
    return text.upper() if isinstance(text, str) else text


def _number_as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Text = Annotated[str | None, BeforeValidator(_text)]
Code = Annotated[str | None, BeforeValidator(_code)]
Money = Annotated[Decimal, Field(max_digits=15)]
"""Up to fifteen digits: what a JSON number carries exactly."""


def _required(value: Any, reason: str) -> Any:
    if value is None:
        raise ValueError(f"is required{reason}")
    return value


def country_of(info: ValidationInfo, name: str) -> str | None:
    """The country in field ``name``: the US where it is left out, ``None`` where it is wrong itself."""
    return info.data[name] or US if name in info.data else None


def zip_within(country: str | None, value: str | None) -> str | None:
    """A postal code; in the US a ZIP code, else ``ValueError``."""
    if country == US and value is not None and not _ZIP.fullmatch(value):
        raise ValueError("must be a US ZIP code: five digits, or ZIP+4 such as 90002-1234")
    return value


def state_within(country: str | None, value: str | None) -> str | None:
    """A state or province: in the US and Canada a code of two letters, in upper case, else ``ValueError``."""
    return value if value is None or country not in _WITH_STATES else str(_code(value))


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

    @field_validator("zip")
    @classmethod
    def _zip_of_the_country(cls, value: str | None, info: ValidationInfo) -> str | None:
        return zip_within(info.data.get("country"), value)

    @field_validator("state")
    @classmethod
    def _state_of_the_country(cls, value: str | None, info: ValidationInfo) -> str | None:
        return state_within(info.data.get("country"), value)


class TaxLine(_Part):
    """A line of the sale; ``discount`` is that of the whole line."""

    id: Annotated[Text, BeforeValidator(_number_as_text)] = None
    quantity: int | None = Field(default=None, ge=1, le=_LARGEST_QUANTITY, strict=True)
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
    """The US where it is left out."""
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
    def _zip_where_it_goes(cls, value: str | None, info: ValidationInfo) -> str | None:
        country = info.data.get("to_country")
        return zip_within(country, _required(value, " when to_country is US") if country == US else value)

    @field_validator("to_state")
    @classmethod
    def _state_where_it_goes(cls, value: str | None, info: ValidationInfo) -> str | None:
        country = info.data.get("to_country")
        required = country in _WITH_STATES
        return state_within(country, _required(value, " when to_country is US or CA") if required else value)

    @field_validator("from_zip")
    @classmethod
    def _zip_where_it_comes_from(cls, value: str | None, info: ValidationInfo) -> str | None:
        return zip_within(country_of(info, "from_country"), value)

    @field_validator("from_state")
    @classmethod
    def _state_where_it_comes_from(cls, value: str | None, info: ValidationInfo) -> str | None:
        return state_within(country_of(info, "from_country"), value)

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
