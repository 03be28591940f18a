"""What keeps the host from starting."""

from __future__ import annotations


class HostError(Exception):
    """A mistake in the configuration, as a sentence for the person who starts the host."""
