"""The keys of HTTP functions, as in Azure: of one function, of the host, and the master key."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from local.host.errors import HostError

FUNCTION_KEY, MASTER_KEY, FUNCTION_KEYS = "LOCAL_FUNCTION_KEY", "LOCAL_MASTER_KEY", "LOCAL_FUNCTION_KEYS"


@dataclass(frozen=True)
class Keys:
    """Who may call what. The master key opens every function as well."""

    host: str
    """Opens every function of level FUNCTION."""
    master: str
    """Opens functions of level ADMIN and the host's own endpoints."""
    of_functions: Mapping[str, str] = field(default_factory=dict)
    """Function name, lower case → a key that opens that one alone."""

    @classmethod
    def of(cls, environment: Mapping[str, str], made: str) -> Keys:
        """The keys of the environment.

        ``LOCAL_FUNCTION_KEY``, else ``made``, is the host's key, and the master key too without ``LOCAL_MASTER_KEY``.
        Raises :class:`HostError` where ``LOCAL_FUNCTION_KEYS`` is not a JSON object of texts.
        """
        host = environment.get(FUNCTION_KEY) or made
        try:
            own = json.loads(environment.get(FUNCTION_KEYS) or "{}")
        except ValueError:
            own = None
        if not isinstance(own, dict) or not all(isinstance(key, str) and key for key in own.values()):
            raise HostError(f'{FUNCTION_KEYS}: must be JSON such as {{"receive_business_event": "a key"}}.')
        of_functions = {str(name).lower(): key for name, key in own.items()}
        return cls(host, environment.get(MASTER_KEY) or host, of_functions)

    def open(self, function: str, level: str, given: str) -> bool:
        """Whether ``given`` may call the function, whose level is ``ANONYMOUS``, ``FUNCTION`` or ``ADMIN``."""
        if level == "ANONYMOUS" or self.is_master(given):
            return True
        own = self.of_functions.get(function.lower())
        return level == "FUNCTION" and (_same(given, self.host) or (own is not None and _same(given, own)))

    def is_master(self, given: str) -> bool:
        """Whether it is the master key."""
        return _same(given, self.master)


def _same(given: str, key: str) -> bool:
    return hmac.compare_digest(given.encode(), key.encode())
