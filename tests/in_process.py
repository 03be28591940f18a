"""The way to the simulators without sockets: a request goes straight to the app that its address belongs to."""

from __future__ import annotations

import httpx

from local.simulation import Simulation


class InProcess(httpx.AsyncBaseTransport):
    """Carries requests to F&O and TaxJar of ``simulation``; every other address is reached over a socket.

    An answer arrives whole, timeouts do not apply, and a connection that a fault drops is an exception of the app.
    """

    def __init__(self, simulation: Simulation) -> None:
        self._apps = {httpx.URL(url).netloc: httpx.ASGITransport(app) for url, app in simulation.apps.items()}
        self._sockets = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        transport = self._apps.get(request.url.netloc, self._sockets)
        return await transport.handle_async_request(request)

    async def aclose(self) -> None:
        await self._sockets.aclose()
