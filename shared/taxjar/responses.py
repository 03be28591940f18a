"""Reads an HTTP response of TaxJar: an answer, or the error it stands for (design 4.2).

Error bodies come in several shapes (status as text, detail as a list, empty, HTML of a gateway), so only the status
decides and the body merely lends its words. A gateway may pass an error on with status 200: then the status in the body
counts.
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

_PARSED = "parsed"
"""The response extension that keeps the body."""
_LONGEST_DETAIL = 1000
_LONGEST_ERROR = 16_384
"""Bytes; a longer body is not an error in disguise."""
_ABOUT_THE_DATA = frozenset({400, 406, 409, 413, 414, 422})
_PASSING = frozenset({408, 425})


def status_of(response: httpx.Response) -> int:
    """The status that counts: that of the HTTP answer, or of the error which a successful one holds."""
    if response.is_success and len(response.content) <= _LONGEST_ERROR and _is_error(body := _json(response)):
        stated = str(body.get("status"))
        if stated.isascii() and stated.isdigit() and 400 <= int(stated) <= 599:
            return int(stated)
    return response.status_code


def read_answer(
    response: httpx.Response, envelope: str, *, creates: bool, may_be_absent: bool, clock: Callable[[], datetime]
) -> Answer:
    """The answer, whose body holds ``envelope``; raises the :class:`TaxJarError` that the response stands for.

    ``creates``: a 422 says that the id is taken. ``may_be_absent``: a 404 says that there is no such record or place,
    else it says that there is no such API.
    """
    status = status_of(response)
    if not 200 <= status < 300:
        raise _error(response, status, creates=creates, may_be_absent=may_be_absent, clock=clock)
    if _is_web_page(response):
        raise AccessDenied(status, _detail(response))
    body = _json(response)
    if not isinstance(body, dict) or not isinstance(body.get(envelope), dict | list):
        raise Unavailable(outcome_unknown=True, status=status, detail=f"the answer is unreadable: no {envelope} in it")
    return Answer(
        status=status,
        body=body,
        api_version_echo=response.headers.get("x-api-version"),
        request_id=response.headers.get("x-request-id"),
    )


def _error(
    response: httpx.Response, status: int, *, creates: bool, may_be_absent: bool, clock: Callable[[], datetime]
) -> TaxJarError:
    detail = _detail(response)
    if status == 429:
        return Throttled(retry_after_seconds(response, clock), detail)
    if status >= 500 or status in _PASSING:
        wait = retry_after_seconds(response, clock)
        return Unavailable(wait, outcome_unknown=True, status=status, detail=detail)
    if status == 404 and may_be_absent and _is_error(_json(response)):
        return NotFound(status, detail)
    if status in _ABOUT_THE_DATA and not _is_web_page(response):
        return AlreadyExists(status, detail) if status == 422 and creates else Rejected(status, detail)
    return AccessDenied(status, detail)


def _is_error(body: Any) -> bool:
    """Whether ``body`` has TaxJar's form of an error."""
    return isinstance(body, dict) and ("error" in body or "detail" in body)


def _is_web_page(response: httpx.Response) -> bool:
    """Whether somebody else answered: a portal, a proxy, a web site."""
    return "html" in response.headers.get("content-type", "") or response.content.lstrip()[:1] == b"<"


def _detail(response: httpx.Response) -> str:
    """TaxJar's own words on one line, else the standard phrase of the status."""
    if _is_web_page(response):
        return f"{response.reason_phrase or 'no explanation'} (a web page instead of TaxJar's API)"
    body = _json(response)
    words: object = ""
    if isinstance(body, dict):
        words = body.get("detail") or body.get("error") or ""
    elif body is None:
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
    """The parsed body, or ``None`` when it is not JSON; it is parsed once, however many look at it."""
    if _PARSED not in response.extensions:
        try:
            response.extensions[_PARSED] = json.loads(response.content, parse_float=Decimal)
        except (ValueError, RecursionError):
            response.extensions[_PARSED] = None
    return response.extensions[_PARSED]
