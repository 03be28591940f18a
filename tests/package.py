"""The files that a deployment carries, by the rules of ``.funcignore`` (the syntax of ``.gitignore``)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pathspec

from local.bootstrap import ROOT


def deployed_files() -> list[Path]:
    """Paths, relative to the repository, in order."""
    rules = pathspec.GitIgnoreSpec.from_lines((ROOT / ".funcignore").read_text(encoding="utf-8").splitlines())
    found: list[Path] = []
    folders = [ROOT]
    while folders:
        for path in sorted(folders.pop().iterdir()):
            relative = path.relative_to(ROOT)
            if rules.match_file(f"{relative.as_posix()}{'/' * path.is_dir()}"):
                continue
            if path.is_dir():
                folders.append(path)
            else:
                found.append(relative)
    return sorted(found)


def copy_package(target: Path) -> Path:
    """Copy the deployed files to ``target``."""
    for path in deployed_files():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, target / path)
    return target
