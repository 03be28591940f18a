"""What can go wrong with a call to TaxJar, drawn by what the caller has to do about it.

::

    TaxJarError
    ├── Rejected            the data is refused: a person must look (400, 406, other 4xx)
    │   ├── NotFound        no such record, or no such place (404)
    │   └── AlreadyExists   the id is taken (422 on a create)
    ├── AccessDenied        the account cannot be used: pause it (401, 403, redirects)
    │   └── TokenMissing    there is no token to send, and nothing was sent
    ├── Throttled           too many calls: pause the account for a while (429)
    └── Unavailable         transient: try again later (5xx, 408, time-outs, network, unreadable answers)

The HTTP status line alone decides; ``detail`` carries TaxJar's own words for people and is never interpreted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class TaxJarError(Exception):
    """Any failed call. ``status`` is the HTTP status, or ``None`` when no answer came; ``request`` the body sent."""

    request: Mapping[str, Any] | None = None

    def __init__(self, status: int | None, detail: str) -> None:
        super().__init__(f"TaxJar answered {status}: {detail}" if status else f"TaxJar did not answer: {detail}")
        self.status = status
        self.detail = detail


class Rejected(TaxJarError):
    """TaxJar refuses this request for good; sending it again unchanged is pointless."""


class NotFound(Rejected):
    """404: TaxJar has no such transaction or customer, or knows no such place."""


class AlreadyExists(Rejected):
    """422 on the create of a transaction or customer: the id is taken."""


class AccessDenied(TaxJarError):
    """401 or 403 (token or plan), or a redirect, which is never followed with a token."""


class TokenMissing(AccessDenied):
    """Nothing was sent: the settings hold no usable token. The message, also in ``detail``, names the setting."""

    def __init__(self, message: str) -> None:
        super().__init__(None, message)
        self.args = (message,)


class Throttled(TaxJarError):
    """429. ``retry_after`` is the number of seconds TaxJar asks for, or ``None`` when it does not say."""

    def __init__(self, retry_after: float | None, detail: str = "too many requests") -> None:
        super().__init__(429, detail)
        self.retry_after = retry_after


class Unavailable(TaxJarError):
    """No usable answer for now.

    ``outcome_unknown`` is false only when the request surely never left; otherwise a write may have taken effect.
    ``retry_after`` is in seconds, or ``None`` when TaxJar does not say.
    """

    def __init__(
        self,
        retry_after: float | None = None,
        *,
        outcome_unknown: bool,
        status: int | None = None,
        detail: str = "no usable answer",
    ) -> None:
        super().__init__(status, detail)
        self.retry_after = retry_after
        self.outcome_unknown = outcome_unknown
