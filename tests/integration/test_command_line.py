"""``connector`` against the app: what it shows and decides, and its exit codes (design 3.3)."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from cli.main import main
from local.simulators.dynamics.specs import AddressSpec, InvoiceSpec
from tests.app import KEY, hosted_app, served
from tests.world import COMPANY, TODAY, World

Run = Callable[..., Awaitable[tuple[int, str, str]]]
NOWHERE = AddressSpec("1 Main St", "Austin", "TX", "")


@asynccontextmanager
async def command_line(world: World, azurite: str, **environment: str) -> AsyncIterator[Run]:
    """Runs ``connector`` against the app on the world's connector; it answers while the command waits."""
    with hosted_app(world, azurite) as host:
        async with served(host.http) as url:
            given = {"HOST": url, "KEY": KEY, "CONNECTOR_CONFIG": "/none", **environment}

            async def run(*arguments: str) -> tuple[int, str, str]:
                out, err = io.StringIO(), io.StringIO()
                line = (*arguments, "--connection", "main", "--company", COMPANY.upper())
                code = await asyncio.to_thread(
                    main, line, environment=given, today=TODAY, sleep=lambda _: None, out=out, err=err
                )
                return code, out.getvalue(), err.getvalue()

            yield run


async def hold(world: World, number: str = "INV-1") -> None:
    """A document that is held for its address."""
    world.posting.customer("C-NOWHERE", "Nowhere", NOWHERE)
    world.posting.invoice(InvoiceSpec(number, TODAY, customer="C-NOWHERE", ship_to=NOWHERE))
    await world.run()


async def test_held_lists_what_waits_and_its_exit_code_says_so(world: World, azurite: str) -> None:
    async with command_line(world, azurite) as run:
        code, out, _ = await run("held", "--state", "held")
        assert (code, out) == (0, "Nothing waits.\n")
        await hold(world)
        code, out, _ = await run("held", "--state", "held")
        assert code == 1
        [_, row] = out.splitlines()
        assert row.startswith("USMF-INV-1")
        assert "address_incomplete" in row
        code, out, _ = await run("held", "--state", "held", "--csv")
        [shown] = csv.DictReader(io.StringIO(out))
        assert (code, shown["transaction_id"], shown["amount"]) == (1, "USMF-INV-1", "100.00")
        code, out, _ = await run("--json", "held", "--state", "held", "--reason-code", "address_incomplete")
        assert [each["transaction_id"] for each in json.loads(out)] == ["USMF-INV-1"]


async def test_show_prints_a_document_with_its_audit(world: World, azurite: str) -> None:
    world.posting.invoice(InvoiceSpec("INV-2", TODAY))
    await hold(world)
    async with command_line(world, azurite) as run:
        assert (await run("show", "USMF-INV-1"))[0] == 1
        code, out, _ = await run("show", "USMF-INV-2")
        assert (code, "reported" in out) == (0, True)
        code, out, _ = await run("show", "USMF-INV-2", "--json")
        assert json.loads(out)["payload"]["transaction_id"] == "USMF-INV-2"
        code, out, err = await run("show", "USMF-NONE")
        assert (code, out, "USMF-NONE" in err) == (3, "", True)


async def test_retry_and_dismiss_decide_with_a_name_and_a_reason(world: World, azurite: str) -> None:
    await hold(world)
    async with command_line(world, azurite) as run:
        assert (await run("retry", "USMF-INV-1", "--reason", "is right now", "--by", "Pat"))[0] == 0
        entry = (await world.audit("INV-1"))[-1]
        assert (entry["decision"], entry["reason"], entry["by"], entry["way"]) == (
            "retry",
            "is right now",
            "Pat",
            "key",
        )
        await world.settle()
        code, _, err = await run("approve", "USMF-INV-1", "--reason", "why")
        assert (code, "nothing is proposed" in err) == (3, True)
        code, out, _ = await run("retry", "--reason-code", "address_incomplete", "--reason", "all of them", "--json")
        assert (code, json.loads(out)) == (0, {"retried": 1})


