"""Installations for the tests that run host processes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.end_to_end.installation import Installation, running_installation


@pytest.fixture
def installation() -> Iterator[Installation]:
    """An installation of the test's own."""
    with running_installation() as running:
        yield running
