"""The TaxJar API v2 over one httpx transport: one method per call, no retries, no decisions.

Requests go to the transport itself: an ``httpx.AsyncClient`` adds cookies and redirects, neither of which is wanted,
and takes longer for it than sending. Each call has the token as bearer, ``x-api-version``, JSON only, money as decimal
strings on the way out and ``Decimal`` on the way in.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, SecretStr, ValidationError

from shared.json_text import dump
from shared.remote.transport import RESOURCE
from shared.taxjar.answers import Answer, Category, Json, NexusRegion, StoredTransaction
from shared.taxjar.errors import AccessDenied, NotFound, Rejected, TaxJarError, TokenMissing, Unavailable
from shared.taxjar.responses import read_answer
from shared.taxjar.wire import to_wire, update_to_wire
from shared.transactions import Kind, Transaction

if TYPE_CHECKING:
    from shared.settings import TaxJarSettings

logger = logging.getLogger(__name__)

USER_AGENT = "DynamicsTaxJar/1.0 (Dynamics 365 Finance and Operations)"
_TIMEOUT = httpx.Timeout(connect=10, read=45, write=45, pool=10).as_dict()
"""Seconds. TaxJar itself gives up after about 30 and answers 503."""
DEADLINE = 60.0
"""Seconds for a whole call, against answers that arrive in small pieces without end."""
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)

_PROBE_ID = "DYNAMICSTAXJAR-PROBE"
"""The id of a record that never exists."""
_Record = TypeVar("_Record", bound=BaseModel)


def account_id(settings: TaxJarSettings, token: SecretStr) -> str:
    """Names a TaxJar account without giving its token away: the key of its pauses and caches."""
    return hashlib.sha256(f"{settings.api_url}\n{token.get_secret_value()}".encode()).hexdigest()[:16]


class TaxJarClient:
    """One TaxJar account. Every method raises a :class:`~shared.taxjar.errors.TaxJarError` when the call fails.

    ``transport`` decides whether and when a call may be made, see :mod:`shared.remote.transport`.
    """

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        settings: TaxJarSettings,
        token: SecretStr,
        *,
        clock: Callable[[], datetime],
        missing: str = "",
    ) -> None:
        secret = token.get_secret_value()
        self.missing = missing
        """Why the token cannot be sent; every call is refused with it, here. Empty where there is a token."""
        if not missing and (not secret or not all("!" <= character <= "~" for character in secret)):
            raise ValueError("the TaxJar token is empty or holds blanks or characters that no HTTP header can carry")
        self.account_id = account_id(settings, token)
        self._transport = transport
        self._api_url = settings.api_url
        self._token = token
        self.api_version = settings.api_version
        self._clock = clock

    def __repr__(self) -> str:
        return f"TaxJarClient({self._api_url!r}, account {self.account_id})"

    async def create(self, transaction: Transaction) -> Answer:
        """POST the order or refund. :class:`AlreadyExists` when TaxJar knows the id."""
        path, kind = _transactions(transaction.kind), transaction.kind.value
        return _stored(kind, await self._call("POST", path, kind, body=to_wire(transaction), creates=True))

    async def update(self, transaction: Transaction) -> Answer:
        """PUT the whole order or refund. :class:`NotFound` when TaxJar does not know the id."""
        path, kind = _transactions(transaction.kind, transaction.transaction_id), transaction.kind.value
        return _stored(kind, await self._call("PUT", path, kind, body=update_to_wire(transaction), may_be_absent=True))

    async def get(self, kind: Kind, transaction_id: str, provider: str | None = None) -> Answer:
        """The stored order or refund. :class:`NotFound` when there is none."""
        params = {"provider": provider} if provider else {}
        path = _transactions(kind, transaction_id)
        answer = await self._call("GET", path, kind.value, params=params, may_be_absent=True)
        return _stored(kind.value, answer)

    async def find(self, kind: Kind, transaction_id: str, provider: str | None = None) -> Json | None:
        """The stored order or refund as TaxJar returns it, or ``None`` when there is none."""
        try:
            stored: Json = (await self.get(kind, transaction_id, provider)).body[kind.value]
        except NotFound:
            return None
        return stored

    async def list_ids(self, kind: Kind, first: date, last: date, provider: str | None = None) -> tuple[str, ...]:
        """Ids of the orders or refunds dated ``first`` to ``last``; other providers than ``api`` must be named.

        TaxJar neither pages nor bounds the list, and times out on wide ranges: ask for a day at a time.
        """
        params = {"from_transaction_date": first.isoformat(), "to_transaction_date": last.isoformat()}
        if provider:
            params["provider"] = provider
        answer = await self._call("GET", _transactions(kind), f"{kind.value}s", params=params)
        return tuple(str(transaction_id) for transaction_id in answer.body[f"{kind.value}s"])

    async def try_token(self, day: date) -> Answer:
        """The cheapest call that needs the token and echoes the API version: the orders of one day."""
        params = {"from_transaction_date": day.isoformat(), "to_transaction_date": day.isoformat()}
        return await self._call("GET", _transactions(Kind.ORDER), "orders", params=params)

    async def find_customer(self, customer_id: str) -> Json | None:
        """The stored customer as TaxJar returns it, or ``None`` when there is none."""
        try:
            answer = await self._call("GET", f"/customers/{_segment(customer_id)}", "customer", may_be_absent=True)
        except NotFound:
            return None
        stored: Json = answer.body["customer"]
        return stored

    async def create_customer(self, customer: Mapping[str, Any]) -> Answer:
        """POST the customer (in TaxJar's field names). :class:`AlreadyExists` when TaxJar knows the id."""
        return await self._call("POST", "/customers", "customer", body=customer, creates=True)

    async def update_customer(self, customer: Mapping[str, Any]) -> Answer:
        """PUT the whole customer; id, name and exemption type are required. :class:`NotFound` when unknown."""
        path = f"/customers/{_segment(customer['customer_id'])}"
        return await self._call("PUT", path, "customer", body=customer, may_be_absent=True)

    async def nexus_regions(self) -> tuple[NexusRegion, ...]:
        """Where the account has nexus."""
        answer = await self._call("GET", "/nexus/regions", "regions")
        return _records(NexusRegion, answer, answer.body["regions"])

    async def categories(self) -> tuple[Category, ...]:
        """The product tax codes that TaxJar knows. Also the cheapest test of a token."""
        answer = await self._call("GET", "/categories", "categories")
        return _records(Category, answer, answer.body["categories"])

    async def taxes(self, body: Mapping[str, Any]) -> Json:
        """TaxJar's calculation for a sale, without the envelope; here ``amount`` excludes shipping."""
        answer = await self._call("POST", "/taxes", "tax", body=body, may_be_absent=True)
        tax: Json = answer.body["tax"]
        return tax

    async def rates(self, zip_code: str, **params: str) -> Json:
        """TaxJar's rates at a place (``country``, ``state``, ``city``, ``street``), without the envelope."""
        answer = await self._call("GET", f"/rates/{_segment(zip_code)}", "rate", params=params, may_be_absent=True)
        rate: Json = answer.body["rate"]
        return rate

    async def probe(self, kind: str = "") -> None:
        """One call of the kind that was refused (:attr:`AccessDenied.refused`), without effect; ``""``: any kind.

        A write names no record, or one that does not exist: TaxJar refuses it for its data. Raises what the call raises
        unless TaxJar takes it. An error 500 is TaxJar's own, and no refusal.
        """
        try:
            await self._probe(kind)
        except Rejected:
            return
        except Unavailable as error:
            if error.status != 500:
                raise

    async def _probe(self, kind: str) -> None:
        method, _, name = kind.partition(" ")
        collections = {"order": "/transactions/orders", "refund": "/transactions/refunds", "customer": "/customers"}
        if name in collections and method == "POST":
            await self._call("POST", collections[name], name, body={}, creates=True)
        elif name in collections:
            body: Json | None = {} if method == "PUT" else None
            await self._call(method, f"{collections[name]}/{_PROBE_ID}", name, body=body, may_be_absent=True)
        elif name in ("orders", "refunds"):
            today = self._clock().date()
            await self.list_ids(Kind(name.removesuffix("s")), today, today)
        elif name == "regions":
            await self.nexus_regions()
        else:
            await self.categories()

    async def _call(
        self,
        method: str,
        path: str,
        envelope: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        creates: bool = False,
        may_be_absent: bool = False,
    ) -> Answer:
        if self.missing:
            raise TokenMissing(self.missing)
        try:
            response = await self._send(method, path, params, body, envelope)
            if logger.isEnabledFor(logging.DEBUG):
                request_id = response.headers.get("x-request-id")
                logger.debug("TaxJar %s %s: %s, %s", method, path, response.status_code, request_id)
            answer = read_answer(response, envelope, creates=creates, may_be_absent=may_be_absent, clock=self._clock)
            return replace(answer, sent=body) if body else answer
        except TaxJarError as error:
            error.request = body
            if isinstance(error, AccessDenied):
                error.refused = f"{method} {envelope}"
            raise

    async def _send(
        self, method: str, path: str, params: Mapping[str, str] | None, body: Mapping[str, Any] | None, resource: str
    ) -> httpx.Response:
        headers = {
            "Authorization": f"Bearer {self._token.get_secret_value()}",
            "x-api-version": self.api_version,
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,
        }
        request = httpx.Request(
            method,
            _url(f"{self._api_url}{path}"),
            params=params or None,
            content=None if body is None else dump(body, default=_decimal_text),
            headers=headers,
            extensions={"timeout": _TIMEOUT, RESOURCE: resource},
        )
        try:
            response = await self._transport.handle_async_request(request)
            await response.aread()
        except _NEVER_SENT as error:
            raise Unavailable(outcome_unknown=False, detail=_failure(error)) from None
        except (httpx.RequestError, TimeoutError) as error:
            raise Unavailable(outcome_unknown=True, detail=_failure(error)) from None
        response.request = request
        return response


@lru_cache(maxsize=64)
def _url(text: str) -> httpx.URL:
    """Most calls go to a few addresses, and reading one takes a while."""
    return httpx.URL(text)


def _transactions(kind: Kind, transaction_id: str | None = None) -> str:
    collection = f"/transactions/{kind.value}s"
    return collection if transaction_id is None else f"{collection}/{_segment(transaction_id)}"


def _segment(value: str) -> str:
    """``value`` as one path segment. A blank or a dot would silently address something else."""
    if value.strip(". ") == "":
        raise ValueError(f"{value!r} cannot name a TaxJar record")
    return quote(value, safe="")


def _decimal_text(value: object) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _failure(error: Exception) -> str:
    """What kind of failure it was; messages of the HTTP library may quote headers, and so the token."""
    return type(error).__name__


def _stored(envelope: str, answer: Answer) -> Answer:
    """The answer, which holds a whole transaction; otherwise it is as good as none."""
    _records(StoredTransaction, answer, [answer.body[envelope]])
    return answer


def _records(model: type[_Record], answer: Answer, rows: Iterable[Any]) -> tuple[_Record, ...]:
    try:
        return tuple(model.model_validate(row) for row in rows)
    except ValidationError:
        detail = f"the answer is unreadable: it holds no {model.__name__}"
        raise Unavailable(outcome_unknown=True, status=answer.status, detail=detail) from None
