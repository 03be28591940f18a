"""The OData endpoint of one F&O environment: pages of rows, over one shared httpx client.

Every request crosses companies (without ``cross-company=true`` F&O silently answers for one company only), follows no
redirect, and has its decimals read exactly.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NoReturn
from urllib.parse import quote

import httpx
import stamina

from shared.dynamics.auth import BearerAuth, Tokens
from shared.dynamics.errors import (
    AccessDenied,
    BadQuery,
    DynamicsError,
    EntityMissing,
    ForeignLink,
    Throttled,
    Unavailable,
)
from shared.redaction import MASK, redact
from shared.retry_after import retry_after_seconds

Row = dict[str, Any]

TIME_LIMIT = 150.0
"""Seconds for a whole answer, which may trickle in."""
_TIMEOUT = httpx.Timeout(120.0, connect=10.0).as_dict()
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "gzip, deflate"}
_CALLS_AT_ONCE = 4
_ATTEMPTS = 3
_GATEWAY_STATUS = {502, 503, 504}
_LONGEST_WORDS = 1000


class _Hiccup(Unavailable):
    """Trouble that often is over a moment later: a dropped connection, a gateway error without Retry-After."""


class ODataClient:
    """Reads entity sets of the environment at ``url``.

    ``http`` decides whether and when a call may be made, and when it is given up: see :mod:`shared.remote.transport`.
    ``once``: each call is one request, whatever comes of it; else trouble that often is over a moment later is met with
    two more.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        url: str,
        tokens: Tokens,
        clock: Callable[[], datetime],
        *,
        once: bool = False,
    ) -> None:
        self._http = http
        self._url = httpx.URL(url)
        self._tokens = tokens
        self._auth = BearerAuth(tokens, once=once)
        self._clock = clock
        self._attempts = 1 if once else _ATTEMPTS
        self._slots = asyncio.Semaphore(_CALLS_AT_ONCE)

    async def sign_in(self) -> None:
        """Get a new token, whatever the current one is good for. Raises what Entra ID's refusal is."""
        await self._tokens.renew(await self._tokens.get())

    async def get_pages(
        self,
        set: str,
        *,
        select: Sequence[str] = (),
        filter: str = "",
        orderby: Sequence[str] = (),
        top: int | None = None,
        skip: int = 0,
        expand: str = "",
    ) -> AsyncIterator[list[Row]]:
        """The rows of ``set``, one server page at a time, to the last ``@odata.nextLink``.

        Raises the errors of :mod:`shared.dynamics.errors`.
        """
        options = {
            "$select": ",".join(select),
            "$filter": filter,
            "$orderby": ",".join(orderby),
            "$top": "" if top is None else str(top),
            "$skip": str(skip) if skip else "",
            "$expand": expand,
        }
        query = "".join(f"&{name}={quote(value, safe=',():')}" for name, value in options.items() if value)
        link: httpx.URL | None = httpx.URL(f"{self._url}/data/{quote(set)}?cross-company=true{query}")
        followed = {link}
        while link is not None:
            page = await self._get(link, set)
            yield page["value"]
            link = self._next(followed, page.get("@odata.nextLink"))
            followed.add(link)

    async def count(self, set: str, *, filter: str = "") -> int:
        """How many rows of ``set`` meet ``filter``. Raises the errors of :mod:`shared.dynamics.errors`."""
        query = f"&$filter={quote(filter, safe=',():')}" if filter else ""
        url = httpx.URL(f"{self._url}/data/{quote(set)}/$count?cross-company=true{query}")
        counted = await self._get(url, set, read=_count)
        return int(counted["@odata.count"])

    def _next(self, followed: Collection[httpx.URL | None], link: object) -> httpx.URL | None:
        if not link:
            return None
        try:
            url = httpx.URL(str(link))
        except httpx.InvalidURL:
            raise ForeignLink("F&O's link to the next page is not a URL.") from None
        if _origin(url) != _origin(self._url) or url.userinfo or url in followed:
            raise ForeignLink(f"F&O's link to the next page leads to {url.host or 'nowhere'}, not on in {self._url}.")
        return url

    async def _get(
        self, url: httpx.URL, set: str, *, read: Callable[[httpx.Response, str], dict[str, Any]] | None = None
    ) -> dict[str, Any]:
        attempts = stamina.retry_context(
            on=_Hiccup, attempts=self._attempts, timeout=None, wait_initial=0.2, wait_max=1.0
        )
        async for attempt in attempts:
            with attempt:
                return (read or _page)(await self._get_once(url, set), set)
        raise AssertionError("stamina always returns or raises")

    async def _get_once(self, url: httpx.URL, set: str) -> httpx.Response:
        response = await self._send(url)
        if response.status_code != 200:
            failure = self._failure(response, set)
            failure.status = response.status_code
            raise failure
        return response

    async def _send(self, url: httpx.URL) -> httpx.Response:
        # Not by the client's own means, which put URL, headers and cookies together once more.
        request = httpx.Request("GET", url, headers=_HEADERS, extensions={"timeout": _TIMEOUT})
        try:
            async with self._slots:
                return await self._http.send(request, auth=self._auth, follow_redirects=False)
        except (httpx.TimeoutException, TimeoutError) as error:
            raise Unavailable(f"F&O ({self._url.host}) did not answer in time ({type(error).__name__}).") from None
        except httpx.HTTPError as error:
            raise _Hiccup(f"F&O ({self._url.host}) cannot be reached ({type(error).__name__}).") from None

    def _failure(self, response: httpx.Response, set: str) -> DynamicsError:
        status = response.status_code
        retry_after = retry_after_seconds(response, self._clock)
        if status == 429:
            return Throttled(retry_after)
        if 300 <= status < 500 and status != 408:
            return _refusal(response, set, self._url.host)
        kind = _Hiccup if status in _GATEWAY_STATUS and retry_after is None else Unavailable
        return kind(f"F&O ({self._url.host}) answered with status {status} for {set}.", retry_after=retry_after)


