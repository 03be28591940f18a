"""The ``Retry-After`` header of an answer, read one way for both remote sides."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

_LONGEST_WAIT = 86_400.0
"""Seconds; a longer ``Retry-After`` is taken for a mistake."""


def retry_after_seconds(response: httpx.Response, clock: Callable[[], datetime]) -> float | None:
    """``Retry-After``, seconds or an HTTP date, as seconds from now, a day at most; ``None`` when it says nothing."""
    value = response.headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
        return min(float(value), _LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(value)
        if moment.tzinfo is None:  # "-0000": UTC of unknown origin
            moment = moment.replace(tzinfo=UTC)
        left = (moment - clock()).total_seconds()
    except (ValueError, OverflowError):
        return None
    return min(max(left, 0.0), _LONGEST_WAIT)
