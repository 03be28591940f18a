"""Calls to the remote sides during which something else happens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx


class Interrupted(httpx.AsyncBaseTransport):
    """Lets something else happen while the caller of one call waits: before its effect, or with the answer late."""

    def __init__(self, path: str, happens: Callable[[], Awaitable[None]], *, late: bool = False) -> None:
        self._path = path
        self._happens = happens
        self._late = late
        self._inner = httpx.AsyncHTTPTransport()
        self._done = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._path not in request.url.path or self._done:
            return await self._inner.handle_async_request(request)
        self._done = True
        if not self._late:
            await self._happens()
        answer = await self._inner.handle_async_request(request)
        if self._late:
            await self._happens()
        return answer

    async def aclose(self) -> None:
        await self._inner.aclose()
