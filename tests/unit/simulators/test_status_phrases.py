"""The simulators write the names of statuses as the services do, on every Python."""

from __future__ import annotations

import pytest

from local.simulators.status_phrases import status_phrase


@pytest.mark.parametrize(
    ("status", "phrase"),
    [(404, "Not Found"), (413, "Request Entity Too Large"), (422, "Unprocessable Entity"), (429, "Too Many Requests")],
)
def test_the_phrase_is_that_of_the_services(status: int, phrase: str) -> None:
    assert status_phrase(status) == phrase


def test_a_number_that_is_no_status_has_none() -> None:
    with pytest.raises(ValueError, match="599"):
        status_phrase(599)
