"""A defect of the app itself is an answer too, and tells nothing about its inside (design 3.1)."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from azure.core.exceptions import ServiceRequestError

from tests.app import running_app
from tests.world import World


async def test_what_is_not_configured_is_answered_with_what_is(world: World, azurite: str) -> None:
    with running_app(world, azurite) as app:
        company = await app.call("list_documents", company="zzzz")
        connection = await app.call("list_documents", connection="other")
    assert (company[0], connection[0]) == (404, 404)
    assert company[1]["error"]["message"] == "connection 'main' has no company 'zzzz'. It has usmf."
    assert connection[1]["error"]["message"] == "there is no connection 'other'. Configured: main."


async def test_a_defect_is_answered_with_500_and_a_sentence_and_its_cause_is_only_in_the_log(
    world: World, azurite: str, caplog: pytest.LogCaptureFixture
) -> None:
    with running_app(world, azurite) as app, caplog.at_level(logging.ERROR):
        world.connector.ledger.listing = None  # type: ignore[method-assign, assignment]
        status, answer = await app.call("list_documents")
    assert (status, answer["error"]["code"]) == (500, "internal_error")
    assert "NoneType" not in answer["error"]["message"]
    assert "list_documents failed" in caplog.text


async def test_a_storage_account_that_does_not_answer_is_503_and_no_defect(
    world: World, azurite: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*args: Any, **kwargs: Any) -> Any:
        raise ServiceRequestError("the connection was refused")

    monkeypatch.setattr(world.connector.ledger, "listing", silent)
    with running_app(world, azurite) as app, caplog.at_level(logging.ERROR):
        status, answer = await app.call("list_documents")
    assert (status, answer["error"]["code"]) == (503, "storage_unavailable")
    assert (
        "list_documents: the storage account does not answer, or refuses access ('ServiceRequestError'" in caplog.text
    )
