"""HTTP answers of the app, independent of the framework: JSON, errors a person can act on, limits (design 3.1)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

BODY_LIMIT = 256 * 1024
"""Bytes of a request body."""

_KEY_PARAMETERS = frozenset({"code", "clientid"})
"""The function key may travel in the query; it is the host's business."""

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
"""What a person gives as a reason or a name."""

_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2154, 12, 31)
"""The dates that F&O has."""


def _day(value: object) -> date:
    if isinstance(value, str) and _ISO_DAY.fullmatch(value):
        with suppress(ValueError):
            value = date.fromisoformat(value)
    if type(value) is not date:
        raise ValueError("give a date such as 2026-09-30")
    if not FIRST_DAY <= value <= LAST_DAY:
        raise ValueError(f"give a date from {FIRST_DAY} to {LAST_DAY}, F&O has no others")
    return value


Day = Annotated[date, BeforeValidator(_day)]
"""A calendar date as ISO text; a number is none, it would be taken for seconds since 1970."""


class Days(BaseModel):
    """A query about a range of days, both inclusive; without one of them the range is open there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    since: Day | None = Field(default=None, alias="from")
    until: Day | None = Field(default=None, alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.since and self.until and self.since > self.until:
            raise ValueError(f"from ({self.since}) must not be after to ({self.until})")
        return self


_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; ``body`` is JSON content, or text or bytes when ``content_type`` says so."""

    status: int = 200
    body: Any = None
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)

    def text(self) -> str | bytes:
        """The body as it goes over the wire."""
        if self.content_type != "application/json":
            return self.body if isinstance(self.body, bytes) else str(self.body)
        return json.dumps(self.body, ensure_ascii=False)


def attachment(text: str | bytes, name: str, content_type: str = "text/csv") -> Answer:
    """A file for browsers to save as ``name``."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Answer(body=text, content_type=content_type, headers=headers)


class Problem(Exception):
    """A request that cannot be served; becomes ``{"error": {"code", "message"}}``, and ``details`` for programs."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers or {}
        self.details = details or {}

    def answer(self) -> Answer:
        """The problem as an answer."""
        error = {**self.details, "code": self.code, "message": str(self)}
        return Answer(self.status, {"error": error}, headers=self.headers)


def instant(at: datetime | None) -> str | None:
    """``at`` as ISO 8601 UTC."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if at else None


def check_size(body: bytes) -> None:
    """Refuse a body over 256 KiB."""
    if len(body) > BODY_LIMIT:
        raise Problem(413, "too_large", f"The body is larger than {BODY_LIMIT // 1024} KiB.")


def read_json(body: bytes, model: type[_Model]) -> _Model:
    """The body as ``model``; a problem names each field that is wrong."""
    try:
        return model.model_validate_json(body or b"{}")
    except ValidationError as error:
        raise Problem(400, "bad_request", _sentences(error, "body")) from None


def read_query(params: Mapping[str, str], model: type[_Model]) -> _Model:
    """The query parameters as ``model``; a problem names each one that is wrong."""
    given = {name: value for name, value in params.items() if name.lower() not in _KEY_PARAMETERS}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise Problem(400, "bad_request", _sentences(error, "query", _names(model))) from None


def _names(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _sentences(error: ValidationError, whole: str, known: Sequence[str] = ()) -> str:
    """One part per mistake; ``known`` are the names that a query may have."""
    details = error.errors(include_input=False, include_url=False)
    return "; ".join(
        f"{'.'.join(map(str, detail['loc'])) or whole}: {_words(detail['type'], detail['msg'], known)}"
        for detail in details
    )


def _words(kind: str, message: str, known: Sequence[str]) -> str:
    if kind == "string_too_short":
        return "must not be empty"
    if kind == "extra_forbidden" and known:
        return f"there is no such parameter; there are {', '.join(known)}"
    return message.removeprefix("Value error, ")
