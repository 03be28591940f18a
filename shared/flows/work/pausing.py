"""Trouble outside of documents: a refusal pauses the side that it came from, for everybody (design 4.2)."""

from __future__ import annotations

from shared.remote.errors import AccessDenied, Throttled
from shared.remote.gate import Gate


async def pause_after(gate: Gate, trouble: Exception) -> bool:
    """Pause what lies behind ``gate`` after a refusal; a 429 has paused it already. Tells whether it is paused."""
    if isinstance(trouble, AccessDenied):
        await gate.deny(str(trouble), trouble.refused)
    return isinstance(trouble, AccessDenied | Throttled)
