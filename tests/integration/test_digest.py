"""The digest reaches its web hook once, and the web hook's URL reaches nothing else (design 3.2, 4.9)."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal

import httpx
import pytest
from pydantic import SecretStr

from local.simulators.dynamics.specs import AddressSpec, InvoiceSpec
from shared.flows.operations import nightly
from shared.flows.operations.digest import CompanyStanding, Occasion, Standing
from shared.flows.operations.nightly import reconcile_and_tell
from shared.flows.operations.notify import send_digest
from shared.remote.webhook import Webhook
from shared.settings import load_settings
from shared.settings_checks import SettingsError
from tests.world import COMPANY, TODAY, World

URL = "https://hooks.contoso.example/send?sig=very-secret-signature"
TEAMS = "https://prod-1.eastus.logic.azure.com/workflows/1?sig=very-secret-signature"
WELL = Standing(
    companies=(CompanyStanding(connection="main", company=COMPANY, today=TODAY, filing_day=date(2026, 12, 4)),)
)


class Hook:
    """A web hook that answers what a test says."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self.asked: list[httpx.Request] = []
        self._answer = answer

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self._answer(request)


def webhook(hook: Hook, url: str = URL) -> Webhook:
    return Webhook(SecretStr(url), "https://func-contoso.azurewebsites.net", lambda _: httpx.MockTransport(hook))


async def send(world: World, hook: Hook, url: str = URL) -> Occasion | None:
    return await send_digest(webhook(hook, url), WELL, subjects=world.connector.subjects, clock=world.clock)


async def test_it_is_sent_once_and_again_after_a_week(world: World) -> None:
    hook = Hook(lambda _: httpx.Response(202))
    assert await send(world, hook) is Occasion.ALL_WELL
    assert await send(world, hook) is None
    world.clock.advance(days=7)
    assert await send(world, hook) is Occasion.ALL_WELL
    assert len(hook.asked) == 2


@pytest.mark.parametrize(("url", "field"), [(URL, b'"occasion"'), (TEAMS, b'"AdaptiveCard"')])
async def test_teams_gets_a_card_and_any_other_plain_json(world: World, url: str, field: bytes) -> None:
    hook = Hook(lambda _: httpx.Response(200))
    await send(world, hook, url)
    assert field in hook.asked[0].content
    assert f"/api/console/#/todo/main/{COMPANY}".encode() in hook.asked[0].content


def _no_answer(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError(f"no connection to {request.url}")


@pytest.mark.parametrize(
    "answer", [_no_answer, lambda _: httpx.Response(500), lambda _: httpx.Response(302, headers={"location": URL})]
)
async def test_a_web_hook_that_fails_is_tried_again_and_its_url_is_in_no_log(
    world: World, answer: Callable[[httpx.Request], httpx.Response], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        assert await send(world, Hook(answer)) is None
    assert "NOTIFY_WEBHOOK_URL" in caplog.text
    assert "secret" not in caplog.text
    assert "hooks.contoso" not in caplog.text
    assert await send(world, Hook(lambda _: httpx.Response(200))) is Occasion.ALL_WELL


async def test_with_a_reference_that_is_no_url_nothing_is_sent(world: World, caplog: pytest.LogCaptureFixture) -> None:
    hook = Hook(lambda _: httpx.Response(200))
    assert await send(world, hook, "@Microsoft.KeyVault(VaultName=v;SecretName=NOTIFY-WEBHOOK-URL)") is None
    assert hook.asked == []
    assert "NOTIFY_WEBHOOK_URL" in caplog.text


@pytest.mark.parametrize("url", ["hooks.contoso.example", "http://hooks.contoso.example/x", "https://:80", "a b"])
async def test_what_is_no_url_is_refused_at_start_without_being_shown(world: World, url: str) -> None:
    connections = {"main": world.simulation.settings({COMPANY: {"report_from": "2026-01-01"}})}
    given = {"azurewebjobsstorage": "UseDevelopmentStorage=true", "connections": connections}
    assert load_settings(**given, notify_webhook_url=URL).notify_webhook_url
    with pytest.raises(SettingsError) as refused:
        load_settings(**given, notify_webhook_url=url)
    assert refused.value.lines[0].startswith("NOTIFY_WEBHOOK_URL: ")
    assert url not in str(refused.value)


def told_nightly(world: World, hook: Hook) -> None:
    """The connector as with ``NOTIFY_WEBHOOK_URL`` of this web hook."""
    world.connector = replace(world.connector, webhook=webhook(hook))


async def test_the_night_tells_what_waits_after_it_has_reconciled(world: World) -> None:
    hook = Hook(lambda _: httpx.Response(200))
    told_nightly(world, hook)
    spec = InvoiceSpec(
        "INV-1", TODAY, tax_rate=Decimal("0.0825"), ship_to=AddressSpec("1 Main St", "Austin", "NY", "78704")
    )
    world.posting.invoice(spec)
    await world.run()
    await reconcile_and_tell(world.connector, "schedule")
    assert hook.asked == []
    await world.settle()
    [told] = [json.loads(request.content) for request in hook.asked]
    [company] = told["companies"]
    assert (company["count"], company["amount"], company["sales_tax"]) == (1, "100.00", "8.25")
    assert [work["reason"] for work in company["waiting"]] == ["zip_state_mismatch"]
    assert "1 document waits for a person" in told["text"]
    # The run before the digest is a complete one: it is no trouble of its own.
    assert not [trouble for trouble in told["troubles"] if trouble.startswith("reconcile_nightly")]
    await reconcile_and_tell(world.connector, "schedule")
    await world.settle()
    assert len(hook.asked) == 1


async def test_trouble_of_the_reconciliation_does_not_keep_the_digest_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("the reconciliation broke")

    hook = Hook(lambda _: httpx.Response(200))
    told_nightly(world, hook)
    monkeypatch.setattr(nightly, "reconcile_nightly", broken)
    with pytest.raises(RuntimeError):
        await reconcile_and_tell(world.connector, "schedule")
    await world.settle()
    assert len(hook.asked) == 1


async def test_trouble_of_the_digest_is_not_that_of_the_night_and_its_words_are_not_logged(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        raise RuntimeError(f"broken at {request.url}")

    told_nightly(world, Hook(broken))
    await reconcile_and_tell(world.connector, "schedule")
    await world.settle()
    assert "The digest was not sent: RuntimeError" in caplog.text
    assert "secret" not in caplog.text
