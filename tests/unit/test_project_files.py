"""What surrounds the code says what the code does: guide, changelog, pipeline, development container."""

from __future__ import annotations

import importlib
import json
import re
import tomllib
from pathlib import Path

import pytest

from local.bootstrap import ROOT
from local.checks import CHECKS
from shared import telemetry
from shared.mapping import HoldReason, SkipReason
from shared.version import VERSION
from tests.bicep import read, text_of

GUIDE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def test_the_guide_says_what_to_do_for_every_reason_and_names_no_other() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| [^|]+ \| [^|]+ \|$", GUIDE, re.MULTILINE)
    assert rows == [*SkipReason, *HoldReason]


def test_the_guide_lists_every_metric() -> None:
    recorded = set(re.findall(r'"(connector\.[a-z.]+)"', Path(telemetry.__file__).read_text(encoding="utf-8")))
    assert recorded == set(re.findall(r"^\| `(connector\.[a-z.]+)`", GUIDE, re.MULTILINE))


def test_every_rule_that_the_code_names_by_number_is_in_the_design() -> None:
    text = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    sections = set(re.findall(r"^#+ ([\d.]+) ", text, re.MULTILINE))
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "shared").rglob("*.py")]
    named = {number for source in sources for number in re.findall(r"design (\d(?:\.\d)?)", source)}
    assert {number.partition(".")[0] if number.startswith("3") else number for number in named} <= sections


def test_every_module_that_the_design_names_exists() -> None:
    modules = {path.name for path in (ROOT / "shared").rglob("*.py")}
    named = re.findall(r"`(?:[\w/]+/)?(\w+\.py)`", (ROOT / "docs" / "design.md").read_text(encoding="utf-8"))
    assert set(named) <= modules


def test_the_changelog_begins_with_this_version() -> None:
    versions = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert next(name for name in versions if name != "Unreleased") == VERSION


def test_the_version_is_written_in_one_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" not in project["project"]
    module, _, name = project["tool"]["setuptools"]["dynamic"]["version"]["attr"].rpartition(".")
    assert getattr(importlib.import_module(module), name) == VERSION


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_the_pipeline_runs_the_one_test_command() -> None:
    workflow = (ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")
    assert "run: python -m local test\n" in workflow
    assert "python3 -m local test\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_a_commit_is_checked_by_the_tools_of_the_test_command() -> None:
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    checked = re.findall(r"name: (.+)", hooks)
    assert checked == list(CHECKS)
    assert ".venv" not in hooks, "the interpreter's place differs from system to system"


def test_azure_the_development_container_and_the_pipeline_use_one_python() -> None:
    template = read(ROOT / "infra" / "main.bicep").declarations("parameter")["pythonVersion"]
    version = text_of(template.named_children[-1]).strip("'")
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    assert container["image"].endswith(f":{version}")
    assert version in _tested_versions()


def test_the_pipeline_tests_the_oldest_python_and_the_newest_that_azure_offers() -> None:
    offered = re.search(
        r"@allowed\(\[(.+)\]\)\nparam pythonVersion", (ROOT / "infra" / "main.bicep").read_text("utf-8")
    )
    required = re.search(r'requires-python = ">=([\d.]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert offered is not None
    assert required is not None
    versions = re.findall(r"[\d.]+", offered[1])
    assert versions[0] == required[1]
    assert {versions[0], versions[-1]} <= _tested_versions()


def _tested_versions() -> set[str]:
    workflow = (ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")
    found = re.search(r"python: \[(.+)\]", workflow)
    assert found is not None
    return set(re.findall(r"[\d.]+", found[1]))
