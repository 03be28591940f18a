"""TaxJar's product tax codes: when they are asked for, and what is not believed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from shared.taxjar.categories import TaxCategories
from shared.taxjar.client import TaxJarClient
from shared.taxjar.errors import Unavailable
from tests.unit.taxjar.conftest import NOW, Script, Step

Play = Callable[..., tuple[TaxJarClient, Script]]


class Clock:
    now = NOW

    def __call__(self) -> Any:
        return self.now


def categories(*codes: str) -> httpx.Response:
    rows = [{"name": code, "product_tax_code": code, "description": ""} for code in codes]
    return httpx.Response(200, json={"categories": rows})


def cached(play: Play, *steps: Step) -> tuple[TaxCategories, Script, Clock]:
    clock = Clock()
    client, script = play(*steps)
    return TaxCategories(client, clock), script, clock


async def test_the_codes_are_asked_for_once_a_day(play: Play) -> None:
    known, script, clock = cached(play, categories("20010"), categories("20010", "81100"))
    assert await known.codes() == {"20010"}
    clock.now += timedelta(hours=23, minutes=59)
    assert await known.codes() == {"20010"}
    assert len(script.calls) == 1
    clock.now += timedelta(minutes=1)
    assert await known.codes() == {"20010", "81100"}
    assert len(script.calls) == 2


async def test_codes_of_yesterday_are_not_used_while_taxjar_is_down(play: Play) -> None:
    known, script, clock = cached(play, categories("20010"), httpx.Response(503), categories("81100"))
    await known.codes()
    clock.now += timedelta(days=1)
    with pytest.raises(Unavailable):
        await known.codes()
    assert await known.codes() == {"81100"}
    assert len(script.calls) == 3


async def test_a_list_without_any_code_is_not_believed_and_not_kept(play: Play) -> None:
    known, _, _ = cached(play, categories(), categories("20010"))
    with pytest.raises(Unavailable, match="no category"):
        await known.codes()
    assert await known.codes() == {"20010"}


async def test_those_who_come_while_taxjar_is_asked_share_its_failure(play: Play) -> None:
    known, script, _ = cached(play, httpx.ReadTimeout("silence"), categories("20010"))
    ends = await asyncio.gather(*(known.codes() for _ in range(5)), return_exceptions=True)
    assert [type(end) for end in ends] == [Unavailable] * 5
    assert len(script.calls) == 1
    assert await known.codes() == {"20010"}


async def test_one_who_no_longer_waits_leaves_the_call_to_the_others(play: Play) -> None:
    known, script, _ = cached(play, categories("20010"))
    first, second = (asyncio.create_task(known.codes()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == {"20010"}
    assert len(script.calls) == 1
