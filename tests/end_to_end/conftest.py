"""Installations for the tests that run host processes."""

from __future__ import annotations

from collections.abc import Iterator
from subprocess import DEVNULL

import pytest

from local.demo.story import Demo
from local.up import running_up
from tests.end_to_end.installation import Installation, running_installation


@pytest.fixture
def installation() -> Iterator[Installation]:
    """An installation of the test's own."""
    with running_installation() as running:
        yield running


# Of a module, not of the session: what runs on would compete with the tests that follow.
@pytest.fixture(scope="module")
def up() -> Iterator[Demo]:
    """The world of ``python3 -m local up``: tests share it, each with documents of its own."""
    with running_up(output=DEVNULL) as running:
        yield running
