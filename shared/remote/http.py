"""Plain HTTP to one remote address, below the guard."""

from __future__ import annotations

from urllib.request import getproxies, proxy_bypass

import httpx


def transport_to(url: str) -> httpx.AsyncHTTPTransport:
    """A transport for requests to ``url``, through the proxy that the environment names for it, if any."""
    address = httpx.URL(url)
    proxies = {} if proxy_bypass(address.host) else getproxies()
    return httpx.AsyncHTTPTransport(proxy=proxies.get(address.scheme) or proxies.get("all"))
