"""The operator's page is files of one folder and nothing else, and runs nothing foreign (design 4.9)."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.api.console import console_file
from shared.web import Answer, Problem


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret.js").write_text("outside")
    console = tmp_path / "console"
    (console / "inner").mkdir(parents=True)
    (console / "inner" / "a.js").write_text("inner")
    (console / "index.html").write_text("<!doctype html>")
    (console / "app.js").write_text("export {}")
    (console / ".env").write_text("secret")
    (console / "notes.md").write_text("secret")
    return console


def get(folder: Path, name: str, **headers: str) -> Answer:
    return console_file(folder, name, {header.replace("_", "-"): value for header, value in headers.items()})


def test_without_a_name_it_is_the_index(folder: Path) -> None:
    answer = get(folder, "")
    assert (answer.status, answer.text()) == (200, b"<!doctype html>")
    assert answer.content_type == "text/html"


def test_every_file_forbids_what_is_foreign(folder: Path) -> None:
    headers = get(folder, "app.js").headers
    policy = headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"} <= set(policy)
    assert "require-trusted-types-for 'script'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "name",
    [
        "none.js",
        "../secret.js",
        "..%2Fsecret.js",
        "..\\secret.js",
        "inner/a.js",
        "inner",
        ".",
        "..",
        ".env",
        "notes.md",
        "/etc/passwd",
        "app.js\0",
        "APP.JS",
    ],
)
def test_everything_else_is_not_found(folder: Path, name: str) -> None:
    with pytest.raises(Problem) as refused:
        get(folder, name)
    assert refused.value.status == 404


def test_a_folder_that_is_missing_is_not_found(folder: Path) -> None:
    with pytest.raises(Problem):
        get(folder / "none", "")


def test_a_file_that_the_browser_has_is_not_sent_again(folder: Path) -> None:
    tag = get(folder, "app.js").headers["ETag"]
    for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        again = get(folder, "app.js", if_none_match=known)
        assert (again.status, again.text(), again.headers["ETag"]) == (304, b"", tag)
    (folder / "app.js").write_text("export {changed}")
    assert get(folder, "app.js", if_none_match=tag).status == 200
