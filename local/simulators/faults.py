"""Failures on demand: ASGI middleware that makes a simulator fail as real services do, and records every call."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from fnmatch import fnmatchcase
from http import HTTPStatus
from random import Random
from typing import Literal, Self

import httpx
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local.simulators.control import CONTROL_PREFIX, control_app
from local.simulators.status_phrases import status_phrase

HTML_BODY = b"<html><head><title>Bad Gateway</title></head><body><h1>The server is busy.</h1></body></html>"


class ConnectionDropped(httpx.ReadError):
    """The connection broke. ``httpx.ASGITransport`` raises it in the client; a real server closes the socket."""


class Fault(BaseModel):
    """One rule: which calls fail, when, and how.

    It matches by ``method`` and ``path`` (shell patterns). Of the matching calls the first ``skip`` pass, then each
    fails with ``probability``, until ``times`` have failed. Failing means, in this order: let the request take effect
    (only if ``after``), wait ``delay`` seconds, then break the connection (``drop``), or answer with ``status``, or,
    with neither, answer normally but late. Rules are asked in order; the first that fires is the only one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str = "*"
    path: str = "*"
    skip: int = Field(default=0, ge=0)
    times: int | None = Field(default=None, ge=1)
    probability: float = Field(default=1.0, gt=0, le=1)
    after: bool = False
    delay: float = Field(default=0.0, ge=0)
    drop: bool = False
    status: int | None = Field(default=None, ge=200)
    body: Literal["json", "json_as_text", "html", "empty"] = "json"
    """``json_as_text`` is the JSON error with its status as a string and its detail as a list."""
    body_status: int | None = Field(default=None, ge=400)
    """What the JSON error says instead of ``status``: a gateway may pass an error on with status 200."""
    retry_after: int | None = Field(default=None, ge=0)
    """Seconds, for the header ``Retry-After``."""
    retry_after_as_date: bool = False
    """Give ``Retry-After`` as an HTTP date, by the simulator's clock."""
    location: str | None = None
    """Header ``Location``, for redirects."""

    @model_validator(mode="after")
    def _has_one_effect(self) -> Self:
        if self.drop and self.status is not None:
            raise ValueError("a fault either drops the connection or answers with a status")
        if not self.drop and self.status is None and not self.delay:
            raise ValueError("a fault needs one of drop, status and delay")
        if self.body_status is not None and (self.status is None or not self.body.startswith("json")):
            raise ValueError("body_status needs a status and a JSON body")
        for named in filter(None, (self.status, self.body_status)):
            HTTPStatus(named)  # the error body names it
        return self

    @property
    def name(self) -> str:
        """``drop``, ``slow`` or the status, and ``after`` where the request took effect first."""
        kind = "drop" if self.drop else "slow" if self.status is None else str(self.status)
        kind = f"{kind} saying {self.body_status}" if self.body_status else kind
        return f"{kind} after" if self.after else kind

    def matches(self, method: str, path: str) -> bool:
        return fnmatchcase(method, self.method.upper()) and fnmatchcase(path, self.path)


@dataclass(slots=True)
class Call:
    """One request as it arrived. ``status`` is what the client was told; ``None`` while running or when dropped."""

    time: datetime
    method: str
    path: str
    query: str
    account: str | None
    """Whose credentials were used: a label, never the credentials."""
    status: int | None = None
    fault: str | None = None


@dataclass(slots=True)
class _Armed:
    """A rule with its counters."""

    fault: Fault
    seen: int = 0
    fired: int = 0

    def fires(self, random: Random) -> bool:
        self.seen += 1
        if self.seen <= self.fault.skip or (self.fault.times is not None and self.fired >= self.fault.times):
            return False
        if self.fault.probability < 1 and random.random() >= self.fault.probability:
            return False
        self.fired += 1
        return True


def _default_error(status: int) -> object:
    return {"status": status, "error": status_phrase(status), "detail": "A fault that was asked for."}


