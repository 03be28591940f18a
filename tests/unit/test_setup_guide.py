"""The guide for F&O administrators names what the connector reads, and its examples are valid settings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shared.dynamics.business_events import POSTED
from shared.dynamics.checks import entity_sets
from shared.settings import load_settings

GUIDE = (Path(__file__).parent.parent.parent / "docs" / "dynamics-setup.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"`([^`\n]+)`", GUIDE))
BASE = """
[connections.main.dynamics]
url = "https://contoso.operations.dynamics.com"
tenant_id = "t"
client_id = "c"
client_secret = "s"
[connections.main.taxjar]
token = "x"
[connections.main.companies.usmf]
report_from = 2026-01-01
"""


@pytest.mark.parametrize("name", [entity.name for entity in entity_sets()])
def test_it_names_every_entity_set_that_a_role_has_to_include(name: str) -> None:
    assert name in NAMED


def test_it_names_every_event_to_activate() -> None:
    assert {name.casefold() for name in NAMED} >= POSTED


@pytest.mark.parametrize("example", re.findall(r"```toml\n(.+?)```", GUIDE, re.DOTALL))
def test_its_entity_profiles_are_valid_and_rename_fields_that_are_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, example: str
) -> None:
    (tmp_path / "connections.toml").write_text(BASE + example, encoding="utf-8")
    monkeypatch.setenv("CONNECTIONS_FILE", str(tmp_path / "connections.toml"))
    profile = load_settings(azurewebjobsstorage="UseDevelopmentStorage=true").connections["main"].dynamics.entities
    read = {entity.name.casefold(): {field.casefold() for field in entity.fields} for entity in entity_sets()}
    assert profile
    assert all(settings.fields.keys() <= read[name] for name, settings in profile.items())
