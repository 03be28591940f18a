"""Trouble outside of documents: a 429 or a refusal pauses the side that it came from, for everybody (design 4.2)."""

from __future__ import annotations

from shared.dynamics import errors as dynamics
from shared.ledger.pauses import Gate
from shared.taxjar import errors as taxjar


async def pause_after(gate: Gate, trouble: Exception) -> bool:
    """Pause what lies behind ``gate`` if ``trouble`` asks for it, and tell whether it did."""
    match trouble:
        case dynamics.Throttled() | taxjar.Throttled():
            await gate.throttle(trouble.retry_after)
        case dynamics.AccessDenied():
            await gate.deny(str(trouble), trouble.set or "")
        case taxjar.AccessDenied():
            await gate.deny(str(trouble))
        case _:
            return False
    return True
