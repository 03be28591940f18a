"""What can go wrong with a call to a remote side, drawn by what the caller has to do about it.

::

    RemoteError
    ├── Throttled           429: the side is paused already; try again when its time is over
    ├── Unavailable         network, time-out, 408, 5xx, unreadable answer: try again later, with back-off
    ├── AccessDenied        401, 403, a redirect, no API where it should be: pause the side, a person must act
    ├── TaxJarError         TaxJar's own (shared.taxjar.errors), and the three above as TaxJar's
    │   └── Rejected        the data is refused: a person must look
    │       ├── NotFound        there is no such record, or no such place
    │       └── AlreadyExists   the id is taken
    └── DynamicsError       F&O's own (shared.dynamics.errors), and the three above as F&O's
        ├── EntityMissing   an entity set that this environment does not publish
        ├── BadQuery        F&O does not understand the request
        └── …

``except Throttled`` of this module catches both sides'; ``TaxJarError`` and ``DynamicsError`` tell whose it is.
Messages are sentences for an operator; they never hold tokens or secrets.
"""

from __future__ import annotations


class RemoteError(Exception):
    """A call failed. ``status`` is the HTTP status that said so, or ``None`` when no answer came."""

    status: int | None = None


class Throttled(RemoteError):
    """429. ``retry_after`` is in seconds; ``None`` when the side gave no time."""

    retry_after: float | None = None


class Unavailable(RemoteError):
    """No usable answer for now; nothing is wrong with the request. ``retry_after`` is in seconds, if one was given.

    ``outcome_unknown``: a write may have taken effect.
    """

    retry_after: float | None = None
    outcome_unknown: bool = False


class AccessDenied(RemoteError):
    """The side may not be used; ``refused`` is what a probe has to ask for, ``""`` being anything."""

    refused: str = ""
