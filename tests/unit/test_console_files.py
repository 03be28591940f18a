"""The files of the operator's page: few bytes, nothing from elsewhere, no text that becomes markup."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from local.bootstrap import ROOT
from tests.package import deployed_files

RAW, GZIP, LINES = 60_000, 20_000, 150
FILES = sorted((ROOT / "console").iterdir())
MODULES = [path for path in FILES if path.suffix == ".js"]
SINKS = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|style=|javascript:"


def test_the_page_is_small() -> None:
    contents = [path.read_bytes() for path in FILES]
    assert sum(map(len, contents)) <= RAW
    assert sum(len(gzip.compress(content, 9, mtime=0)) for content in contents) <= GZIP


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_file_is_short_and_needs_nothing_from_elsewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= LINES
    assert not re.findall(r"(?:https?:)?//(?!www\.w3\.org/)[\w.-]+\.[a-z]{2,}", text)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_no_module_turns_text_into_markup(path: Path) -> None:
    assert not re.findall(SINKS, path.read_text(encoding="utf-8"))


def test_what_a_module_names_from_another_is_there() -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in MODULES}
    for text in texts.values():
        for names, module in re.findall(r"import \{([^}]*)\} from \"\./(\w+\.js)\"", text):
            for name in filter(None, map(str.strip, names.split(","))):
                assert re.search(rf"export (?:async )?(?:const|function) {name}\b", texts[module]), (module, name)
                assert len(re.findall(rf"\b{name}\b", text)) > 1, name


def test_a_deployment_carries_the_page() -> None:
    assert {Path("console") / path.name for path in FILES} <= set(deployed_files())
