"""Questions to TaxJar on behalf of a caller who waits: which account, and what a failure means for the caller."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from math import ceil

from shared.connector import Connection, TaxJarAccount
from shared.mapping import zip_fits_state
from shared.remote.pauses import Paused
from shared.states import STATES
from shared.taxjar.errors import AccessDenied, Rejected, Throttled, Unavailable
from shared.taxjar.taxes import US
from shared.transactions import Place
from shared.web import Problem

PATIENCE = 20.0
"""Seconds that a caller waits at most; documents, for which nobody waits, have longer."""
_ASK_AGAIN_AFTER = 30.0
"""Seconds, where TaxJar does not say."""


def account_of(connection: Connection, company: str) -> TaxJarAccount:
    """The account of ``company``; without one, that of the connection's token, or of its only company.

    Raises :class:`NotFound` for an unknown company, and a :class:`Problem` when it has to be named.
    """
    if company:
        return connection.company(company.lower()).account
    if connection.account:
        return connection.account
    companies = list(connection.companies.values())
    if len(companies) == 1:
        return companies[0].account
    names = ", ".join(sorted(connection.companies))
    raise Problem(400, "company_needed", f"Each company has a TaxJar account of its own: add ?company= ({names}).")


def check_place(prefix: str, country: str | None, state: str | None, zip_code: str | None) -> None:
    """Refuse a state that is none of the US, and a ZIP code of another one; no country means the US.

    ``prefix`` is what the names of the place's fields begin with.
    """
    if (country or US) != US or not state:
        return
    if state not in STATES:
        raise Problem(400, "bad_request", f"{prefix}state: {state} is not a state of the US")
    if zip_code and not zip_fits_state(Place(US, state, zip_code)):
        raise Problem(400, "bad_request", f"{prefix}zip: {zip_code} is not used within {prefix}state {state}")


@asynccontextmanager
async def asking(account: TaxJarAccount, now: datetime) -> AsyncIterator[None]:
    """Around a call: what goes wrong with it becomes a :class:`Problem`.

    A 429 pauses the account for all. A refusal does not: the plan may lack this one resource only.
    """
    try:
        async with asyncio.timeout(PATIENCE):
            await account.gate.open()
            yield
    except Rejected as refusal:
        raise Problem(400, "rejected_by_taxjar", f"TaxJar refuses the request: {refusal.detail}") from None
    except AccessDenied as refusal:
        raise _refused(refusal.detail) from None
    except Paused as paused:
        if paused.pause.denied:
            raise _refused(paused.pause.message) from None
        raise _unavailable("TaxJar asked for fewer calls", (paused.pause.until - now).total_seconds()) from None
    except Throttled as error:
        raise _unavailable("TaxJar asks for fewer calls", error.retry_after) from None
    except Unavailable as error:
        raise _unavailable(str(error), error.retry_after) from None
    except TimeoutError:
        raise _unavailable(f"TaxJar did not answer within {PATIENCE:.0f} s", None) from None


def _refused(words: str) -> Problem:
    message = f"TaxJar refuses the account's token or plan ({words}). Check TAXJAR__TOKEN and the plan."
    return Problem(502, "taxjar_refuses_access", message)


def _unavailable(words: str, seconds: float | None) -> Problem:
    wait = max(1, ceil(_ASK_AGAIN_AFTER if seconds is None else seconds))
    message = f"{words.rstrip('.')}. Ask again in {wait} s."
    return Problem(503, "taxjar_unavailable", message, headers={"Retry-After": str(wait)})
