"""What can go wrong when F&O is read: its part of the errors that are drawn in :mod:`shared.remote.errors`.

    DynamicsError
    ├── Throttled       429: pause the environment for every instance
    ├── Unavailable     network, timeout, 408, 5xx, unreadable body: try again later
    ├── AccessDenied    Entra ID or F&O refuses the app: pause the connection, a person must act
    │   └── CredentialMissing  the app has no credential to ask with, and does not ask
    ├── EntityMissing   an entity set that this environment does not publish
    ├── BadQuery        F&O does not understand the request, usually an unknown field
    ├── ProfileMismatch the entity profile in the settings does not fit the environment
    ├── UnreadableRow   a row without what makes it a document
    └── ForeignLink     a next page on another host: never followed

Messages are sentences for an operator; they never hold tokens, secrets or stack traces.
"""

from __future__ import annotations

from shared.documents import DocumentKey
from shared.remote import errors as remote


class DynamicsError(remote.RemoteError):
    """Reading F&O failed. ``status`` is the HTTP status that said so, if one did."""


class Throttled(DynamicsError, remote.Throttled):
    """F&O is short of resources. ``retry_after`` is in seconds; ``None`` when F&O gave no time."""

    def __init__(self, retry_after: float | None) -> None:
        wait = "without saying for how long" if retry_after is None else f"for {retry_after:.0f} s"
        super().__init__(f"F&O asks to slow down (429) {wait}.")
        self.retry_after = retry_after


class Unavailable(DynamicsError, remote.Unavailable):
    """F&O or Entra ID did not answer usefully; nothing is wrong with the request."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class AccessDenied(DynamicsError, remote.AccessDenied):
    """The app may not read. ``set`` names the entity set when the refusal (403) concerns only that one."""

    def __init__(self, message: str, *, set: str | None = None) -> None:
        super().__init__(message)
        self.set = set
        self.refused = set or ""


class CredentialMissing(AccessDenied):
    """Nothing was asked: the settings hold no usable credential. The message names the setting."""


class EntityMissing(DynamicsError):
    """The environment has no public entity set of this name (404)."""

    def __init__(self, set: str) -> None:
        super().__init__(
            f"F&O has no public entity set {set} (404). Publish it, or name another one in the setting"
            " …__DYNAMICS__ENTITIES."
        )
        self.set = set


class BadQuery(DynamicsError):
    """F&O refused the request (400 and other 4xx). ``text`` holds F&O's own words."""

    def __init__(self, set: str, text: str) -> None:
        super().__init__(f"F&O refused the query on {set}: {text}")
        self.set = set
        self.text = text


class ProfileMismatch(DynamicsError):
    """Documents cannot be read with the set and field names of the settings; the message names both."""


class UnreadableRow(DynamicsError):
    """A row lacks a value without which it is not a document, holds one of the wrong kind, or breaks F&O's answer.

    ``key`` is the document that it belongs to, where that much is known.
    """

    def __init__(self, message: str, key: DocumentKey | None = None) -> None:
        super().__init__(message)
        self.key = key


class ForeignLink(DynamicsError):
    """A nextLink leads away from the environment; following it would hand the token to a stranger."""
