"""TaxJar's part of the errors that are drawn in :mod:`shared.remote.errors`.

The status decides, which is that of the body where a 200 holds an error; ``detail`` carries TaxJar's own words for
people and is never interpreted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.remote import errors as remote


class TaxJarError(remote.RemoteError):
    """Any failed call. ``status`` is the HTTP status, or ``None`` when no answer came; ``request`` the body sent."""

    request: Mapping[str, Any] | None = None

    def __init__(self, status: int | None, detail: str) -> None:
        super().__init__(f"TaxJar answered {status}: {detail}" if status else f"TaxJar did not answer: {detail}")
        self.status = status
        self.detail = detail


class Rejected(TaxJarError):
    """TaxJar refuses this request for good (400, 406, 422); sending it again unchanged is pointless."""


class NotFound(Rejected):
    """404 in TaxJar's own form: it has no such transaction or customer, or knows no such place."""


class AlreadyExists(Rejected):
    """422 on the create of a transaction or customer: the id is taken."""


class AccessDenied(TaxJarError, remote.AccessDenied):
    """The account cannot be used.

    401 or 403 (token or plan), a redirect, which is never followed with a token, or no API where it should be: 404,
    405, 410, a web page. ``refused`` is the kind of call, such as ``POST order``.
    """

    def __init__(self, status: int | None, detail: str, refused: str = "") -> None:
        super().__init__(status, detail)
        self.refused = refused


class TokenMissing(AccessDenied):
    """Nothing was sent: the settings hold no usable token. The message, also in ``detail``, names the setting."""

    def __init__(self, message: str) -> None:
        super().__init__(None, message)
        self.args = (message,)


class Throttled(TaxJarError, remote.Throttled):
    """429. ``retry_after`` is the number of seconds TaxJar asks for, or ``None`` when it does not say."""

    def __init__(self, retry_after: float | None, detail: str = "too many requests") -> None:
        super().__init__(429, detail)
        self.retry_after = retry_after


class Unavailable(TaxJarError, remote.Unavailable):
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
