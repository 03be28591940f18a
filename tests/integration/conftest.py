"""The tiny function app of the host's tests, and a world whose reads of the ledger are counted."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.conftest import CERTIFICATES
from tests.counted_storage import CountedStorage, Reads
from tests.world import World, running_world

FUNCTIONS = Path(__file__).parent.parent / "fixtures" / "functions"


@pytest.fixture
def function_app() -> ModuleType:
    """The app of ``tests/fixtures/functions``, fresh for each test."""
    spec = importlib.util.spec_from_file_location("tiny_function_app", FUNCTIONS / "function_app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def reads() -> Reads:
    return Reads()


@pytest.fixture
async def counted(azurite: str, reads: Reads) -> AsyncIterator[World]:
    """A world whose reads of the ledger are counted."""
    async with running_world(azurite, CERTIFICATES, storage_transport=lambda: CountedStorage(reads)) as world:
        yield world
