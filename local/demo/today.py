"""The day that it is for the companies of the demo, whose periods are closed up to the day before."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from shared.settings import CompanySettings

_ZONE = ZoneInfo(str(CompanySettings.model_fields["time_zone"].default))


def today() -> date:
    """The day in the time zone that companies have by default: at midnight in UTC it is still the day before."""
    return datetime.now(UTC).astimezone(_ZONE).date()
