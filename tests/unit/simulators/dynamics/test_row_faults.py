"""The simulated F&O fails with single rows and whole windows as the real one does (reference, sections 6 and 12)."""

from __future__ import annotations

import httpx
import pytest

from local.simulators.dynamics.row_faults import Limit, NeverAnswered
from local.simulators.dynamics.simulator import DynamicsSimulator
from local.simulators.dynamics.values import BLANK_DATE

HEADERS = "SalesInvoiceHeadersV2"
PATH = f"/data/{HEADERS}"
KEY = "$orderby=dataAreaId,InvoiceDate,InvoiceNumber,LedgerVoucher"
ALL = "cross-company=true"


async def paged(client: httpx.AsyncClient, query: str) -> list[str]:
    found, link = [], f"{PATH}?{ALL}&{query}"
    while link:
        page = (await client.get(link)).json()
        found += [row["InvoiceNumber"] for row in page["value"]]
        link = page.get("@odata.nextLink", "")
    return found


@pytest.mark.parametrize("by_skip", [False, True])
async def test_pages_hang_together_only_in_an_order_over_the_whole_key(
    dynamics: DynamicsSimulator, client: httpx.AsyncClient, by_skip: bool
) -> None:
    dynamics.links_by_skip = by_skip
    everything = ["INV-1", "INV-2", "O'Neil & Co #5", "inv-4", "INV*5"]
    assert await paged(client, KEY) == everything
    assert await paged(client, f"{KEY}&$top=4") == everything[:4]
    unordered = await paged(client, "$select=InvoiceNumber")
    assert len(unordered) == 5
    assert set(unordered) < set(everything)
    # Companies leave rows equal, and equal rows change places between requests.
    assert set(await paged(client, "$orderby=dataAreaId")) < set(everything)


async def test_a_row_that_breaks_the_answer_breaks_every_answer_that_holds_it(
    dynamics: DynamicsSimulator, client: httpx.AsyncClient
) -> None:
    dynamics.row_faults.refuse(HEADERS, InvoiceNumber="INV-2")
    assert (await client.get(f"{PATH}?{ALL}&{KEY}")).status_code == 500
    assert (await client.get(f"{PATH}?{ALL}&{KEY}&$top=1")).status_code == 200
    assert (await client.get(f"{PATH}?{ALL}&{KEY}&$filter=InvoiceNumber ne 'INV-2'")).status_code == 200
    assert (await client.get(f"{PATH}/$count?{ALL}")).text == "5"


async def test_a_repeated_row_is_listed_twice_and_counted_once(
    dynamics: DynamicsSimulator, client: httpx.AsyncClient
) -> None:
    dynamics.row_faults.repeat(HEADERS, InvoiceNumber="INV-2")
    assert (await paged(client, KEY)).count("INV-2") == 2
    assert (await client.get(f"{PATH}/$count?{ALL}")).text == "5"


async def test_withheld_rows_are_missing_from_answers_and_counts(
    dynamics: DynamicsSimulator, client: httpx.AsyncClient
) -> None:
    dynamics.row_faults.withhold(HEADERS, InvoiceNumber="INV-2")
    assert "INV-2" not in await paged(client, KEY)
    assert (await client.get(f"{PATH}/$count?{ALL}")).text == "4"
    dynamics.row_faults.clear()
    assert "INV-2" in await paged(client, KEY)


async def test_a_garbled_row_shows_other_values_than_it_is_found_by(
    dynamics: DynamicsSimulator, client: httpx.AsyncClient
) -> None:
    dynamics.row_faults.garble(HEADERS, {"InvoiceDate": BLANK_DATE}, InvoiceNumber="INV-2")
    answer = await client.get(f"{PATH}?{ALL}&$filter=InvoiceDate ge 2026-03-11T00:00:00Z&{KEY}&$top=1")
    assert answer.json()["value"][0]["InvoiceDate"] == "1900-01-01T12:00:00Z"


@pytest.mark.parametrize(
    ("query", "is_answered"),
    [
        ("", False),
        ("$filter=InvoiceDate ge 2026-03-11T00:00:00Z", False),
        ("$filter=InvoiceDate ge 2026-03-13T00:00:00Z", True),
        ("$filter=InvoiceDate ge 2026-03-10T00:00:00Z and InvoiceDate le 2026-03-11T23:59:59Z", True),
        ("$filter=InvoiceDate ge 2026-03-10T00:00:00Z and InvoiceDate le 2026-03-12T23:59:59Z", False),
        ("$filter=InvoiceNumber eq 'INV-1'", True),
    ],
)
async def test_windows_that_are_too_long_are_never_answered(
    dynamics: DynamicsSimulator, client: httpx.AsyncClient, query: str, is_answered: bool
) -> None:
    dynamics.row_faults.limits[HEADERS] = Limit(days=2)
    if is_answered:
        assert (await client.get(f"{PATH}?{ALL}&{query}")).status_code == 200
    else:
        with pytest.raises(NeverAnswered):
            await client.get(f"{PATH}?{ALL}&{query}")
    assert (await client.get(f"{PATH}/$count?{ALL}&{query}")).status_code == 200


async def test_pages_that_are_too_large_are_refused(dynamics: DynamicsSimulator, client: httpx.AsyncClient) -> None:
    dynamics.row_faults.limits[HEADERS] = Limit(rows=2, status=504)
    assert (await client.get(f"{PATH}?{ALL}&$top=3")).status_code == 504
    assert (await client.get(f"{PATH}?{ALL}&$top=2")).status_code == 200