def _refusal(response: httpx.Response, set: str, host: str) -> DynamicsError:
    status = response.status_code
    if status == 401:
        return AccessDenied(
            f"F&O ({host}) refuses a fresh token (401). Register the app under System administration > Setup >"
            " Microsoft Entra applications, and check that URL and tenant belong to this environment."
        )
    if status == 403:
        return AccessDenied(f"F&O ({host}) does not let the app's user read {set} (403). Check its roles.", set=set)
    if status == 404:
        return EntityMissing(set)
    if status < 400:
        return AccessDenied(f"F&O ({host}) redirects the call (status {status}) instead of answering. Check the URL.")
    return BadQuery(set, _words(response) or f"status {status}.")


def _page(response: httpx.Response, set: str) -> dict[str, Any]:
    page = _json(response)
    rows = page.get("value") if isinstance(page, dict) else None
    if not isinstance(page, dict) or not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Unavailable(f"F&O's answer for {set} cannot be read: it is not a page of rows.")
    return page


def _count(response: httpx.Response, set: str) -> dict[str, Any]:
    """A bare number, before which some builds put a byte order mark."""
    text = response.content.removeprefix(b"\xef\xbb\xbf").strip()
    if not text.isdigit():
        raise Unavailable(f"F&O's answer for {set}/$count cannot be read: it is not a number.")
    return {"@odata.count": int(text)}


def _json(response: httpx.Response) -> object:
    try:
        return json.loads(response.content, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)


def _words(response: httpx.Response) -> str:
    """F&O's own words: the inner message says what is wrong, the outer only that something is."""
    body = _json(response)
    error = body.get("error", body) if isinstance(body, dict) else {}
    inner = error.get("innererror") if isinstance(error, dict) else None
    for source in (inner, error):
        if isinstance(source, dict) and (text := source.get("message") or source.get("Message")):
            return _without_token(str(text).strip(), response.request)[:_LONGEST_WORDS]
    return ""


def _without_token(text: str, request: httpx.Request) -> str:
    """A refusal may quote the token it refuses."""
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    return str(redact(text.replace(token, MASK) if token else text))


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    default = {"https": 443, "http": 80}.get(url.scheme)
    return url.scheme, url.host.lower(), url.port or default
