"""host.json: the settings of the host that matter on one machine, with the real host's defaults."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from local.host.errors import HostError
from local.host.time_span import parse_time_span


def _time_span(value: Any) -> timedelta:
    if not isinstance(value, str):
        raise ValueError('a time span is text such as "00:05:00"')
    return parse_time_span(value)


def _time_span_or_unbounded(value: Any) -> timedelta | None:
    return None if value == "-1" else _time_span(value)


TimeSpan = Annotated[timedelta, BeforeValidator(_time_span)]


class QueueSettings(BaseModel):
    """``extensions.queues``: how queue messages are fetched and retried."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, populate_by_name=True)

    batch_size: int = Field(default=16, ge=1, le=32)
    """Messages fetched at once."""
    new_batch_threshold: int | None = Field(default=None, ge=0)
    """A new batch is fetched when no more than this many messages are in work; default half a batch."""
    visibility_timeout: TimeSpan = timedelta(0)
    """How long a failed message waits for its next attempt."""
    max_dequeue_count: int = Field(default=5, ge=1)
    """Attempts before a message moves to the poison queue."""
    max_polling_interval: TimeSpan = Field(default=timedelta(minutes=1), ge=timedelta(milliseconds=100))
    """The longest wait between two looks into an empty queue."""
    message_encoding: Literal["base64", "none"] = "base64"

    @property
    def threshold(self) -> int:
        """The new-batch threshold with its default worked out."""
        return self.batch_size // 2 if self.new_batch_threshold is None else self.new_batch_threshold


class HttpSettings(BaseModel):
    """``extensions.http``."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True)

    route_prefix: str = "api"


class Extensions(BaseModel):
    """``extensions``: one section per kind of trigger."""

    model_config = ConfigDict(frozen=True)

    http: HttpSettings = HttpSettings()
    queues: QueueSettings = QueueSettings()


class HostJson(BaseModel):
    """The file; sections without a meaning on one machine (logging, bundles) are not looked at."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True, populate_by_name=True)

    version: Literal["2.0"]
    function_timeout: Annotated[timedelta | None, BeforeValidator(_time_span_or_unbounded)] = timedelta(minutes=30)
    """How long one run of a function may take; None: without end."""
    extensions: Extensions = Extensions()


def read_host_json(folder: Path) -> HostJson:
    """Reads and checks ``host.json``; raises :class:`HostError` with one line per mistake."""
    path = folder / "host.json"
    try:
        return HostJson.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise HostError(f"{path} is missing.") from None
    except ValidationError as error:
        mistakes = (f"{'.'.join(map(str, e['loc'])) or 'the file'}: {e['msg']}" for e in error.errors())
        raise HostError(f"{path} is not valid:\n  " + "\n  ".join(mistakes)) from None
