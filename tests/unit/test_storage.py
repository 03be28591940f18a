"""The way to the storage account: what it does not answer in time is trouble of the moment."""

from __future__ import annotations

import socket

import pytest
from azure.core.exceptions import AzureError
from azure.core.rest import HttpRequest

from shared import storage
from shared.ledger.trouble import is_storage_trouble


async def test_a_service_that_takes_the_connection_and_never_answers_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(storage, "_ANSWER_WITHIN", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with storage.default_transport() as transport:
            with pytest.raises(AzureError) as trouble:
                await transport.send(HttpRequest("GET", f"http://127.0.0.1:{silent.getsockname()[1]}/account"))
    assert is_storage_trouble(trouble.value)
