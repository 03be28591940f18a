"""Secrets stay inside, strangers stay outside (design 4.9)."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import azure.functions as func
import pytest
from pydantic import ValidationError

from local.simulation import CLIENT_SECRET, CONNECTION, TAXJAR_TOKEN
from local.simulators.dynamics.specs import InvoiceSpec
from local.simulators.faults import Fault
from shared.documents import DocumentKey
from shared.dynamics.errors import DynamicsError, ForeignLink
from shared.flows.operations import bury
from shared.flows.review import documents, listing
from shared.ledger.audit import Actor
from shared.ledger.records import State
from shared.remote.pauses import Paused
from shared.taxjar.errors import TaxJarError
from tests.world import COMPANY, TODAY, World

# What a real connection logs or shows to telemetry is looked at as well.
pytestmark = pytest.mark.sockets

HOSTILE_NUMBERS = (
    "1' or InvoiceNumber ne '",
    "INV' or '1' eq '1",
    "A/B\\C#D?E%20",
    "'; $filter=true",
    "..",
    "|doc|",
    "PartitionKey eq 'x'",
    "=2f",
    "ÄÖ-Ü",
    "x" * 200,
)


class Listener(logging.Handler):
    """Every line of every logger, whole, without the filter that redacts what the app's handlers write."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def log() -> Iterator[list[str]]:
    listener, root = Listener(), logging.getLogger()
    level = root.level
    root.handlers.insert(0, listener)
    root.setLevel(logging.DEBUG)
    yield listener.lines
    root.setLevel(level)
    root.removeHandler(listener)


def invoice(number: str) -> InvoiceSpec:
    return InvoiceSpec(number, TODAY, tax_rate=Decimal("0.0825"))


async def test_no_secret_leaves_the_connector_even_when_the_remote_sides_repeat_it(
    world: World, log: list[str]
) -> None:
    reader = world.connector.connection(CONNECTION).reader
    await reader.find_many("usmf", ["INV-1"])
    bearer = await reader._sets._client._tokens.get()

    def repeating(secret: str) -> Callable[[int], object]:
        error = {"code": secret, "message": secret, "innererror": {"message": secret}}
        return lambda status: {"status": status, "error": error, "detail": f"token {secret} is refused"}

    world.simulation.dynamics.faults.error = repeating(bearer)
    world.simulation.taxjar.faults.error = repeating(TAXJAR_TOKEN)
    world.simulation.entra.faults.error = lambda status: {
        "error": "invalid_client",
        "error_description": f"AADSTS7000215: Invalid client secret {CLIENT_SECRET} provided. Trace ID: x",
    }
    secrets = (TAXJAR_TOKEN, CLIENT_SECRET, bearer)
    told: list[str] = []
    for number, status in enumerate((400, 401, 403, 404, 422, 429, 500, 302)):
        world.posting.invoice(invoice(f"INV-{number}"))
        world.simulation.taxjar.faults.add(Fault(path="*/orders", status=status, times=1))
        world.simulation.taxjar.faults.add(Fault(path="*/categories", status=status, times=1))
        await world.poll()
        world.simulation.dynamics.faults.add(Fault(status=status, times=2))
        await world.settle()
        world.clock.advance(minutes=6)
        await world.run()
        try:
            world.simulation.dynamics.faults.add(Fault(status=status, times=2))
            await reader.read_documents(COMPANY, [DocumentKey(COMPANY, TODAY, "INV-0", "V")])
        except (DynamicsError, Paused) as error:
            told.append(repr(error) + str(error) + str(error.__cause__))
        world.simulation.taxjar.faults.add(Fault(path="*/customers*", status=status, times=1))
        try:
            await world.connector.connection(CONNECTION).company(COMPANY).account.client.create_customer({"x": 1})
        except (TaxJarError, Paused) as error:
            told.append(repr(error) + str(error) + str(error.__cause__))
    world.simulation.entra.revoke_all()
    world.simulation.entra.faults.add(Fault(status=401))
    world.clock.advance(hours=2)
    await world.poll()
    actor = Actor(function="bury_poisoned", by="queue")
    await bury.bury_poisoned(world.connector, f"Bearer {TAXJAR_TOKEN}".encode(), "message-1", actor)
    for record in await world.records():
        told.append(
            json.dumps(
                await documents.show_document(world.connector, CONNECTION, COMPANY, record.filing.transaction_id)
            )
        )
    listed = await listing.list_documents(world.connector, CONNECTION, COMPANY, listing.DocumentFilter())
    told.append(json.dumps(listed.body))
    rows = [str(row) async for row in world.connector.ledger._table.list_entities()]
    told += [repr(world.connector), *rows]
    assert len(rows) > 20
    assert len(log) > 30
    for secret in secrets:
        leaks = [text for text in (*told, *log) if secret in text]
        assert not leaks, leaks[0][:600].replace(secret, "<SECRET>")