@dataclass(slots=True)
class Faults:
    """The faults and the recorded calls of one simulator. Also set over HTTP, see ``local.simulators.control``."""

    random: Random
    clock: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    error: Callable[[int], object] = _default_error
    """The service's own JSON error body for a status."""
    calls: list[Call] = field(default_factory=list)
    """In order of arrival."""
    _armed: list[_Armed] = field(default_factory=list)

    def add(self, *faults: Fault) -> None:
        """Arm rules, after those already there."""
        self._armed.extend(_Armed(fault) for fault in faults)

    def clear(self) -> None:
        """Disarm every rule; recorded calls stay."""
        self._armed.clear()

    @property
    def rules(self) -> list[Fault]:
        return [armed.fault for armed in self._armed]

    def wrap(self, app: ASGIApp, *, account: Callable[[Scope], str | None] | None = None) -> ASGIApp:
        """Put the faults in front of ``app``. ``account`` names the caller for ``calls``."""
        control = control_app(self, Fault)

        async def faulty(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
            elif scope["path"].startswith(CONTROL_PREFIX):
                await control(scope, receive, send)
            else:
                call = self._record(scope, account(scope) if account else None)
                fault = self._pick(call)
                if fault is None:
                    await app(scope, receive, _noting(send, call))
                else:
                    call.fault = fault.name
                    await self._fail(fault, app, scope, receive, _noting(send, call), call)

        return faulty

    def _record(self, scope: Scope, account: str | None) -> Call:
        query = scope["query_string"].decode("latin-1")
        call = Call(self.clock(), scope["method"], scope["path"], query, account)
        self.calls.append(call)
        return call

    def _pick(self, call: Call) -> Fault | None:
        for armed in self._armed:
            if armed.fault.matches(call.method, call.path) and armed.fires(self.random):
                return armed.fault
        return None

    async def _fail(self, fault: Fault, app: ASGIApp, scope: Scope, receive: Receive, send: Send, call: Call) -> None:
        held: list[Message] = []
        if fault.after:

            async def hold(message: Message) -> None:
                held.append(message)

            await app(scope, receive, hold)
        if fault.delay:
            await self.sleep(fault.delay)
        if fault.drop:
            await _drop(send)
            call.status = None
            raise ConnectionDropped("the simulator dropped the connection")
        if fault.status is not None:
            await self._answer(fault, fault.status, send)
        elif fault.after:
            for message in held:
                await send(message)
        else:
            await app(scope, receive, send)

    async def _answer(self, fault: Fault, status: int, send: Send) -> None:
        body, content_type = b"", b""
        if fault.body.startswith("json"):
            error = self.error(fault.body_status or status)
            shown = _as_text(error) if fault.body == "json_as_text" else error
            body, content_type = json.dumps(shown).encode(), b"application/json"
        elif fault.body == "html":
            body, content_type = HTML_BODY, b"text/html; charset=utf-8"
        headers = [(b"content-length", str(len(body)).encode())]
        if content_type:
            headers.append((b"content-type", content_type))
        if fault.retry_after is not None:
            headers.append((b"retry-after", self._retry_after(fault.retry_after, fault.retry_after_as_date)))
        if fault.location is not None:
            headers.append((b"location", fault.location.encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _retry_after(self, seconds: int, as_date: bool) -> bytes:
        if not as_date:
            return str(seconds).encode()
        return format_datetime(self.clock() + timedelta(seconds=seconds), usegmt=True).encode()


def _as_text(error: object) -> object:
    if not isinstance(error, dict) or not error.keys() >= {"status", "detail"}:
        return error
    return error | {"status": str(error["status"]), "detail": [error["detail"]]}


def _noting(send: Send, call: Call) -> Send:
    """Note the status that the client is told."""

    async def noting(message: Message) -> None:
        if message["type"] == "http.response.start":
            call.status = message["status"]
        await send(message)

    return noting


async def _drop(send: Send) -> None:
    # A server may only close the socket in the middle of an answer: before one begins it would answer 500 itself.
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})
