"""Reads an HTTP response of TaxJar: an answer, or the error it stands for.

Error bodies come in several shapes (status as text, detail as a list, empty, HTML of a gateway), so only the status
line decides and the body merely lends its words.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import httpx

from shared.retry_after import retry_after_seconds
from shared.taxjar.answers import Answer
from shared.taxjar.errors import AccessDenied, AlreadyExists, NotFound, Rejected, TaxJarError, Throttled, Unavailable

_LONGEST_DETAIL = 1000


def read_answer(response: httpx.Response, envelope: str, *, creates: bool, clock: Callable[[], datetime]) -> Answer:
    """The answer, whose body holds ``envelope``; raises the :class:`TaxJarError` that the response stands for."""
    if not response.is_success:
        raise _error(response, creates=creates, clock=clock)
    body = _json(response)
    if not isinstance(body, dict) or not isinstance(body.get(envelope), dict | list):
        raise Unavailable(
            outcome_unknown=True, status=response.status_code, detail=f"the answer is unreadable: no {envelope} in it"
        )
    return Answer(
        status=response.status_code,
        body=body,
        api_version_echo=response.headers.get("x-api-version"),
        request_id=response.headers.get("x-request-id"),
    )


def _error(response: httpx.Response, *, creates: bool, clock: Callable[[], datetime]) -> TaxJarError:
    status, detail = response.status_code, _detail(response)
    if status == 429:
        return Throttled(retry_after_seconds(response, clock), detail)
    if status >= 500 or status == 408:
        wait = retry_after_seconds(response, clock)
        return Unavailable(wait, outcome_unknown=True, status=status, detail=detail)
    if status in (401, 403) or status < 400:
        return AccessDenied(status, detail)
    if status == 404:
        return NotFound(status, detail)
    if status == 422 and creates:
        return AlreadyExists(status, detail)
    return Rejected(status, detail)


def _detail(response: httpx.Response) -> str:
    """TaxJar's own words on one line, else the standard phrase of the status."""
    body = _json(response)
    words: object = ""
    if isinstance(body, dict):
        words = body.get("detail") or body.get("error") or ""
    elif body is None and not response.text.lstrip().startswith("<"):
        words = response.text
    if isinstance(words, list):
        words = "; ".join(str(word) for word in words)
    line = _without_token(" ".join(str(words).split()), response.request)[:_LONGEST_DETAIL]
    return line or response.reason_phrase or "no explanation"


def _without_token(text: str, request: httpx.Request) -> str:
    """A refusal may quote the token it refuses."""
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    return text.replace(token, "***") if token else text


def _json(response: httpx.Response) -> Any:
    """The parsed body, or ``None`` when it is not JSON."""
    try:
        return json.loads(response.content, parse_float=Decimal)
    except (ValueError, RecursionError):
        return None
