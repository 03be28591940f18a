"""The web hook of ``NOTIFY_WEBHOOK_URL``, and the way to it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import httpx
from pydantic import SecretStr

from shared.remote.http import transport_to


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where the daily digest goes. Whoever has the URL can write there, so it is a secret."""

    url: SecretStr
    app_url: str = ""
    """This deployment's own URL, for links; empty where the platform does not tell it."""
    transport: Callable[[str], httpx.AsyncBaseTransport] = transport_to
    """Opens the way to a URL; it is closed after the digest."""


def webhook_to(url: SecretStr | None) -> Webhook | None:
    """The web hook at ``url``; the platform tells the app's own host in ``WEBSITE_HOSTNAME``."""
    host = os.environ.get("WEBSITE_HOSTNAME", "")
    return Webhook(url, f"https://{host}" if host else "") if url else None
