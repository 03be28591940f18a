"""The audit is sealed day by day, exported, and proved offline; nothing that somebody does to it stops the work."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient
from azure.storage.blob.aio import ContainerClient

from local.audit import main as audit_command
from shared.flows.audit import export, sealing
from shared.flows.audit.export import ExportQuery, export_audit
from shared.ledger.seals import Seals
from shared.proof.chain import first_version_hash
from shared.proof.report import Report
from shared.proof.verify import verify
from shared.signing import LocalKeySigner
from shared.storage import AUDIT_CONTAINER
from tests.app import running_app
from tests.filing import sale
from tests.world import COMPANY, NOW, TODAY, World

CONNECTION = "main"
PARTITION = "main|usmf"
TOMORROW = TODAY + timedelta(days=1)


@pytest.fixture
async def table(world: World) -> TableClient:
    """The world's ledger, as somebody with write access sees it."""
    return world.connector.seals.table


@pytest.fixture
async def container(azurite: str) -> AsyncIterator[ContainerClient]:
    async with ContainerClient.from_connection_string(azurite, AUDIT_CONTAINER) as found:
        yield found


@pytest.fixture
def sealed_world(world: World, tmp_path: Path) -> World:
    """The world with a key."""
    seals = world.connector.seals
    signer = LocalKeySigner(tmp_path / "key.pem")
    world.connector = replace(world.connector, seals=Seals(seals.table, signer=signer, store=seals.store))
    return world


async def night(world: World, days: int = 1) -> None:
    """To the morning after, when what is over is sealed."""
    world.clock.advance(days=days)
    await sealing.seal_days(world.connector, by="test")


async def exported(world: World, **days: Any) -> list[bytes]:
    """All pages of an export."""
    lines: list[bytes] = []
    after = ""
    for _ in range(1000):
        query = ExportQuery.model_validate({**days, "after": after})
        answer = await export_audit(world.connector, CONNECTION, COMPANY, query)
        page = answer.body.encode().splitlines(keepends=True)
        lines += page
        last = json.loads(page[-1])
        if last["type"] == "end":
            return lines
        assert answer.headers["X-Next"] == last["next"]
        after = last["after"]
    raise AssertionError("an export without an end")


async def verified(world: World, **days: Any) -> Report:
    return verify(await exported(world, **days))


async def rows(table: TableClient, prefix: str) -> list[dict[str, Any]]:
    found = table.query_entities(
        "PartitionKey eq @partition and RowKey ge @first and RowKey lt @end",
        parameters={"partition": PARTITION, "first": prefix, "end": f"{prefix}~"},
    )
    return [dict(row) async for row in found]


def found(report: Report) -> set[tuple[str, str, str]]:
    return {(finding.what.value, finding.change.value, finding.where) for finding in report.findings}


async def work_of_three_days(world: World) -> None:
    """Two documents, one of them changed on the second day, and a third that is not sealed yet."""
    world.posting.invoice(sale("INV-1", on=TODAY))
    world.posting.invoice(sale("INV-2", on=TODAY))
    await world.run()
    await night(world)
    world.posting.invoice(sale("INV-3", on=TODAY))
    await world.run()
    await night(world)
    world.posting.invoice(sale("INV-4", on=TODAY))
    await world.run()


async def test_what_was_reported_is_sealed_exported_and_proved(sealed_world: World) -> None:
    await work_of_three_days(sealed_world)
    report = await verified(sealed_world)
    assert report.ok, report.sentences()
    assert (report.first_sealed, report.last_sealed) == (TODAY.isoformat(), TOMORROW.isoformat())
    assert (report.sealed_rows, report.unsealed_rows) == (8, 2), "three documents and the fence, and one document"
    state = await sealed_world.connector.seals.state(CONNECTION, COMPANY)
    assert (state.sealed_through, state.trouble, state.broken) == (TOMORROW, "", ())
    assert (len(state.root), [state.key]) == (64, report.keys)
    assert state.sealed_at == (NOW + timedelta(days=2)).isoformat()


async def test_a_settlement_is_one_transaction_with_its_entry_and_its_journal_row(
    sealed_world: World, table: TableClient
) -> None:
    await work_of_three_days(sealed_world)
    entries, journal = await rows(table, "audit|"), await rows(table, "journal|")
    assert {row["hash"] for row in entries} == {row["entry"] for row in journal}
    assert [row["RowKey"] for row in journal] == sorted(f"journal|{row['at']}|{row['hash'][:16]}" for row in entries)
    heads = {row["audit_head"] for row in await rows(table, "doc|")}
    assert heads <= {row["hash"] for row in entries}


