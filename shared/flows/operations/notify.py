"""Sends the daily digest to the web hook of ``NOTIFY_WEBHOOK_URL``, a Teams workflow or any other that takes JSON."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from urllib.parse import quote, urlsplit

import httpx

from shared.flows.operations.digest import LastDigest, Occasion, Standing, as_json, as_teams_card, occasion_for
from shared.ledger.subjects import SubjectLedger
from shared.remote.webhook import Webhook
from shared.settings_checks import VAULT_REFERENCE

logger = logging.getLogger(__name__)

SETTING = "NOTIFY_WEBHOOK_URL"
PATIENCE = 20.0
"""Seconds for the web hook's answer."""
_TEAMS = ("logic.azure.com", "webhook.office.com", "api.powerplatform.com", "powerautomate.com")
"""Hosts, or ends of them, at which Teams workflows take messages."""
_PARTITION, _KIND, _NAME = "digest", "digest", "last"


async def send_digest(
    webhook: Webhook, standing: Standing, *, subjects: SubjectLedger, clock: Callable[[], datetime]
) -> Occasion | None:
    """Send what there is to say; return why, and ``None`` where nothing was sent.

    A web hook that fails is logged, without its URL, and tried again the next day: nothing else waits for it. The
    digest that was sent is remembered after the web hook took it; a crash between the two sends it twice.
    """
    url = webhook.url.get_secret_value()
    if url.startswith(VAULT_REFERENCE):
        logger.error("%s: the platform could not fetch the secret from the Key Vault; no digest is sent", SETTING)
        return None
    occasion = occasion_for(standing, await _last(subjects), clock())
    if occasion is None:
        return None
    render = as_teams_card if _is_teams(url) else as_json
    try:
        async with httpx.AsyncClient(transport=webhook.transport(url), follow_redirects=False) as http:
            content = render(standing, occasion, links(standing, webhook.app_url))
            answer = await http.post(url, json=content, timeout=PATIENCE)
    except httpx.HTTPError as error:
        logger.error("%s: the digest was not sent: %s", SETTING, type(error).__name__)
        return None
    if not answer.is_success:
        logger.error("%s: the digest was not taken: HTTP %d", SETTING, answer.status_code)
        return None
    await subjects.write(
        *(_PARTITION, _KIND, _NAME),
        None,
        fingerprint=standing.fingerprint(),
        sent_at=clock().isoformat(),
        occasion=occasion.value,
    )
    return occasion


def links(standing: Standing, app_url: str) -> Mapping[str, str]:
    """The page of what is to do, by ``connection/company``; none where the app's own URL is not known."""
    if not app_url:
        return {}
    places = [(company.connection, company.company) for company in standing.companies]
    base = f"{app_url.rstrip('/')}/api/console/#/todo"
    return {f"{one}/{other}": f"{base}/{quote(one, safe='')}/{quote(other, safe='')}" for one, other in places}


async def _last(subjects: SubjectLedger) -> LastDigest | None:
    row = await subjects.get(_PARTITION, _KIND, _NAME)
    return LastDigest(row["fingerprint"], datetime.fromisoformat(row["sent_at"])) if row else None


def _is_teams(url: str) -> bool:
    host = (urlsplit(url).hostname or "").lower()
    return any(host == known or host.endswith(f".{known}") for known in _TEAMS)
