"""An entity-group transaction says what the storage SDK would say, and its answers are read as the SDK reads them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from email import message_from_string
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import ServiceRequestError
from azure.core.pipeline.transport import AioHttpTransport
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient
from hypothesis import given
from hypothesis import strategies as st

from shared.ledger.entity_groups import Operation, encode, submit

KEY = "c2VjcmV0"
ACCOUNTS = ["https://example.table.core.windows.net", "http://127.0.0.1:10002/devstoreaccount1"]


class Recording(AioHttpTransport):
    """Keeps the request and sends nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.request: Any = None

    async def send(self, request: Any, **kwargs: Any) -> Any:
        self.request = request
        raise ServiceRequestError("nothing is sent")


def said(request: Any) -> list[tuple[str, str | None, Mapping[str, Any] | None]]:
    """Each operation of the transaction: its request line, its guard and its entity with the types that matter."""
    content = request.data if isinstance(request.data, str) else request.data.decode()
    text = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n{content}"
    changesets: Any = message_from_string(text).get_payload()
    [changeset] = changesets
    return list(_operations(changeset))


def _operations(changeset: Any) -> Iterator[tuple[str, str | None, Mapping[str, Any] | None]]:
    for part in changeset.get_payload():
        assert (part["Content-Type"], part["Content-Transfer-Encoding"]) == ("application/http", "binary")
        line, _, rest = part.get_payload().replace("\r\n", "\n").partition("\n")
        head, _, body = rest.partition("\n\n")
        guard = dict(field.split(": ", 1) for field in head.split("\n"))
        entity = json.loads(body) if body.strip() else None
        if entity:
            # A text without a type is a string.
            entity = {name: value for name, value in entity.items() if value != "Edm.String"}
            assert int(guard["Content-Length"]) == len(body.strip())
        yield line, guard.get("If-Match"), entity


async def submit_own(table: TableClient, operations: list[Operation]) -> None:
    await submit(table, [encode(operation) for operation in operations])


async def _requests(account: str, operations: list[Operation]) -> tuple[Any, Any]:
    found = []
    for way in (submit_own, TableClient.submit_transaction):
        transport = Recording()
        credential = AzureNamedKeyCredential("devstoreaccount1", KEY)
        async with TableClient(account, "ledger", credential=credential, transport=transport, retry_total=0) as table:
            with pytest.raises(ServiceRequestError):
                await way(table, operations)
        found.append(transport.request)
    return found[0], found[1]


texts = st.text(alphabet=st.characters(codec="utf-8"), max_size=20)
entities = st.dictionaries(
    st.sampled_from(["state", "message", "count", "late", "packed", "none"]),
    st.one_of(texts, st.booleans(), st.integers(-(2**31), 2**31 - 1), st.binary(max_size=9), st.none()),
)
names = st.text(alphabet="abcXYZ019|'%_~- /é", min_size=1, max_size=12)


_CHANGES: list[tuple[str, dict[str, object]]] = [
    ("create", {}),
    ("update", {"mode": UpdateMode.REPLACE, "etag": 'W/"1"', "match_condition": MatchConditions.IfNotModified}),
    ("update", {"mode": UpdateMode.MERGE, "etag": 'W/"2"', "match_condition": MatchConditions.IfNotModified}),
    ("upsert", {"mode": UpdateMode.REPLACE}),
    ("upsert", {}),
    ("delete", {}),
]


@st.composite
def operations(draw: st.DrawFn) -> Operation:
    verb, options = draw(st.sampled_from(_CHANGES))
    properties = {} if verb == "delete" else draw(entities)
    return verb, {**properties, "PartitionKey": "main|usmf", "RowKey": draw(names)}, options


@pytest.mark.parametrize("account", ACCOUNTS)
@given(st.lists(operations(), min_size=1, max_size=5))
async def test_a_transaction_says_what_the_sdk_would_say(account: str, changes: list[Operation]) -> None:
    own, of_the_sdk = await _requests(account, changes)
    assert said(own) == said(of_the_sdk)
    assert (own.method, own.url) == (of_the_sdk.method, of_the_sdk.url)
    for name in ("x-ms-version", "DataServiceVersion", "MaxDataServiceVersion", "Accept"):
        assert own.headers[name] == of_the_sdk.headers[name]


@pytest.mark.parametrize("value", [1.5, 2**31, -(2**31) - 1, object()])
def test_what_storage_has_no_type_for_is_refused_before_it_is_sent(value: object) -> None:
    with pytest.raises(TypeError):
        encode(("create", {"PartitionKey": "a", "RowKey": "b", "value": value}))