async def test_a_redirect_is_not_followed_with_a_token(world: World) -> None:
    world.posting.invoice(invoice("INV-1"))
    away = world.simulation.urls["TaxJar"] + "/categories"
    world.simulation.dynamics.faults.add(Fault(status=302, location=away, times=1))
    world.simulation.taxjar.faults.add(Fault(path="*/orders", status=307, location=away, times=1))
    await world.poll()
    assert not world.simulation.taxjar.calls
    world.clock.advance(minutes=6)
    await world.run()
    assert [call.status for call in world.simulation.taxjar.calls][:1] == [307]
    assert (await world.record("INV-1")).state is State.REPORTED


async def test_a_next_link_to_another_place_is_refused(world: World) -> None:
    elsewhere = world.simulation.urls["TaxJar"]
    client = world.connector.connection(CONNECTION).reader._sets._client
    own = world.connector.connection(CONNECTION).settings.dynamics.url
    followed = {client._url}
    for link in (
        elsewhere,
        "https://evil.example/",
        own.replace("http", "https"),
        f"http://user:pw@{own[7:]}/data/x",
        ":",
    ):
        with pytest.raises(ForeignLink):
            client._next(followed, link)


async def test_hostile_numbers_read_and_write_their_own_document_only(world: World) -> None:
    """Quotes in OData literals, separators in Table Storage keys and in paths of TaxJar."""
    for position, number in enumerate(HOSTILE_NUMBERS):
        world.posting.invoice(invoice(number))
        world.posting.invoice(invoice(f"INV-{position}"))
    await world.run()
    records = {record.key.number: record for record in await world.records()}
    assert set(records) == {*HOSTILE_NUMBERS, *(f"INV-{position}" for position in range(len(HOSTILE_NUMBERS)))}
    assert {record.state for record in records.values()} == {State.REPORTED}
    assert len(world.taxjar.orders) == len(records)
    for number in HOSTILE_NUMBERS:
        shown = await documents.show_document(
            world.connector, CONNECTION, COMPANY, records[number].filing.transaction_id
        )
        assert (shown["number"], shown["audit_intact"], len(shown["audit"])) == (number, True, 2)


async def test_hostile_queries_of_the_http_functions_find_nothing_and_break_nothing(world: World) -> None:
    world.posting.invoice(invoice("INV-1"))
    await world.run()
    for text in HOSTILE_NUMBERS:
        query = listing.DocumentFilter(number=text, customer=text, after=f"doc|2026-01-01|{text}")
        found = await listing.list_documents(world.connector, CONNECTION, COMPANY, query)
        assert found.body["documents"] == []
        with pytest.raises(ValidationError):
            listing.DocumentFilter.model_validate({"reason": text})
        with pytest.raises(LookupError):
            await documents.show_document(world.connector, CONNECTION, COMPANY, text)
        with pytest.raises(LookupError):
            await documents.show_document(world.connector, CONNECTION, text, "x")


def test_every_http_function_but_health_and_what_is_for_people_needs_a_function_key(
    monkeypatch: pytest.MonkeyPatch, world: World
) -> None:
    monkeypatch.setenv(
        "CONNECTIONS__MAIN", json.dumps(world.simulation.settings({COMPANY: {"report_from": "2026-01-01"}}))
    )
    monkeypatch.setenv("AzureWebJobsStorage", "UseDevelopmentStorage=true")
    import function_app

    for function in function_app.app.get_functions():
        trigger: Any = function.get_trigger()
        if trigger is None or trigger.type != "httpTrigger":
            continue
        anonymous = function.get_function_name() in ("health", "openapi", "people", "console")
        expected = func.AuthLevel.ANONYMOUS if anonymous else func.AuthLevel.FUNCTION
        assert trigger.auth_level == expected, function.get_function_name()
