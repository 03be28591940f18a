"""The ceiling: TaxJar orders that are there already, posted by httpx at the pipeline's concurrency, and nothing else.

Reads one order per line from standard input; prints the seconds that posting them took, and the seconds of CPU.
"""

from __future__ import annotations

import asyncio
import sys
import time

import httpx

from shared.connector import CALLS_AT_ONCE


async def post_all(url: str, token: str, orders: list[bytes]) -> tuple[float, float]:
    """Post every order; return the seconds, and those of CPU."""
    slots = asyncio.Semaphore(CALLS_AT_ONCE)
    headers = {"Authorization": f"Bearer {token}", "x-api-version": "2022-01-24", "Content-Type": "application/json"}
    async with httpx.AsyncClient(
        headers=headers, timeout=60, limits=httpx.Limits(max_connections=CALLS_AT_ONCE)
    ) as http:

        async def one(order: bytes) -> None:
            async with slots:
                answer = await http.post(f"{url}/transactions/orders", content=order)
                answer.raise_for_status()

        started, cpu = time.monotonic(), time.process_time()
        await asyncio.gather(*(one(order) for order in orders))
        return time.monotonic() - started, time.process_time() - cpu


if __name__ == "__main__":
    orders = [line for line in sys.stdin.buffer.read().splitlines() if line]
    print(*asyncio.run(post_all(sys.argv[1], sys.argv[2], orders)))
