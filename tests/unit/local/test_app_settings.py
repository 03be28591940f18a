from __future__ import annotations

from pathlib import Path

import pytest

from local.host.app_settings import apply_local_settings, resolve
from local.host.errors import HostError


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "local.settings.json").write_text('{"Values": {"A": "file", "B": "file"}}')
    environment = {"A": "environment"}
    apply_local_settings(tmp_path, environment)
    assert environment == {"A": "environment", "B": "file"}


def test_names_are_compared_without_case(tmp_path: Path) -> None:
    (tmp_path / "local.settings.json").write_text('{"Values": {"Poll_Schedule": "file", "B": "file"}}')
    environment = {"POLL_SCHEDULE": "environment"}
    apply_local_settings(tmp_path, environment)
    assert environment == {"POLL_SCHEDULE": "environment", "B": "file"}


def test_what_lies_below_a_name_of_the_environment_is_not_taken_from_the_file(tmp_path: Path) -> None:
    values = '{"CONNECTIONS__MAIN__COMPANIES__USMF__X": "1", "CONNECTIONS__MAIN__TAXJAR__TOKEN": "2", "A__B": "3"}'
    (tmp_path / "local.settings.json").write_text(f'{{"Values": {values}}}')
    environment = {"Connections__Main__Companies": '{"usmf": {}}', "A_": "4"}
    apply_local_settings(tmp_path, environment)
    assert environment.keys() == {"Connections__Main__Companies", "CONNECTIONS__MAIN__TAXJAR__TOKEN", "A__B", "A_"}


def test_without_a_file_nothing_is_added(tmp_path: Path) -> None:
    environment: dict[str, str] = {}
    apply_local_settings(tmp_path, environment)
    assert environment == {}


@pytest.mark.parametrize("text", ["{", "[]", '{"Values": []}', '{"Values": {"A": 1}}', '{"IsEncrypted": true}'])
def test_a_file_that_holds_no_settings_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "local.settings.json").write_text(text)
    with pytest.raises(HostError, match=r"local\.settings\.json"):
        apply_local_settings(tmp_path, {})


def test_a_placeholder_becomes_its_setting() -> None:
    assert resolve("%NAME%-poison", {"Name": "orders"}) == "orders-poison"


def test_a_placeholder_without_a_setting_is_named() -> None:
    with pytest.raises(HostError, match="POLL_SCHEDULE"):
        resolve("%POLL_SCHEDULE%", {})
