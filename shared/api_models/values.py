"""Values that answers are made of: amounts are decimal strings, instants ISO 8601 UTC, days ISO dates."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Amount = Annotated[str, Field(pattern=r"^-?[0-9]+(\.[0-9]+)?$", examples=["108.25"])]
Instant = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z$",
        json_schema_extra={"format": "date-time"},
        examples=["2026-11-30T20:58:00Z"],
    ),
]
DayText = Annotated[
    str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", json_schema_extra={"format": "date"}, examples=["2026-11-30"])
]
Count = Annotated[int, Field(ge=0)]
Json = dict[str, Any]


class AnswerModel(BaseModel):
    """An answer or a part of one."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)


class Amounts(AnswerModel):
    """Net amount and sales tax in US dollars, negative on refunds."""

    amount: Amount
    sales_tax: Amount


class Range(AnswerModel):
    """Days, both inclusive."""

    since: DayText = Field(alias="from")
    until: DayText = Field(alias="to")


class ErrorDetail(AnswerModel):
    """``code`` for programs, ``message`` for a person who can act on it; further fields by code."""

    model_config = ConfigDict(extra="allow")

    code: str
    message: str


class ErrorAnswer(AnswerModel):
    """Every error."""

    error: ErrorDetail
