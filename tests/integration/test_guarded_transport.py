"""The guarded way to a remote side: deadline, statuses, and who passes while the side is paused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import SecretStr

from local.simulation import CONNECTION
from shared.remote.gate import Gate
from shared.remote.pauses import Paused
from shared.remote.transport import GuardedTransport
from shared.settings import TaxJarSettings
from shared.taxjar.client import TaxJarClient
from shared.taxjar.errors import AccessDenied, Throttled, Unavailable
from shared.taxjar.responses import status_of
from tests.world import COMPANY, World


@pytest.fixture
def gate(world: World) -> Gate:
    return world.connector.connection(CONNECTION).company(COMPANY).account.gate


def client(world: World, gate: Gate, answer: httpx.Response, *, guarded: bool = True) -> TaxJarClient:
    way = GuardedTransport(
        httpx.MockTransport(lambda _: answer),
        "taxjar",
        clock=world.clock,
        deadline=0.05,
        gate=gate,
        guarded=guarded,
        status_of=status_of,
    )
    return TaxJarClient(way, TaxJarSettings(), SecretStr("token"), clock=world.clock)


class Trickle(httpx.AsyncByteStream):
    """A body that begins and then stays open."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()


async def test_an_answer_that_trickles_in_for_ever_is_given_up_with_an_unknown_outcome(
    world: World, gate: Gate
) -> None:
    with pytest.raises(Unavailable) as caught:
        await client(world, gate, httpx.Response(200, stream=Trickle())).categories()
    assert caught.value.outcome_unknown


@pytest.mark.parametrize("guarded", [True, False])
@pytest.mark.parametrize("status", [429, 200])
async def test_a_429_pauses_the_side_whoever_met_it_and_however_it_is_told(
    world: World, gate: Gate, guarded: bool, status: int
) -> None:
    body = {"status": 429, "error": "Too Many Requests", "detail": "slow down"}
    answer = httpx.Response(status, json=body, headers={"Retry-After": "60"})
    with pytest.raises(Throttled):
        await client(world, gate, answer, guarded=guarded).categories()
    pause = await gate.pause(fresh=True)
    assert pause is not None
    assert (pause.until - world.clock()).total_seconds() == 60


async def test_only_the_unguarded_pass_while_the_side_is_paused(world: World, gate: Gate) -> None:
    await gate.deny("refused", "GET categories")
    answer = httpx.Response(200, json={"categories": []})
    with pytest.raises(Paused):
        await client(world, gate, answer).categories()
    assert await client(world, gate, answer, guarded=False).categories() == ()


async def test_a_refusal_pauses_nothing_by_itself(world: World, gate: Gate) -> None:
    with pytest.raises(AccessDenied):
        await client(world, gate, httpx.Response(401)).categories()
    assert not await gate.is_paused()
