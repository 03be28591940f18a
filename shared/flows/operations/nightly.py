"""The night's reconciliation, and the word to people that follows it (design 3.2, 4.7)."""

from __future__ import annotations

import logging

from shared.connector import Connector
from shared.flows.operations.digest import Occasion, standing_of
from shared.flows.operations.notify import send_digest
from shared.flows.operations.status import show_status
from shared.flows.reconciliation.reconcile import reconcile_nightly

logger = logging.getLogger(__name__)


async def reconcile_and_tell(connector: Connector, by: str) -> None:
    """Reconcile every company, then tell people how everything stands, also where a company was in trouble."""
    try:
        await reconcile_nightly(connector, by)
    finally:
        await tell(connector)


async def tell(connector: Connector) -> Occasion | None:
    """Send the digest that is due; return why, and ``None`` where nothing was sent. No trouble goes beyond the log."""
    if connector.webhook is None:
        return None
    try:
        standing = standing_of(await show_status(connector))
        return await send_digest(connector.webhook, standing, subjects=connector.subjects, clock=connector.clock)
    except Exception as trouble:
        # Without its words: they may repeat the web hook's URL, which is a secret.
        logger.error("The digest was not sent: %s", type(trouble).__name__)
        return None
