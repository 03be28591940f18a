"""The app's HTTP API as commands call it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from cli.errors import Refused, WrongUsage
from cli.sign_in import SignedIn

Json = dict[str, Any]
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_TIMEOUT = httpx.Timeout(240, connect=10)
"""Seconds: a reconciliation takes as long as the platform lets an answer take."""


class Api:
    """One deployment. Every method raises :class:`Refused` where the app refuses or does not answer."""

    def __init__(self, url: str, signed_in: SignedIn, transport: httpx.BaseTransport | None = None) -> None:
        self.url = _checked(url)
        self.signed_in = signed_in
        headers = {**signed_in.headers, "x-connector": "cli", "accept": "application/json"}
        # A redirect would carry the key or token elsewhere.
        self._http = httpx.Client(
            base_url=self.url, headers=headers, timeout=_TIMEOUT, transport=transport, follow_redirects=False
        )

    def close(self) -> None:
        """End the connections."""
        self._http.close()

    def get(self, *path: str, **query: object) -> Json:
        """The JSON answer of GET."""
        return _json(self._send("GET", path, query))

    def send(self, method: str, *path: str, body: Mapping[str, object] | None = None, **query: object) -> Json:
        """The JSON answer of a request that changes something."""
        return _json(self._send(method, path, query, body if body is not None else {}))

    def download(self, *path: str, **query: object) -> bytes:
        """The answer as it is: CSV, XLSX or NDJSON."""
        return self._send("GET", path, query).content

    def download_pages(self, *path: str, **query: object) -> Iterator[bytes]:
        """All the pages of an answer that names the next one in the header ``X-Next``."""
        response = self._send("GET", path, query)
        yield response.content
        while following := response.headers.get("x-next"):
            response = self._request("GET", self.signed_in.prefix + _below_api(following), None)
            yield response.content

    def pages(
        self, name: str, path: Sequence[str], query: Mapping[str, object] | None = None, *, at_most: int | None = None
    ) -> Iterator[Json]:
        """The items, ``at_most`` so many, that all the pages of a list hold under ``name``."""
        page, given = self.get(*path, **(query or {})), 0
        while True:
            for item in page[name]:
                if given == at_most:
                    return
                given += 1
                yield item
            following = page.get("next")
            if not following:
                return
            page = _json(self._request("GET", self.signed_in.prefix + _below_api(following), None))

    def _send(
        self, method: str, path: tuple[str, ...], query: Mapping[str, object], body: Mapping[str, object] | None = None
    ) -> httpx.Response:
        address = self.signed_in.prefix + "/".join(quote(part, safe="") for part in path)
        given = {name: _text(value) for name, value in query.items() if value not in (None, "", False, [])}
        return self._request(method, str(httpx.URL(address, params=given)) if given else address, body)

    def _request(self, method: str, address: str, body: Mapping[str, object] | None) -> httpx.Response:
        try:
            response = self._http.request(method, address, json=body) if body is not None else self._http.get(address)
        except httpx.TransportError as error:
            raise Refused(f"{self.url} does not answer ({type(error).__name__}).") from None
        if response.is_success:
            return response
        raise _refusal(response)


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise WrongUsage(f"{url} is not a URL.") from None
    if parts.scheme not in ("https", "http") or not host:
        raise WrongUsage(f"{url} is not a URL such as https://func-contoso.azurewebsites.net.")
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise WrongUsage(f"{url}: a key or token is only sent by https, or to this machine.")
    return f"{parts.scheme}://{parts.netloc}"


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return {True: "true"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _below_api(path: str) -> str:
    """The path of a next page, below ``/api/`` or ``/api/people/``: only its route and query count."""
    parts = urlsplit(path)
    route = parts.path.removeprefix("/api/people/").removeprefix("/api/").lstrip("/")
    return f"{route}?{parts.query}" if parts.query else route


def _json(response: httpx.Response) -> Json:
    try:
        found = response.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Refused(f"{response.request.url.host} answers no JSON: is this the connector's URL?", status=502)
    return found


def _refusal(response: httpx.Response) -> Refused:
    error: Json = {}
    try:
        error = response.json()["error"]
        message = str(error["message"])
    except (ValueError, KeyError, TypeError):
        message = f"The app answered {response.status_code}."
    if response.status_code == 401 and "x-functions-key" in response.request.headers:
        message = "The app refuses the function key."
    elif response.status_code == 401:
        message = f"{message} The app does not accept this sign-in."
    elif response.is_redirect:
        message = "The app redirects elsewhere, which is not followed: is this the connector's URL?"
    return Refused(message, status=response.status_code, error=dict(error) if isinstance(error, dict) else {})
