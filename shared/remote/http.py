"""Plain HTTP to one remote address, below the guard.

httpx is the interface, aiohttp (which the storage SDK brings along) does the sending: a call costs a quarter of the CPU
that httpx's own transport takes. Every failure says whether the request may have reached the other side: only
:class:`httpx.ConnectError`, :class:`httpx.ConnectTimeout` and :class:`httpx.PoolTimeout` mean that it surely did not.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx
from yarl import URL

_KEEP_CONNECTIONS = 5.0
"""Seconds that an idle connection is kept."""
_AT_ONCE = 100
_SET_BY_HTTPX = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")


def transport_to(url: str) -> AiohttpTransport:
    """A transport for requests to ``url``, through the proxy that the environment names for it, if any."""
    address = httpx.URL(url)
    proxies = {} if proxy_bypass(address.host) else getproxies()
    return AiohttpTransport(proxy=proxies.get(address.scheme) or proxies.get("all"))


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Sends with aiohttp and reads each answer to its end. Certificates are trusted as httpx trusts them."""

    def __init__(self, *, proxy: str | None = None) -> None:
        self.proxy = proxy
        self._opened: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        limits = request.extensions.get("timeout", {})
        timeout = aiohttp.ClientTimeout(
            total=None,
            connect=limits.get("pool"),
            sock_connect=limits.get("connect"),
            sock_read=limits.get("read"),
        )
        content = await request.aread()
        with _as_httpx(request):
            async with self._session().request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=request.headers.multi_items(),
                skip_auto_headers=_SET_BY_HTTPX,
                data=content or None,
                allow_redirects=False,
                proxy=self.proxy,
                timeout=timeout,
            ) as response:
                body = await response.read()
        return httpx.Response(response.status, headers=list(response.raw_headers), content=body, request=request)

    def _session(self) -> aiohttp.ClientSession:
        # A session belongs to the event loop that is running when it is made.
        if self._opened is None:
            self._opened = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=_AT_ONCE, keepalive_timeout=_KEEP_CONNECTIONS, ssl=httpx.create_ssl_context()
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        return self._opened

    async def aclose(self) -> None:
        if self._opened:
            await self._opened.close()


@contextmanager
def _as_httpx(request: httpx.Request) -> Iterator[None]:
    """aiohttp's failures as those of httpx. What does not surely come before the request was sent counts as after."""
    try:
        yield
    except aiohttp.ClientConnectorError as error:  # no connection was made
        raise httpx.ConnectError(str(error), request=request) from error
    except aiohttp.ConnectionTimeoutError as error:
        raise httpx.ConnectTimeout(str(error), request=request) from error
    except (TimeoutError, aiohttp.ServerTimeoutError) as error:
        raise httpx.ReadTimeout(str(error), request=request) from error
    except aiohttp.ServerDisconnectedError as error:
        raise httpx.RemoteProtocolError(str(error), request=request) from error
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
        raise httpx.UnsupportedProtocol(str(error), request=request) from error
    except aiohttp.ClientError as error:
        raise httpx.ReadError(str(error), request=request) from error
