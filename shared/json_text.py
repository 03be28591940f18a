"""JSON as text: compact, written by orjson. What orjson refuses, such as half a surrogate pair, is written escaped."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import orjson


def dump(value: Any, *, default: Callable[[Any], object] | None = None, sort_keys: bool = False) -> str:
    """``value`` as JSON. Raises ``TypeError`` or ``ValueError`` for what JSON cannot hold.

    ``default`` gives what is written in place of a value that has no JSON form.
    """
    try:
        return orjson.dumps(value, default=default, option=orjson.OPT_SORT_KEYS if sort_keys else None).decode()
    except TypeError:
        return json.dumps(value, default=default, sort_keys=sort_keys, separators=(",", ":"), allow_nan=False)
