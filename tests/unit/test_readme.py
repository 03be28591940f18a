"""The documents name everything that their readers can meet, and the README is short."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from local.commands import COMMANDS
from shared.api.description import ALL_ROUTES
from shared.ledger.records import State
from shared.mapping.reasons import HoldReason, SkipReason
from shared.settings import load_settings

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = {path: path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))}
TEXT = "\n".join(PAGES.values())
NAMED = set(re.findall(r"`([^`\n]+)`", TEXT))
OPERATORS = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
LONGEST_README = 9 * 1024
SETTINGS = json.loads((ROOT / "local.settings.sample.json").read_text(encoding="utf-8"))["Values"]
PREFIXES = ("CONNECTIONS__MAIN__COMPANIES__USMF__", "CONNECTIONS__MAIN__")


def functions() -> list[str]:
    source = (ROOT / "function_app.py").read_text(encoding="utf-8")
    triggered = re.findall(r"^async def (\w+)\((?:timer|message): ", source, re.MULTILINE)
    return [*triggered, "people", "console", *(route.name for route in ALL_ROUTES)]


@pytest.mark.parametrize("name", functions())
def test_it_names_every_function(name: str) -> None:
    assert name in NAMED


@pytest.mark.parametrize("reason", [*SkipReason, *HoldReason])
def test_it_says_what_to_do_about_every_reason(reason: str) -> None:
    assert any(line.startswith("|") and f"`{reason}`" in line for line in OPERATORS.splitlines())


@pytest.mark.parametrize("reason", HoldReason)
def test_every_hold_has_a_row_with_its_meaning_and_a_decision_that_leads_out(reason: str) -> None:
    [row] = [line for line in OPERATORS.splitlines() if line.startswith(f"| `{reason}` |")]
    _, _, meaning, way_out, _ = row.split("|")
    assert len(meaning.split()) > 5
    assert any(f"`{decision}`" in way_out for decision in ("retry", "approve", "dismiss", "settle"))


@pytest.mark.parametrize("state", State)
def test_it_explains_every_state(state: str) -> None:
    assert state in NAMED


@pytest.mark.parametrize("name", [name for name in SETTINGS if name != "FUNCTIONS_WORKER_RUNTIME"])
def test_it_explains_every_setting(name: str) -> None:
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    assert name in NAMED


@pytest.mark.parametrize("name", COMMANDS)
def test_it_names_every_command(name: str) -> None:
    assert f"python3 -m local {name}" in TEXT


def test_the_readme_is_read_in_one_sitting() -> None:
    assert len(README.encode()) <= LONGEST_README


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", PAGES[page]):
        if target.startswith(("http:", "https:", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        other = (page.parent / path).resolve() if path else page
        assert other.exists(), target
        if anchor and other.suffix == ".md":
            titles = re.findall(r"^#+ (.+)$", other.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {_anchor(title) for title in titles}, target


def _anchor(title: str) -> str:
    """As GitHub makes it of a title."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def test_its_settings_file_is_valid(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    example = next(text for text in re.findall(r"```toml\n(.+?)```", TEXT, re.DOTALL) if "product_tax_codes" in text)
    (tmp_path / "connections.toml").write_text(example, encoding="utf-8")
    monkeypatch.setenv("CONNECTIONS_FILE", str(tmp_path / "connections.toml"))
    monkeypatch.setenv("CONNECTIONS__MAIN__DYNAMICS__CLIENT_SECRET", "from-elsewhere")
    monkeypatch.setenv("CONNECTIONS__MAIN__TAXJAR__TOKEN", "from-elsewhere")
    company = load_settings(azurewebjobsstorage="UseDevelopmentStorage=true").connections["main"].companies["usmf"]
    assert company.product_tax_codes.items == {"d0001": "20010"}
