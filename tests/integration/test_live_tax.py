"""Live tax and rates against TaxJar: its answer, its refusals and its silence, in the caller's terms (design 3.1)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.simulation import CONNECTION
from local.simulators.faults import Fault
from shared.connector import NotFound
from shared.flows.live.rates import RateQuery, look_up_rate
from shared.flows.live.taxes import TaxQuery, calculate_tax
from shared.taxjar.taxes import TaxRequest
from shared.web import Answer, Problem, read_json, read_query
from tests.world import World

SALE: dict[str, Any] = {
    "to_country": "US",
    "to_state": "CA",
    "to_zip": "90002",
    "amount": 45.00,
    "shipping": 5.00,
    "line_items": [{"id": "7", "quantity": 1, "unit_price": 45.00, "discount": 0}],
}
TAXES, RATES = "*/taxes", "*/rates/*"


async def tax(world: World, company: str = "", **changes: Any) -> Any:
    sale = {name: value for name, value in (SALE | changes).items() if value is not ...}
    request = read_json(json.dumps(sale).encode(), TaxRequest)
    answer = await calculate_tax(world.connector, CONNECTION, request, TaxQuery(company=company))
    return json.loads(Answer(body=answer).text())["tax"]


async def rate(world: World, zip_code: str = "90002", **query: str) -> Any:
    answer = await look_up_rate(world.connector, CONNECTION, read_query({**query, "zip": zip_code}, RateQuery))
    return json.loads(Answer(body=answer).text())


def asked(world: World) -> int:
    return sum("/rates/" in call.path for call in world.simulation.taxjar.calls)


async def test_the_tax_is_taxjars_in_its_own_form_with_numbers(world: World) -> None:
    found = await tax(world)
    assert (found["amount_to_collect"], found["rate"], found["has_nexus"]) == (4.39, 0.0975, True)
    assert found["breakdown"]["line_items"][0]["id"] == "7"
    assert (await tax(world, to_state="WA", to_zip="98101", line_items=...))["rate"] > 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"to_zip": "10118"}, "to_zip: 10118 is not used within to_state CA"),
        (
            {"from_country": "US", "from_zip": "10118", "from_state": "CA"},
            "from_zip: 10118 is not used within from_state CA",
        ),
        ({"from_zip": "10118", "from_state": "CA"}, "from_zip: 10118 is not used within from_state CA"),
        ({"to_state": "XX"}, "to_state: XX is not a state of the US"),
        ({"from_state": "XX"}, "from_state: XX is not a state of the US"),
        (
            {"nexus_addresses": [{"country": "US", "state": "CA"}, {"country": "US", "state": "XX"}]},
            "nexus_addresses.1.state: XX is not a state of the US",
        ),
        (
            {"nexus_addresses": [{"country": "US", "state": "CA", "zip": "10118"}]},
            "nexus_addresses.0.zip: 10118 is not used within nexus_addresses.0.state CA",
        ),
    ],
)
async def test_a_state_that_is_none_and_a_zip_code_of_another_one_are_refused_without_a_call(
    world: World, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(Problem) as refused:
        await tax(world, **changes)
    assert (refused.value.status, str(refused.value)) == (400, words)
    assert world.simulation.taxjar.calls == []


async def test_what_only_taxjar_can_know_is_refused_with_its_words(world: World) -> None:
    with pytest.raises(Problem, match="Tax location not found") as unknown:
        await tax(world, to_country="BR", to_state=..., to_zip=...)
    world.taxjar.address_on_file = False
    with pytest.raises(Problem, match="No from address, no nexus address, and no address on file") as homeless:
        await tax(world)
    assert (unknown.value.status, homeless.value.status) == (400, 400)


@pytest.mark.parametrize(
    ("fault", "status", "retry_after"),
    [
        (Fault(path=TAXES, status=400), 400, None),
        (Fault(path=TAXES, status=404), 400, None),
        (Fault(path=TAXES, status=406), 400, None),
        (Fault(path=TAXES, status=422), 400, None),
        (Fault(path=TAXES, status=401), 502, None),
        (Fault(path=TAXES, status=403), 502, None),
        (Fault(path=TAXES, status=429, retry_after=17), 503, "17"),
        (Fault(path=TAXES, status=429), 503, "30"),
        (Fault(path=TAXES, status=500), 503, "30"),
        (Fault(path=TAXES, status=503, retry_after=90), 503, "90"),
        (Fault(path=TAXES, status=502, body="html"), 503, "30"),
        (Fault(path=TAXES, status=200, body="empty"), 503, "30"),
        (Fault(path=TAXES, drop=True), 503, "30"),
        *((Fault(path=TAXES, status=gone), 502, None) for gone in (302, 405, 410)),
        *((Fault(path=TAXES, status=page, body="html"), 502, None) for page in (200, 400, 404)),
        (Fault(path=TAXES, status=200, body_status=403), 502, None),
        (Fault(path=TAXES, status=200, body_status=404), 400, None),
        (Fault(path=TAXES, status=200, body_status=422, body="json_as_text"), 400, None),
        (Fault(path=TAXES, status=200, body_status=429, retry_after=17), 503, "17"),
        (Fault(path=TAXES, status=200, body_status=503), 503, "30"),
    ],
    ids=lambda value: f"{value.name} {value.body}" if isinstance(value, Fault) else None,
)
@pytest.mark.sockets
async def test_taxjars_errors_have_a_status_and_a_sentence_of_ours(
    world: World, fault: Fault, status: int, retry_after: str | None
) -> None:
    world.simulation.taxjar.faults.add(fault)
    with pytest.raises(Problem) as problem:
        await tax(world)
    assert (problem.value.status, problem.value.headers.get("Retry-After")) == (status, retry_after)
    assert "simulated-taxjar-token" not in str(problem.value)


@pytest.mark.sockets
async def test_a_caller_does_not_wait_for_a_taxjar_that_hangs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.flows.live.calls.PATIENCE", 0.5)
    world.simulation.taxjar.faults.add(Fault(delay=30))
    for question in (tax(world), rate(world)):
        with pytest.raises(Problem, match="did not answer") as problem:
            await question
        assert (problem.value.status, problem.value.headers["Retry-After"]) == (503, "30")


async def test_a_429_of_a_live_call_pauses_the_account_and_a_refusal_does_not(world: World) -> None:
    gate = world.connector.connection(CONNECTION).company("usmf").account.gate
    world.simulation.taxjar.faults.add(
        Fault(path=TAXES, status=403, times=1), Fault(path=TAXES, status=429, retry_after=60)
    )
    for paused in (False, True):
        with pytest.raises(Problem):
            await tax(world)
        assert await gate.is_paused() is paused
    calls = len(world.simulation.taxjar.calls)
    world.clock.advance(seconds=20)
    with pytest.raises(Problem) as problem:
        await tax(world)
    assert (problem.value.status, problem.value.headers["Retry-After"]) == (503, "40")
    assert len(world.simulation.taxjar.calls) == calls


async def test_an_unknown_company_or_connection_is_not_found(world: World) -> None:
    assert (await tax(world, company="USMF"))["rate"] == 0.0975
    with pytest.raises(NotFound):
        await tax(world, company="dat")
    with pytest.raises(NotFound):
        await calculate_tax(world.connector, "nowhere", TaxRequest.model_validate(SALE), TaxQuery())


async def test_a_rate_is_asked_for_once_a_day_and_marked_with_its_age(world: World) -> None:
    first = await rate(world, city="Los Angeles")
    assert (first["rate"]["combined_rate"], first["age_seconds"], first["stale"]) == ("0.0975", 0, False)
    world.clock.advance(hours=23)
    again = await rate(world, city="los  angeles")
    assert (again["rate"], again["age_seconds"], again["stale"]) == (first["rate"], 23 * 3600, False)
    assert asked(world) == 1
    await rate(world, city="Compton")
    world.clock.advance(hours=1)
    assert (await rate(world, city="Los Angeles"))["age_seconds"] == 0
    assert asked(world) == 3


@pytest.mark.parametrize(
    "fault",
    [Fault(path=RATES, status=503), Fault(path=RATES, status=429), Fault(path=RATES, drop=True)],
    ids=lambda fault: fault.name,
)
async def test_while_taxjar_is_down_an_old_rate_is_marked_stale_and_an_unknown_one_is_503(
    world: World, fault: Fault
) -> None:
    known = await rate(world)
    world.clock.advance(days=3)
    world.simulation.taxjar.faults.add(fault)
    old = await rate(world)
    assert (old["rate"], old["stale"], old["age_seconds"]) == (known["rate"], True, 3 * 86400)
    with pytest.raises(Problem) as problem:
        await rate(world, "10118")
    assert problem.value.status == 503
    assert int(problem.value.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("zip_code", "query", "words"),
    [
        ("9000", {}, "zip: must be a US ZIP code"),
        ("90002", {"country": "USA"}, "country: must be a two-letter code"),
        ("90002", {"street_name": "x"}, "street_name: "),
        ("90002", {"state": "California"}, "state: must be a two-letter code"),
        ("90002", {"state": "XX"}, "state: XX is not a state of the US"),
        ("10118", {"state": "CA"}, "zip: 10118 is not used within state CA"),
        ("K1A 0B1", {"country": "CA", "state": "Ontario"}, "state: must be a two-letter code"),
        ("90002", {"city": "Los\0Angeles"}, "city: holds a control character"),
        ("90002", {"street": "1 Main St\x1b"}, "street: holds a control character"),
        *[(zip_code, {}, "zip: must be a US ZIP code") for zip_code in ("", " ", ".", "..")],
        *[(zip_code, {"country": "GB"}, "zip: must be a postal code") for zip_code in ("", " ", ".", "..", "/", "-")],
        ("SW1A\0001AA", {"country": "GB"}, "zip: holds a control character"),
    ],
)
async def test_a_rate_of_no_place_is_refused_without_a_call(
    world: World, zip_code: str, query: dict[str, str], words: str
) -> None:
    with pytest.raises(Problem, match=words) as refused:
        await rate(world, zip_code, **query)
    assert refused.value.status == 400
    assert world.simulation.taxjar.calls == []


@pytest.mark.parametrize(("zip_code", "query"), [("00100", {}), ("SW1A\n1AA", {"country": "GB", "state": "London"})])
async def test_a_place_that_taxjar_does_not_know_is_refused_with_its_words(
    world: World, zip_code: str, query: dict[str, str]
) -> None:
    with pytest.raises(Problem, match="Tax location not found") as refused:
        await rate(world, zip_code, **query)
    assert refused.value.status == 400


async def test_a_refused_token_is_502_even_where_an_old_rate_is_known(world: World) -> None:
    await rate(world)
    world.clock.advance(days=2)
    world.simulation.taxjar.tokens.clear()
    with pytest.raises(Problem) as refused:
        await rate(world)
    assert refused.value.status == 502
