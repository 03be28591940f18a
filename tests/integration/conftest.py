"""The tiny function app of the host's tests."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

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