async def test_of_several_decisions_those_before_a_refusal_are_shown(world: World, azurite: str) -> None:
    await hold(world)
    async with command_line(world, azurite) as run:
        code, out, err = await run("retry", "USMF-INV-1", "USMF-NONE", "--reason", "r", "--csv")
        assert (code, "USMF-NONE" in err) == (3, True)
        assert [row["transaction_id"] for row in csv.DictReader(io.StringIO(out))] == ["USMF-INV-1"]


async def test_a_month_that_waits_is_not_clean(world: World, azurite: str) -> None:
    month = f"{TODAY:%Y-%m}"
    world.posting.invoice(InvoiceSpec("INV-2", TODAY))
    await world.run()
    async with command_line(world, azurite) as run:
        code, out, _ = await run("month", month)
        assert (code, "can be filed" in out) == (0, True)
        await hold(world)
        code, out, _ = await run("month", month)
        assert (code, "can be filed" in out) == (1, False)
        code, out, _ = await run("month", month, "--json")
        assert (json.loads(out)["held"], json.loads(out)["reported"]) == (1, 1)


async def test_close_says_what_was_filed_and_is_refused_backwards(world: World, azurite: str) -> None:
    async with command_line(world, azurite) as run:
        code, out, _ = await run("close", "tx", "NY", "--through", "2026-10-31", "--reason", "filed", "--csv")
        assert code == 0
        assert [row["after"] for row in csv.DictReader(io.StringIO(out))] == ["2026-10-31", "2026-10-31"]
        back = ("close", "TX", "--through", "2026-09-30", "--reason", "by mistake")
        code, _, err = await run(*back)
        assert (code, "reopen" in err) == (3, True)
        assert (await run(*back, "--reopen"))[0] == 0
        code, _, err = await run("close", "ZZ", "--through", "2026-10-31", "--reason", "filed")
        assert (code, "ZZ" in err) == (2, True)


async def test_reconcile_tells_whether_the_sides_differ(world: World, azurite: str) -> None:
    world.posting.invoice(InvoiceSpec("INV-2", TODAY))
    await world.run()
    days = ("--from", TODAY.isoformat(), "--to", TODAY.isoformat())
    async with command_line(world, azurite) as run:
        assert (await run("reconcile", *days))[0] == 0
        world.taxjar.transactions.clear()
        code, out, _ = await run("reconcile", *days, "--csv")
        assert code == 1
        assert [row["status"] for row in csv.DictReader(io.StringIO(out))] == ["missing_in_taxjar"]


@pytest.mark.parametrize("options", [(), ("--json",)])
async def test_a_backfill_is_watched_to_its_end(world: World, azurite: str, options: tuple[str, ...]) -> None:
    world.posting.invoice(InvoiceSpec("INV-2", TODAY))
    async with command_line(world, azurite) as run:
        day = TODAY.isoformat()
        code, out, _ = await run("backfill", day, day, "--no-wait", *options)
        assert code == 0
        job = json.loads(out)["job"] if options else out.split()[1]
        await world.settle()
        code, out, _ = await run("backfill", "--show", job, *options)
        assert (code, "finished" in out) == (0, True)
        assert (await run("backfill", "--show", "none"))[0] == 3


async def test_open_prints_the_address_of_the_page(world: World, azurite: str) -> None:
    async with command_line(world, azurite) as run:
        code, out, _ = await run("open", "INV/2")
    assert code == 0
    assert out.endswith(f"/api/console/#/document/main/{COMPANY}?number=INV%2F2\n")


async def test_a_wrong_key_is_refused(world: World, azurite: str) -> None:
    async with command_line(world, azurite, KEY="wrong") as run:
        code, _, err = await run("held")
    assert (code, err) == (3, "connector: The app refuses the function key.\n")
