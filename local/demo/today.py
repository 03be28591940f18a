"""The day that it is for the companies of the demo, which live in UTC: it is the same for whoever tries them."""

from __future__ import annotations

from datetime import UTC, date, datetime

TIME_ZONE = "UTC"
"""The companies' setting."""


def today() -> date:
    """Today in :data:`TIME_ZONE`."""
    return datetime.now(UTC).date()
