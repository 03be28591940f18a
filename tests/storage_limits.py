"""The limits of Azure Storage that Azurite does not have: what the real service refuses is refused in tests too.

Tables: an entity of 1 MiB with its property names, a property of 64 KiB, 252 properties, keys of 512 characters, 100
operations and 4 MiB in a transaction. Queues: a message of 64 KiB. Text counts in UTF-16.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
from azure.core.pipeline.transport import AioHttpTransport
from azure.core.rest._aiohttp import RestAioHttpTransportResponse

ENTITY = 1024 * 1024
PROPERTY = 64 * 1024
PROPERTIES = 252
KEY = 1024
OPERATIONS = 100
TRANSACTION = 4 * 1024 * 1024
MESSAGE = 64 * 1024
_CANNOT_BREAK_ANY = 8_000
"""Bytes of an entity in JSON that is too short for more properties than allowed, or a long one."""
_SYSTEM = frozenset({"PartitionKey", "RowKey", "Timestamp"})
_CHANGESET = re.compile(rb"boundary=(changeset_[^\r\n]+)")


@dataclass(frozen=True)
class Refusal:
    """What the service answers."""

    status: int
    code: str
    message: str


_TOO_LARGE_REQUEST = Refusal(
    413, "RequestBodyTooLarge", "The request body is too large and exceeds the maximum permissible limit."
)
_TOO_LARGE_PROPERTY = Refusal(
    400,
    "PropertyValueTooLarge",
    "The property value exceeds the maximum allowed size (64KB). If the property value is a string, it is UTF-16"
    " encoded and the maximum number of characters should be 32K or less.",
)
_TOO_LARGE_ENTITY = Refusal(400, "EntityTooLarge", "The entity is larger than the maximum allowed size (1MB).")
_TOO_LARGE_KEY = Refusal(400, "KeyValueTooLarge", "The key is larger than the maximum allowed size (1KB).")
_TOO_MANY_PROPERTIES = Refusal(
    400,
    "TooManyProperties",
    "The entity contains more properties than allowed. Each entity can include up to 252 properties to store data."
    " Each entity also has 3 system properties.",
)
_TOO_MANY_OPERATIONS = Refusal(
    400, "InvalidInput", "The batch request operation exceeds the maximum 100 changes per change set."
)


@contextmanager
def storage_limits() -> Iterator[None]:
    """Every client of the SDK in this process meets the limits."""
    send = AioHttpTransport.send

    async def limited(self: AioHttpTransport, request: Any, **options: Any) -> Any:
        if answer := _answer(request.method, request.url, request.data):
            response = RestAioHttpTransportResponse(
                request=request, internal_response=answer, block_size=4096, decompress=False
            )
            await response.read()
            return response
        return await send(self, request, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AioHttpTransport, "send", limited)
        yield


class _Answer:
    """An answer as the HTTP library would give it."""

    def __init__(self, status: int, content_type: str, body: str, code: str = "") -> None:
        self.status = status
        self.reason = "Refused"
        self.headers = {"content-type": content_type, **({"x-ms-error-code": code} if code else {})}
        self._body = body.encode()

    async def read(self) -> bytes:
        return self._body

    def close(self) -> None:
        """Nothing is open."""


def _answer(method: str, url: str, data: object) -> _Answer | None:
    body = data.encode() if isinstance(data, str) else data
    if not isinstance(body, bytes) or method not in ("POST", "PUT", "PATCH", "MERGE"):
        return None
    path = urlsplit(url).path
    if path.endswith("/$batch"):
        return _answer_to_transaction(body)
    if path.endswith(".ndjson"):
        return None  # a seal, which is a blob
    if body.startswith(b"{"):
        refusal = refusal_of_entity(body)
        return _Answer(refusal.status, "application/json", _error(refusal)) if refusal else None
    if path.endswith("/messages"):
        text = ElementTree.fromstring(body).findtext("MessageText") or ""
        if len(text.encode()) > MESSAGE:
            body_text = (
                f"<Error><Code>{_TOO_LARGE_REQUEST.code}</Code><Message>{_TOO_LARGE_REQUEST.message}</Message></Error>"
            )
            return _Answer(413, "application/xml", body_text, _TOO_LARGE_REQUEST.code)
    return None


def _answer_to_transaction(body: bytes) -> _Answer | None:
    if len(body) > TRANSACTION:
        return _Answer(413, "application/json", _error(_TOO_LARGE_REQUEST))
    boundary = _CHANGESET.search(body)
    parts = body.split(b"--" + boundary[1])[1:-1] if boundary else []
    refusal = _TOO_MANY_OPERATIONS if len(parts) > OPERATIONS else None
    for position, part in enumerate(parts):
        if refusal is None and (found := refusal_of_entity(part.rpartition(b"\r\n\r\n")[2])):
            refusal = Refusal(found.status, found.code, f"{position}:{found.message}")
    if refusal is None:
        return None
    lines = (
        "--batchresponse_1",
        "Content-Type: multipart/mixed; boundary=changesetresponse_1",
        "",
        "--changesetresponse_1",
        "Content-Type: application/http",
        "Content-Transfer-Encoding: binary",
        "",
        f"HTTP/1.1 {refusal.status} Bad Request",
        "Content-Type: application/json;odata=minimalmetadata;charset=utf-8",
        "",
        _error(refusal),
        "--changesetresponse_1--",
        "--batchresponse_1--",
        "",
    )
    return _Answer(202, "multipart/mixed; boundary=batchresponse_1", "\r\n".join(lines))


def _error(refusal: Refusal) -> str:
    message = {"lang": "en-US", "value": refusal.message}
    return json.dumps({"odata.error": {"code": refusal.code, "message": message}})


def refusal_of_entity(body: bytes) -> Refusal | None:
    """Why the service refuses the entity in this JSON, if it does."""
    if len(body) < _CANNOT_BREAK_ANY:
        return None
    entity = json.loads(body)
    values = {name: value for name, value in entity.items() if "@odata" not in name and value is not None}
    if len(values.keys() - _SYSTEM) > PROPERTIES:
        return _TOO_MANY_PROPERTIES
    sizes = {name: _size(value, entity.get(f"{name}@odata.type", "")) for name, value in values.items()}
    if any(sizes.get(name, 0) > KEY for name in ("PartitionKey", "RowKey")):
        return _TOO_LARGE_KEY
    if any(size > PROPERTY for size in sizes.values()):
        return _TOO_LARGE_PROPERTY
    return _TOO_LARGE_ENTITY if _entity_size(sizes) > ENTITY else None


def _size(value: object, kind: str) -> int:
    """Bytes of a value."""
    if kind == "Edm.Binary":
        return len(base64.b64decode(str(value)))
    if isinstance(value, str) and kind in ("", "Edm.String"):
        return len(value.encode("utf-16-le", "surrogatepass"))
    return 16


def _entity_size(sizes: Mapping[str, int]) -> int:
    """Bytes of an entity: with the names of its properties, and what the service adds to each."""
    return 4 + sum(
        size if name in ("PartitionKey", "RowKey") else 12 + 2 * len(name) + size for name, size in sizes.items()
    )
