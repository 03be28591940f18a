"""``python3 -m local demo``: the main job, end to end, on the bundled data."""

from __future__ import annotations

from local.demo.story import main

__all__ = ["main"]
