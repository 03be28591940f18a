"""The ``hh:mm:ss`` notation of host.json and of interval timers."""

from __future__ import annotations

import re
from datetime import timedelta

TIME_SPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,7}))?")


def parse_time_span(text: str) -> timedelta:
    """Reads ``[d.]hh:mm:ss[.fffffff]``; raises ValueError for anything else."""
    match = TIME_SPAN.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a time span such as 00:05:00")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[:4])
    if hours > 23 or minutes > 59 or seconds > 59:
        raise ValueError(f"{text!r} is not a time span: at most 23 hours, 59 minutes and 59 seconds, days before a dot")
    microseconds = int((match[5] or "0").ljust(7, "0")) // 10
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds, microseconds=microseconds)