@pytest.mark.parametrize("page", [1, 700, 5000])
async def test_pages_written_one_behind_the_other_are_the_export(
    sealed_world: World, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await work_of_three_days(sealed_world)
    whole = [json.loads(line) for line in await exported(sealed_world)]
    monkeypatch.setattr(export, "PAGE", page)
    lines = await exported(sealed_world)
    assert len(lines) > len(whole)
    assert verify(lines).ok
    contents = [json.loads(line) for line in lines]
    assert [line for line in contents if line["type"] not in ("page", "more")] == whole
    without_one = [line for line in lines if b'"type":"page"' not in line]
    assert verify(without_one).ok, "what a page says of itself is not evidence"
    middle = next(number for number, line in enumerate(lines) if b'"page"' in line)
    following = next(n for n, line in enumerate(lines) if b'"page"' in line and n > middle)
    assert not verify(lines[:middle] + lines[following:]).ok


async def test_a_range_of_days_is_proved_by_itself(sealed_world: World) -> None:
    await work_of_three_days(sealed_world)
    for days in ({"from": TODAY}, {"to": TODAY}, {"from": TOMORROW}, {"from": TOMORROW, "to": TOMORROW}):
        report = await verified(sealed_world, **days)
        assert report.ok, (days, report.sentences())
        assert report.entries >= 2


async def test_a_missed_day_is_caught_up_and_a_day_without_work_has_its_root(sealed_world: World) -> None:
    sealed_world.posting.invoice(sale("INV-1", on=TODAY))
    await sealed_world.run()
    await night(sealed_world, days=4)
    report = await verified(sealed_world)
    assert report.ok, report.sentences()
    assert report.last_sealed == (TODAY + timedelta(days=3)).isoformat()
    await night(sealed_world, days=0)
    assert (await verified(sealed_world)).last_sealed == report.last_sealed


async def test_a_day_is_not_sealed_before_it_is_over_for_an_hour(sealed_world: World) -> None:
    sealed_world.posting.invoice(sale("INV-1", on=TODAY))
    await sealed_world.run()
    sealed_world.clock.now = NOW.replace(hour=0, minute=59) + timedelta(days=1)
    await sealing.seal_days(sealed_world.connector, by="test")
    assert not (await verified(sealed_world)).last_sealed
    sealed_world.clock.advance(minutes=1)
    await sealing.seal_days(sealed_world.connector, by="test")
    assert (await verified(sealed_world)).last_sealed == TODAY.isoformat()


async def test_two_instances_make_one_root_and_a_clock_put_back_makes_none(sealed_world: World) -> None:
    sealed_world.posting.invoice(sale("INV-1", on=TODAY))
    await sealed_world.run()
    sealed_world.clock.advance(days=2)
    await asyncio.gather(*(sealing.seal_days(sealed_world.connector, by="test") for _ in range(4)))
    before = await exported(sealed_world)
    assert verify(before).ok
    assert sum(b'"type":"root"' in line for line in before) == 2
    sealed_world.clock.advance(days=-1)
    await sealing.seal_days(sealed_world.connector, by="test")
    sealed_world.clock.advance(days=1)
    assert await exported(sealed_world) == before


async def test_what_was_written_behind_a_seal_is_sealed_late_and_said_so(sealed_world: World) -> None:
    sealed_world.posting.invoice(sale("INV-1", on=TODAY))
    await sealed_world.run()
    await night(sealed_world)
    sealed_world.clock.advance(days=-1)
    sealed_world.posting.invoice(sale("INV-2", on=TODAY))
    await sealed_world.run()
    await night(sealed_world)
    assert not (await verified(sealed_world)).ok, "it is in no seal yet"
    await night(sealed_world)
    report = await verified(sealed_world)
    assert report.ok, report.sentences()
    assert report.late_rows == 2
    await night(sealed_world)
    assert (await verified(sealed_world)).ok


async def test_chains_that_are_older_than_the_journal_are_in_the_first_seal(
    sealed_world: World, table: TableClient
) -> None:
    sealed_world.posting.invoice(sale("INV-1", on=TODAY))
    sealed_world.posting.invoice(sale("INV-2", on=TODAY))
    await sealed_world.run()
    for row in await rows(table, "doc|"):
        await made_older(table, row)
    sealed_world.posting.invoice(sale("INV-3", on=TODAY))
    await sealed_world.run()
    assert (await verified(sealed_world)).older_entries == 4
    await night(sealed_world)
    report = await verified(sealed_world)
    assert report.ok, report.sentences()
    assert report.older_entries == 0
    record = await sealed_world.record("INV-2")
    await table.update_entity({"PartitionKey": PARTITION, "RowKey": record.row, "amount": "1.00"})
    assert found(await verified(sealed_world)) == {("record", "changed", record.row)}


async def made_older(table: TableClient, record: dict[str, Any]) -> None:
    """A document as the version before the journal left it."""
    head = ""
    for number, entry in enumerate(await rows(table, f"audit|{record['RowKey']}|"), 1):
        await table.delete_entity(entry)
        await table.delete_entity(PARTITION, f"journal|{entry['at']}|{entry['hash'][:16]}")
        head = first_version_hash(head, entry["entry"])
        key = f"audit|{record['RowKey']}|{number:06d}"
        await table.create_entity({"PartitionKey": PARTITION, "RowKey": key, "hash": head, "entry": entry["entry"]})
    older = {**record, "audit_head": head}
    del older["audit_version"]
    await table.update_entity(older, mode=UpdateMode.REPLACE)


@pytest.mark.parametrize("version", [1, 2])
async def test_a_stray_row_behind_the_last_entry_is_shown_and_the_document_goes_on(
    sealed_world: World, table: TableClient, version: int
) -> None:
    """Case D11."""
    sealed_world.posting.invoice(sale("INV-1", on=TODAY))
    await sealed_world.poll()
    [seen] = await rows(table, "audit|doc|")
    record = await sealed_world.record("INV-1")
    key = f"audit|{record.row}|000002" + ("|0123456789abcdef" if version == 2 else "")
    forged = {**seen, "RowKey": key}
    if version == 1:
        forged = {name: forged[name] for name in ("PartitionKey", "RowKey", "hash", "entry")}
    await table.create_entity(forged)
    await sealed_world.settle()
    shown, intact = await sealed_world.connector.ledger.audit(await sealed_world.record("INV-1"))
    assert (await sealed_world.record("INV-1")).state == "reported"
    assert not intact
    assert [entry.get("stray", False) for entry in shown].count(True) == 1
    await night(sealed_world)
    state = await sealed_world.connector.seals.state(CONNECTION, COMPANY)
    assert (state.sealed_through, state.broken) == (TODAY, (record.row,))
    assert not (await verified(sealed_world)).ok


async def test_tampering_with_the_table_is_named_by_the_proof_and_noted_at_night(
    sealed_world: World, table: TableClient
) -> None:
    await work_of_three_days(sealed_world)
    one, two, three = [(await sealed_world.record(f"INV-{number}")).row for number in (1, 2, 3)]
    await table.update_entity({"PartitionKey": PARTITION, "RowKey": one, "amount": "1.00"})
    for entity in await rows(table, f"audit|{two}|"):
        await table.delete_entity(entity)
    await table.delete_entity(PARTITION, two)
    for entity in await rows(table, "journal|"):
        if entity["row"] in (two, three):
            await table.delete_entity(entity)
    report = await verified(sealed_world)
    assert {
        *(("record", "changed", one), ("document", "removed", two)),
        *(("journal row", "removed", two), ("day", "removed", TOMORROW.isoformat())),
    } == found(report)
    await night(sealed_world)
    state = await sealed_world.connector.seals.state(CONNECTION, COMPANY)
    assert {two, three} <= set(state.broken)
    assert state.sealed_through == TODAY + timedelta(days=2)
    await night(sealed_world, days=5)
    state = await sealed_world.connector.seals.state(CONNECTION, COMPANY)
    assert {two, three, f"day {TODAY}", f"day {TOMORROW}"} == set(state.broken), "it stays named"


async def test_what_was_put_right_is_not_named_any_more(sealed_world: World, table: TableClient) -> None:
    await work_of_three_days(sealed_world)
    taken = await rows(table, "journal|")
    for entity in taken:
        await table.delete_entity(entity)
    await night(sealed_world)
    state = await sealed_world.connector.seals.state(CONNECTION, COMPANY)
    assert f"day {TODAY}" in state.broken
    for entity in taken:
        await table.create_entity(entity)
    await night(sealed_world)
    state = await sealed_world.connector.seals.state(CONNECTION, COMPANY)
    assert f"day {TODAY}" not in state.broken


async def test_a_root_that_was_replaced_is_named_and_nothing_is_sealed_on_it(
    sealed_world: World, container: ContainerClient
) -> None:
    await work_of_three_days(sealed_world)
    name = f"{sealed_world.connector.seals.table.table_name}/main/usmf/{TOMORROW}.ndjson"
    blob = container.get_blob_client(name)
    content = await (await blob.download_blob()).readall()
    await blob.upload_blob(content.replace(b'"count":2', b'"count":3'), overwrite=True)
    assert ("day", "changed", TOMORROW.isoformat()) in found(await verified(sealed_world))
    await night(sealed_world)
    state = await sealed_world.connector.seals.state(CONNECTION, COMPANY)
    assert "is not signed" in state.trouble
    await blob.upload_blob(content, overwrite=True)
    await night(sealed_world)
    assert (await sealed_world.connector.seals.state(CONNECTION, COMPANY)).trouble == ""
    assert (await verified(sealed_world)).ok


async def test_a_key_that_cannot_sign_stops_nothing_and_is_said(sealed_world: World, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("no key")
    await work_of_three_days(sealed_world)
    assert {record.state.value for record in await sealed_world.records()} == {"reported"}
    state = await sealed_world.connector.seals.state(CONNECTION, COMPANY)
    assert "holds no private key" in state.trouble
    (tmp_path / "key.pem").unlink()
    await night(sealed_world)
    report = await verified(sealed_world)
    assert (report.ok, report.last_sealed) == (True, (TODAY + timedelta(days=2)).isoformat())


async def test_without_a_key_it_is_said_that_nothing_is_sealed(world: World) -> None:
    world.posting.invoice(sale("INV-1", on=TODAY))
    await world.run()
    await night(world)
    assert "AUDIT__KEY_URI" in (await world.connector.seals.state(CONNECTION, COMPANY)).trouble


async def test_the_command_proves_a_file_and_names_what_is_wrong(
    sealed_world: World, table: TableClient, azurite: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await work_of_three_days(sealed_world)
    key = tmp_path / "public.pem"
    signer = sealed_world.connector.seals.signer
    assert signer is not None
    key.write_text(await signer.public_key())
    file = tmp_path / "audit.ndjson.gz"
    file.write_bytes(gzip.compress(b"".join(await exported(sealed_world))))
    assert audit_command(["verify", str(file), "--public-key", str(key)]) == 0
    assert "Nothing was changed" in capsys.readouterr().out
    record = await sealed_world.record("INV-1")
    await table.update_entity({"PartitionKey": PARTITION, "RowKey": record.row, "sales_tax": "0.00"})
    file.write_bytes(b"".join(await exported(sealed_world)))
    assert audit_command(["verify", str(file), "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert [(finding["what"], finding["where"]) for finding in report["findings"]] == [("record", record.row)]
    file.write_bytes(gzip.compress(b"x" * 1000)[:-9])
    assert audit_command(["verify", str(file)]) == 1
    assert audit_command(["verify", str(tmp_path / "nothing")]) == 2
    assert date.fromisoformat(report["last_sealed"]) == TOMORROW


async def test_the_function_answers_json_lines(sealed_world: World, azurite: str) -> None:
    await work_of_three_days(sealed_world)
    with running_app(sealed_world, azurite) as app:
        request = func.HttpRequest(
            method="GET",
            url="https://localhost/api/audit",
            params={"from": TODAY.isoformat()},
            route_params={"connection": CONNECTION, "company": COMPANY},
            body=b"",
        )
        response = await app.functions["export_audit"](request)
        assert (response.status_code, response.mimetype) == (200, "application/x-ndjson")
        assert verify(response.get_body().splitlines()).ok
        for query in ({"from": "2026-11-02", "to": "2026-11-01"}, {"after": "nowhere"}, {"form": "x"}):
            assert (await app.call("export_audit", query=query))[0] == 400
        assert (await app.call("export_audit", company="none"))[0] == 404
        await app.functions["seal_audit"](None)  # type: ignore[arg-type]
