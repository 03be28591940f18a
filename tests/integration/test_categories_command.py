"""``python3 -m local categories`` against the simulated TaxJar."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local import categories
from local.simulation import Simulation
from local.simulators.certificates import Certificates


@pytest.fixture
def simulation(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulation]:
    with Simulation(certificates) as running:
        for name, value in running.environment({"usmf": {"report_from": "2026-01-01"}}).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AzureWebJobsStorage", "UseDevelopmentStorage=true")
        yield running


def test_codes_are_found_by_all_the_words(simulation: Simulation, capsys: pytest.CaptureFixture[str]) -> None:
    assert categories.main(["CLOTHING", "swim"]) == 0
    [line] = capsys.readouterr().out.splitlines()
    assert line.split()[0] == "20015"
    assert len(simulation.taxjar.calls) == 1


def test_a_code_is_found_by_itself_and_no_words_list_all(
    simulation: Simulation, capsys: pytest.CaptureFixture[str]
) -> None:
    assert categories.main(["20010"]) == 0
    assert "Clothing" in capsys.readouterr().out
    assert categories.main([]) == 0
    assert len(capsys.readouterr().out.splitlines()) >= 40


def test_nothing_found_and_a_refused_token_are_said(simulation: Simulation, capsys: pytest.CaptureFixture[str]) -> None:
    assert categories.main(["zeppelin"]) == 1
    assert "zeppelin" in capsys.readouterr().err
    simulation.taxjar.tokens.clear()
    assert categories.main(["clothing"]) == 1
    assert "401" in capsys.readouterr().err


def test_a_wrong_setting_is_named(
    simulation: Simulation, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONNECTIONS__MAIN__DYNAMICS__URL", "nonsense")
    assert categories.main(["clothing"]) == 2
    assert "CONNECTIONS__MAIN" in capsys.readouterr().err


def test_without_a_connection_the_simulated_codes_are_searched_and_said_to_be_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CONNECTIONS__MAIN", raising=False)
    assert categories.main(["clothing"]) == 0
    assert "simulated" in capsys.readouterr().err
