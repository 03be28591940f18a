"""What the app answers is what its models say (design 3.1)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from local.simulators.dynamics.specs import InvoiceSpec
from shared.api.description import ALL_ROUTES
from shared.api.serve import find_route
from shared.api_models.values import ErrorAnswer
from tests.app import KEY, hosted_app
from tests.world import COMPANY, TODAY, World

SALE = {"to_country": "US", "to_state": "TX", "to_zip": "75207", "amount": 10, "shipping": 1}
DAY = TODAY.isoformat()
JOB = {"company": COMPANY, "from": DAY, "to": DAY}
CLOSING = {"filed_through": "2026-10-31", "reason": "filed", "by": "Pat"}
AGAIN = {"reason": "again", "by": "Pat"}


async def ask(client: httpx.AsyncClient, method: str, path: str, body: Any = None) -> httpx.Response:
    """The answer, which its route's model, or that of errors, has to know."""
    answer = await client.request(method, f"/api/{path}", json=body, headers={"x-functions-key": KEY})
    route, _ = find_route(ALL_ROUTES, method, path.partition("?")[0])
    model = route.answer if answer.is_success else ErrorAnswer
    assert not answer.is_success or answer.status_code in (route.status, *route.also)
    if model and answer.headers["content-type"].startswith("application/json"):
        model.model_validate(answer.json())
    return answer


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "health", None, 200),
        ("GET", "openapi.json", None, 200),
        ("GET", "openapi.json?version=2", None, 200),
        ("GET", "openapi.json?version=4", None, 400),
        ("GET", "nexus/main", None, 200),
        ("GET", "nexus/none", None, 404),
        ("GET", "rates/main/75207", None, 200),
        ("POST", "taxes/main", SALE, 200),
        ("POST", "taxes/main", {}, 400),
        ("POST", "connections/main/ping", {}, 200),
        ("POST", "business-events/main", {"BusinessEventId": "another"}, 202),
        ("POST", "business-events/main", [], 400),
        ("POST", "backfills/main", JOB, 202),
        ("POST", "backfills/main", {**JOB, "to": "2020-01-01"}, 400),
        ("GET", "backfills/main/none", None, 404),
        ("POST", "runs/pull_nexus_regions", {}, 202),
        ("POST", "runs/none", {}, 404),
        ("PUT", f"filing-periods/main/{COMPANY}/TX", CLOSING, 200),
        ("GET", f"filing-periods/main/{COMPANY}", None, 200),
        ("GET", f"filing-periods/main/{COMPANY}?stat=x", None, 400),
        ("POST", f"documents/main/{COMPANY}/retry?state=held", AGAIN, 202),
        ("POST", f"documents/main/{COMPANY}/retry", AGAIN, 400),
        ("GET", f"reconciliations/main/{COMPANY}?from={DAY}&to={DAY}", None, 200),
        ("POST", f"reconciliations/main/{COMPANY}?from={DAY}&to={DAY}", {}, 200),
        ("GET", f"completeness/main/{COMPANY}?from={DAY}&to={DAY}", None, 200),
        ("POST", f"reconciliation-jobs/main/{COMPANY}", {"from": DAY, "to": DAY, "deep": True}, 202),
        ("POST", f"reconciliation-jobs/main/{COMPANY}", {"confirm": True, "heal": True}, 400),
        ("POST", f"reconciliation-jobs/main/{COMPANY}", {"from": DAY, "to": "2020-01-01"}, 400),
        ("POST", f"reconciliation-jobs/main/{COMPANY}", {"from": "2001-01-01"}, 400),
        ("POST", "reconciliation-jobs/main/none", {}, 404),
        ("GET", f"reconciliation-jobs/main/{COMPANY}?limit=0", None, 400),
        ("GET", f"reconciliation-jobs/main/{COMPANY}/none", None, 404),
        ("DELETE", f"reconciliation-jobs/main/{COMPANY}/none", None, 404),
    ],
)
async def test_an_answer_is_what_the_description_says(
    world: World, azurite: str, method: str, path: str, body: Any, status: int
) -> None:
    world.posting.invoice(InvoiceSpec("INV-1", TODAY))
    await world.run()
    with hosted_app(world, azurite) as host:
        transport = httpx.ASGITransport(host.http)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=30) as client:
            if path.startswith("nexus"):
                await ask(client, "POST", "runs/pull_nexus_regions", {})
            answer = await ask(client, method, path, body)
            assert answer.status_code == status, answer.text
            if status == 202 and path.startswith("reconciliation-jobs"):
                job = f"{path}/{answer.json()['job']}"
                for asked in (path, job, f"{job}?status=late", f"{job}?format=csv", f"{job}?format=xlsx"):
                    assert (await ask(client, "GET", asked)).status_code == 200
                await world.settle()
                assert (await ask(client, "GET", job)).json()["counts"]["reconciled"] == 1
                assert (await ask(client, "DELETE", job, {"by": "Pat"})).status_code == 409
            if status == 202 and path == "backfills/main":
                shown = await ask(client, "GET", f"backfills/main/{answer.json()['job']}")
                assert shown.status_code == 200
