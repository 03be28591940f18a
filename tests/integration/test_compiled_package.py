"""The script before packaging: it compiles what is deployed for the Python that runs it there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local.bootstrap import ROOT
from tests.package import copy_package

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a script of sh")
CHECKED = 0b11
"""The second word of a compiled file that carries its source's hash."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The deployed files without anything compiled, and a template that asks for the Python of this test."""
    target = copy_package(tmp_path / "app")
    for cache in target.rglob("__pycache__"):
        shutil.rmtree(cache)
    (target / "infra").mkdir()
    (target / "infra" / "main.bicep").write_text("param pythonVersion string = 'of-the-test'\n", encoding="utf-8")
    return target


def prepare(folder: Path, path: str) -> subprocess.CompletedProcess[str]:
    command = ["sh", str(ROOT / "infra" / "compile.sh"), str(folder)]
    environment = {**os.environ, "PATH": path}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=120)


def test_every_module_is_compiled_with_the_hash_of_its_source(folder: Path, tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    python = tools / "pythonof-the-test"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    stale = folder / "shared" / "__pycache__" / "gone.cpython-39.pyc"
    stale.parent.mkdir()
    stale.write_bytes(b"")
    prepare(folder, f"{tools}:{os.environ['PATH']}")
    compiled = {path.name.split(".")[0] for path in folder.rglob("*.pyc")}
    assert compiled == {path.stem for path in folder.rglob("*.py")}
    assert {path.read_bytes()[4] for path in folder.rglob("*.pyc")} == {CHECKED}


def test_without_that_python_the_sources_go_alone(folder: Path) -> None:
    done = prepare(folder, os.environ["PATH"])
    assert list(folder.rglob("*.pyc")) == []
    assert "will compile itself at each cold start" in done.stderr
