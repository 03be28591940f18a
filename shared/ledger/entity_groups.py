"""Entity-group transactions as the Table service takes them: written and read in one pass.

The storage SDK builds a mail message for each operation and parses one for each answer, which costs more CPU than all
else that is done for a document. Here the body is put together as text; the request still goes through the SDK's
pipeline, which signs and repeats it. What the service does not take as a whole is sent once more by the SDK, which
knows what each refusal means: a transaction that was refused has changed nothing.

Source: "Performing entity group transactions", REST reference of Table Storage.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit
from uuid import uuid4

from azure.core.rest import HttpRequest
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from shared.json_text import dump

Operation = tuple[str, Mapping[str, Any]] | tuple[str, Mapping[str, Any], Mapping[str, Any]]
Answers = Sequence[Mapping[str, Any]]

_ACCEPTED = 202
_INT32 = 2**31
_BYTES_BESIDE = 2_000
"""Address and headers of one operation in a transaction."""
_VERBS = {
    ("create", None): "POST",
    ("update", UpdateMode.REPLACE): "PUT",
    ("upsert", UpdateMode.REPLACE): "PUT",
    ("update", UpdateMode.MERGE): "PATCH",
    ("upsert", UpdateMode.MERGE): "PATCH",
    ("delete", None): "DELETE",
}
_PART = (
    "--{changeset}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
    "Content-ID: {number}\r\n\r\n"
    "{verb} {url} HTTP/1.1\r\nAccept: application/json;odata=minimalmetadata\r\nDataServiceVersion: 3.0\r\n{guard}"
)
_JSON_BODY = "Content-Type: application/json\r\nPrefer: return-no-content\r\nContent-Length: {length}\r\n\r\n{body}\r\n"


class Encoded(NamedTuple):
    """An operation, and its entity as it is sent."""

    operation: Operation
    entity: str

    @property
    def size(self) -> int:
        """Bytes in a transaction, or somewhat more."""
        return len(self.entity) + _BYTES_BESIDE


class _Body(NamedTuple):
    boundary: str
    text: str


def encode(operation: Operation) -> Encoded:
    """``operation``, ready to be sent. Raises ``TypeError`` for values of types that storage does not have."""
    return Encoded(operation, "" if operation[0] == "delete" else _json(operation[1]))


async def submit(table: TableClient, encoded: Sequence[Encoded]) -> Answers:
    """Do the operations (100 at most, of one partition) together or not at all; the ``etag`` of each afterwards.

    Raises what ``TableClient.submit_transaction`` raises.
    """
    body = _body(table.url, table.table_name, encoded)
    request = HttpRequest(
        "POST",
        address(table.url, "$batch"),
        headers={
            "x-ms-version": table.api_version,
            "DataServiceVersion": "3.0",
            "MaxDataServiceVersion": "3.0;NetFx",
            "Content-Type": f"multipart/mixed; boundary={body.boundary}",
            "Accept": "application/json",
        },
        content=body.text.encode("ascii"),
    )
    # The SDK has no public way to send a request of one's own through a table client's pipeline.
    response = await table._client.send_request(request, stream=True)
    text = (await response.read()).decode("utf-8", "replace")
    answers = _answers(text) if response.status_code == _ACCEPTED else None
    if answers is not None and len(answers) == len(encoded):
        return answers
    return await table.submit_transaction([each.operation for each in encoded])


def address(account: str, path: str) -> str:
    """The address of ``path`` at a storage account, whose URL may carry a shared access signature."""
    scheme, host, base, query, _ = urlsplit(account)
    return f"{scheme}://{host}{base.rstrip('/')}/{path}" + (f"?{query}" if query else "")


def _body(account: str, table: str, encoded: Sequence[Encoded]) -> _Body:
    boundary, changeset = f"batch_{uuid4()}", f"changeset_{uuid4()}"
    entities = address(account.partition("?")[0], table)
    parts = [f"--{boundary}\r\nContent-Type: multipart/mixed; boundary={changeset}\r\n\r\n"]
    for number, each in enumerate(encoded):
        parts.append(_part(changeset, number, entities, each))
    parts.append(f"--{changeset}--\r\n\r\n--{boundary}--\r\n")
    return _Body(boundary, "".join(parts))


def _part(changeset: str, number: int, entities: str, encoded: Encoded) -> str:
    operation, body = encoded
    name, entity = operation[0], operation[1]
    options = operation[2] if len(operation) == 3 else {}
    mode = options.get("mode", UpdateMode.MERGE) if name in ("update", "upsert") else None
    guard = "" if name in ("create", "upsert") else f"If-Match: {options.get('etag', '*')}\r\n"
    head = _PART.format(
        changeset=changeset,
        number=number,
        verb=_VERBS[name, mode],
        url=entities if name == "create" else entities + _key(entity),
        guard=guard,
    )
    if name == "delete":
        return f"{head}\r\n\r\n"
    return head + _JSON_BODY.format(length=len(body), body=body)


def _key(entity: Mapping[str, Any]) -> str:
    return f"(PartitionKey='{_quoted(entity['PartitionKey'])}',RowKey='{_quoted(entity['RowKey'])}')"


@lru_cache(maxsize=1024)
def _quoted(key: str) -> str:
    return quote(key.replace("'", "''"), safe="")


def _json(entity: Mapping[str, Any]) -> str:
    """The entity in ASCII, with the types that JSON does not tell. Raises ``TypeError`` for values of other types."""
    properties: dict[str, Any] = {}
    for name, value in entity.items():
        if isinstance(value, str):
            properties[name] = value
        elif isinstance(value, bytes):
            properties[f"{name}@odata.type"] = "Edm.Binary"
            properties[name] = base64.b64encode(value).decode()
        elif isinstance(value, int) and -_INT32 <= value < _INT32:
            properties[name] = value
        elif value is not None:
            raise TypeError(f"{name}: {type(value).__name__} of this size or type cannot be stored")
    text = dump(properties)
    return text if text.isascii() else json.dumps(properties)


def _answers(text: str) -> Answers | None:
    """What each operation was answered, in order; ``None`` where one was refused."""
    answers = []
    for part in text.split("HTTP/1.1 ")[1:]:
        status, _, rest = part.partition("\r\n")
        if not status.startswith("2"):
            return None
        head = rest.partition("\r\n\r\n")[0]
        fields = (line.partition(":") for line in head.split("\r\n"))
        answers.append({name.strip().lower(): value.strip() for name, _, value in fields if name.strip()})
    return answers
