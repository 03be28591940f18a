"""How a command signs in: as the person of ``az login``, else with a function key."""

from __future__ import annotations

from dataclasses import dataclass

from cli.errors import Refused, WrongUsage

_AZ_SECONDS = 30


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Headers to send, and below which path the routes are for them."""

    headers: dict[str, str]
    prefix: str
    is_person: bool


def with_key(key: str) -> SignedIn:
    """With a function key."""
    if not key.isascii() or not key.isprintable():
        raise WrongUsage("The function key holds characters that no key has.")
    return SignedIn({"x-functions-key": key}, "/api/", is_person=False)


def with_az_login(resource: str) -> SignedIn:
    """As the person who signed in by ``az login``. Raises :class:`Refused` where that gives no token."""
    try:
        from azure.core.exceptions import ClientAuthenticationError
        from azure.identity import AzureCliCredential
    except ImportError:
        raise WrongUsage(
            "To sign in by az login, install the extra: pip install 'dynamics-taxjar-connector[cli]'."
        ) from None
    try:
        token = AzureCliCredential(process_timeout=_AZ_SECONDS).get_token(f"{resource.rstrip('/')}/.default")
    except ClientAuthenticationError as error:
        # The message is that of az itself, and holds no token.
        raise Refused(f"az gave no token for {resource}: {str(error).splitlines()[0]} Try: az login") from None
    return SignedIn({"authorization": f"Bearer {token.token}"}, "/api/people/", is_person=True)
