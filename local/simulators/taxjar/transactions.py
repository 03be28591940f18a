"""``/v2/transactions/orders`` and ``/v2/transactions/refunds``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local.simulators.taxjar import fields, rendering
from local.simulators.taxjar.errors import Refusal, not_found
from local.simulators.taxjar.records import DEFAULT_PROVIDER, Account, Kind, StoredTransaction
from local.simulators.taxjar.tables import Category
from local.simulators.taxjar.validation import ACCOUNT_VERSION, VERSIONS, check, read_new, read_update

MAX_LISTED_DAYS = 31
"""The real service runs into its time limit on wide ranges, and answers 503."""


def version_of(request: Request) -> str:
    """The API version in force: an unknown value of the header is ignored, not refused."""
    asked = request.headers.get("x-api-version")
    return asked if asked in VERSIONS else ACCOUNT_VERSION


class Transactions:
    """The five verbs for one kind of transaction."""

    def __init__(self, kind: Kind, categories: Mapping[str, Category]) -> None:
        self._kind = kind
        self._categories = categories

    async def list_ids(self, request: Request, account: Account) -> Response:
        first, last = _range(request)
        provider = request.query_params.get("provider", DEFAULT_PROVIDER)
        ids = [
            record.transaction_id
            for record in account.transactions.values()
            if record.kind == self._kind
            and record.provider == provider
            and first <= record.transaction_date.date() <= last
        ]
        return JSONResponse({f"{self._kind}s": ids})

    async def create(self, request: Request, account: Account) -> Response:
        record = read_new(await fields.read_body(request), self._kind)
        check(record, account, version_of(request), self._categories)
        if (record.provider, record.transaction_id) in account.transactions:
            raise Refusal(422, "Provider tranx already imported for your user account")
        account.store(record)
        return self._answer(record, account, 201)

    async def show(self, request: Request, account: Account) -> Response:
        return self._answer(self._find(request, account, request.query_params), account)

    async def update(self, request: Request, account: Account) -> Response:
        body = await fields.read_body(request)
        stored = self._find(request, account, body)
        record = read_update(body, stored)
        check(record, account, version_of(request), self._categories)
        record = replace(record, **{name: getattr(stored, name) for name in account.sticky})
        account.store(record)
        return self._answer(record, account)

    async def delete(self, request: Request, account: Account) -> Response:
        # The documentation puts the provider in the query; the official plugins send it in a body, which works too.
        body = await fields.read_body(request) if await request.body() else {}
        record = self._find(request, account, {**body, **request.query_params})
        del account.transactions[record.provider, record.transaction_id]
        return JSONResponse({self._kind: rendering.deleted_transaction(record, account)})

    def _find(self, request: Request, account: Account, given: Mapping[str, Any]) -> StoredTransaction:
        provider = given.get("provider") or DEFAULT_PROVIDER
        record = account.find(self._kind, str(provider), request.path_params["id"])
        if record is None:
            raise not_found()
        return record

    def _answer(self, record: StoredTransaction, account: Account, status: int = 200) -> Response:
        return JSONResponse({self._kind: rendering.transaction(record, account)}, status)


def _range(request: Request) -> tuple[date, date]:
    """First and last day asked for, both inclusive."""
    query = request.query_params
    is_range = "from_transaction_date" in query or "to_transaction_date" in query
    names = ("from_transaction_date", "to_transaction_date") if is_range else ("transaction_date", "transaction_date")
    fields.require(query, names)
    first, last = (fields.moment(query[name], name).date() for name in names)
    if (last - first).days >= MAX_LISTED_DAYS:
        raise Refusal(503, f"{request.method} {request.url.path} Request Timed Out")
    return first, last
