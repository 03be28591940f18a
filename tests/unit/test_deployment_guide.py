"""The guides to deployment name what the templates ask for and give, and repeat what is easily forgotten."""

from __future__ import annotations

import json
import re

import pytest

from local.bootstrap import ROOT
from tests import bicep

GUIDE = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
MAIN = bicep.read(ROOT / "infra" / "main.bicep")
REFRESH = "/config/configreferences/appsettings/refresh?"


@pytest.mark.parametrize("name", MAIN.declarations("parameter"))
def test_it_explains_every_parameter(name: str) -> None:
    assert any(f"`{name}`" in line for line in GUIDE.splitlines() if line.startswith("|"))


@pytest.mark.parametrize("name", MAIN.declarations("output"))
def test_it_names_every_output(name: str) -> None:
    assert re.search(rf"\b{name}\b", GUIDE)


def test_the_roles_are_those_that_people_can_have() -> None:
    [roles] = [json.loads(found) for found in re.findall(r"```json\n(.+?)```", GUIDE, re.DOTALL)]
    assert [role["value"] for role in roles] == ["viewer", "operator", "approver"]
    assert len({role["id"] for role in roles}) == 3
    assert all(role["allowedMemberTypes"] == ["User"] and role["isEnabled"] for role in roles)


def test_the_platform_is_told_to_read_secrets_anew_wherever_one_is_put_into_the_vault() -> None:
    """It keeps the old value for up to a day, also over a restart."""
    for guide in (GUIDE, OPERATIONS):
        blocks = [block for block in re.findall(r"```sh\n(.+?)```", guide, re.DOTALL) if "secret set" in block]
        assert blocks
        assert all(REFRESH in block for block in blocks)
    rotating = OPERATIONS.partition("## Rotating keys")[2].partition("\n## ")[0]
    rows = [row for row in rotating.splitlines() if "secret set" in row]
    assert rows
    assert all("refresh" in row for row in rows)


def test_the_code_is_published_with_its_language() -> None:
    assert "func azure functionapp publish <FUNCTION_APP_NAME> --python\n" in GUIDE


def test_it_counts_the_alerts_right() -> None:
    rules = bicep.evaluate(bicep.read(ROOT / "infra" / "alerts.bicep"), "rules", {})
    numbers = {5: "five", 6: "six", 7: "seven", 8: "eight", 9: "nine", 10: "ten"}
    assert f"{numbers[len(rules)]} alerts" in GUIDE


def test_the_scripts_that_the_deployment_runs_are_there() -> None:
    named = set(re.findall(r"infra/\w+\.(?:sh|ps1)", GUIDE + (ROOT / "azure.yaml").read_text(encoding="utf-8")))
    assert named == {
        path.relative_to(ROOT).as_posix() for path in (ROOT / "infra").iterdir() if path.suffix in (".sh", ".ps1")
    }
