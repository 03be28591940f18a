"""``python3 -m local categories SEARCH``: finds TaxJar's product tax codes by words of their name or description."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import textwrap
from collections.abc import Sequence
from datetime import UTC, datetime

from local.bootstrap import ROOT
from local.host.app_settings import apply_local_settings
from local.host.errors import HostError
from local.simulators.taxjar.tables import CATEGORIES
from shared.remote.http import transport_to
from shared.settings import Settings, load_settings
from shared.settings_checks import SettingsError
from shared.taxjar.answers import Category
from shared.taxjar.client import TaxJarClient
from shared.taxjar.errors import TaxJarError

_WIDTH = 100


def main(arguments: list[str]) -> int:
    """Print the codes that fit. Returns 0, 1 when none fits or TaxJar cannot be asked, 2 for wrong settings."""
    parser = argparse.ArgumentParser(
        prog="python3 -m local categories",
        description="Finds product tax codes; every word must occur in code, name or description.",
    )
    parser.add_argument("search", nargs="*", metavar="SEARCH", help="words such as: clothing swim; none lists all")
    words = " ".join(parser.parse_args(arguments).search).casefold().split()
    try:
        categories = _categories()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    except (HostError, TaxJarError) as error:
        print(error, file=sys.stderr)
        return 1
    found = [category for category in categories if _fits(category, words)]
    for category in sorted(found, key=lambda category: category.product_tax_code):
        line = f"{category.product_tax_code:15}{category.name or ''}"
        if category.description and category.description != category.name:
            line += f": {category.description}"
        print(textwrap.fill(line, _WIDTH, subsequent_indent=" " * 15))
    if not found:
        print(f"None of TaxJar's {len(categories)} product tax codes fits {' '.join(words)!r}.", file=sys.stderr)
    return 0 if found else 1


def _categories() -> Sequence[Category]:
    apply_local_settings(ROOT, os.environ)
    if not any(name.upper().startswith("CONNECTIONS") for name in os.environ):
        print("No connection is configured: these are the codes of the simulated TaxJar.", file=sys.stderr)
        return [
            Category(product_tax_code=code, name=row.name, description=row.description)
            for code, row in CATEGORIES.items()
        ]
    os.environ.setdefault("AzureWebJobsStorage", "UseDevelopmentStorage=true")
    return asyncio.run(_ask_taxjar(load_settings()))


async def _ask_taxjar(settings: Settings) -> Sequence[Category]:
    """The list is the same for every account: the first one is asked."""
    connection = next(iter(settings.connections.values()))
    token = connection.token_of(next(iter(connection.companies)))
    async with transport_to(connection.taxjar.api_url) as transport:
        return await TaxJarClient(transport, connection.taxjar, token, clock=lambda: datetime.now(UTC)).categories()


def _fits(category: Category, words: Sequence[str]) -> bool:
    text = f"{category.product_tax_code} {category.name or ''} {category.description or ''}".casefold()
    return all(word in text for word in words)
