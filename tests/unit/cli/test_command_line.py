"""The command line without a deployment: usage, profiles, output, exit codes (design 3.3)."""

from __future__ import annotations

import csv
import io
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.completion import script
from cli.main import build_parser, main
from cli.output import Column, Output

HOST = {"CONNECTOR_URL": "http://127.0.0.1:1", "CONNECTOR_KEY": "k", "CONNECTOR_CONFIG": "/none"}


class Terminal(io.StringIO):
    """Where colours are shown."""

    def isatty(self) -> bool:
        return True


def run(*arguments: str, environment: dict[str, str] | None = None, transport: Any = None) -> tuple[int, str, str]:
    """Exit code, output and complaints."""
    out, err = io.StringIO(), io.StringIO()
    given = HOST if environment is None else environment
    code = main(arguments, environment=given, transport=transport, out=out, err=err, sleep=lambda _: None)
    return code, out.getvalue(), err.getvalue()


def answering(answer: Callable[[httpx.Request], httpx.Response]) -> httpx.MockTransport:
    return httpx.MockTransport(answer)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["none"],
        ["approve", "USMF-1"],
        ["approve", "--reason", "why"],
        ["close", "TX", "--through", "yesterday", "--reason", "why"],
        ["month", "2026-13"],
        ["retry", "--reason", "why"],
        ["retry", "USMF-1", "--state", "held", "--reason", "why"],
        ["backfill", "2026-01-01"],
        ["backfill", "--list", "--dry-run"],
        ["held", "--limit", "0"],
        ["export", "--month", "2026-01", "--from", "2026-01-01"],
        ["audit", "verify", "/none/audit.ndjson"],
    ],
)
def test_a_wrong_command_line_ends_with_2(arguments: list[str]) -> None:
    assert run(*arguments)[0] == 2


def test_without_a_deployment_or_a_key_it_says_how_to_name_one() -> None:
    code, out, err = run("held", environment={"CONNECTOR_CONFIG": "/none", "HOST": "my-machine"})
    assert (code, out) == (2, "")
    assert "CONNECTOR_URL" in err
    code, _, err = run("held", environment={"CONNECTOR_CONFIG": "/none", "HOST": "http://127.0.0.1:1"})
    assert (code, "CONNECTOR_KEY" in err) == (2, True)


@pytest.mark.parametrize("url", ["http://contoso.com", "ftp://contoso.com", "https://", "https://[", "https://x:port"])
def test_a_key_goes_only_to_https_or_to_this_machine(url: str) -> None:
    assert run("held", "--company", "usmf", "--connection", "main", "--url", url)[0] == 2


def test_a_deployment_that_does_not_answer_ends_with_3() -> None:
    code, out, err = run("status")
    assert (code, out) == (3, "")
    assert "does not answer" in err


def test_a_refusal_ends_with_3_and_the_apps_words() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        return httpx.Response(409, json={"error": {"code": "conflict", "message": "It is being worked on."}})

    where = ("--connection", "main", "--company", "usmf")
    code, _, err = run("approve", "USMF-1", "--reason", "r", *where, transport=answering(refuse))
    assert (code, err) == (3, "connector: It is being worked on.\n")


def test_the_key_and_the_way_are_sent_and_a_redirect_is_not_followed() -> None:
    asked: list[httpx.Request] = []

    def redirect(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(302, headers={"location": "https://evil.example/"})

    code, _, err = run("status", transport=answering(redirect))
    assert (code, len(asked), "redirects" in err) == (3, 1, True)
    assert (asked[0].headers["x-functions-key"], asked[0].headers["x-connector"]) == ("k", "cli")


def test_a_next_page_is_asked_of_the_same_deployment() -> None:
    asked: list[str] = []

    def page(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        following = "https://evil.example/api/people/documents/main/usmf?after=1" if len(asked) == 1 else None
        return httpx.Response(200, json={"documents": [{"transaction_id": f"USMF-{len(asked)}"}], "next": following})

    where = ("--connection", "main", "--company", "usmf")
    code, out, _ = run("held", "--csv", *where, transport=answering(page))
    assert code == 1
    assert [line.split(",")[0] for line in out.splitlines()] == ["transaction_id", "USMF-1", "USMF-2"]
    assert asked[1] == "http://127.0.0.1:1/api/documents/main/usmf?after=1"


def test_an_answer_of_another_form_is_told_without_a_trace() -> None:
    code, _, err = run("status", transport=answering(lambda _: httpx.Response(200, json={})))
    assert (code, "Traceback" in err) == (3, False)
    assert run("status", transport=answering(lambda _: httpx.Response(200, text="<html>")))[0] == 3


def test_a_profile_names_deployment_key_and_company(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(
        'default = "one"\n[profiles.one]\nurl = "http://127.0.0.1:1"\nkey_variable = "ONE"\n'
        'connection = "main"\ncompany = "USMF"\n[profiles.two]\nurls = "x"\n'
    )
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"documents": [], "next": None})

    environment = {"CONNECTOR_CONFIG": str(config), "ONE": "key-one", "KEY": "another"}
    assert run("held", environment=environment, transport=answering(answer))[0] == 0
    assert (asked[0].url.path, asked[0].headers["x-functions-key"]) == ("/api/documents/main/usmf", "key-one")
    assert run("held", "--profile", "two", environment=environment)[0] == 2
    assert run("held", "--profile", "three", environment=environment)[0] == 2
    config.write_text("profiles = 1")
    assert run("held", environment=environment)[0] == 2


COLUMNS = (Column("id"), Column("amount", money=True), Column("note"))


def printed(rows: list[dict[str, object]], form: str = "table", **environment: str) -> str:
    out = Terminal()
    Output(form, out, io.StringIO(), environment).rows(rows, COLUMNS)
    return out.getvalue()


def test_colours_are_shown_on_a_terminal_unless_they_are_not_wanted() -> None:
    rows: list[dict[str, object]] = [{"id": "held", "amount": "1.00"}]
    assert "\x1b[" in printed(rows)
    assert "\x1b[" not in printed(rows, NO_COLOR="1")
    assert "\x1b[" not in printed(rows, form="csv")


@given(st.text())
def test_no_text_of_a_document_steers_the_terminal(text: str) -> None:
    shown = printed([{"id": text, "note": text}], NO_COLOR="1")
    assert shown.count("\n") == 2
    assert not any((each < " " and each != "\n") or each in "\x7f\x9b\u202e\u2028" for each in shown)


@given(st.text(min_size=1, alphabet=st.characters(exclude_categories=["Cs"])))
def test_no_cell_of_csv_is_a_formula_and_every_row_stays_one(text: str) -> None:
    [_, row] = csv.reader(io.StringIO(printed([{"id": text, "amount": "-1.00", "note": "n"}], form="csv")))
    assert row[1:] == ["-1.00", "n"]
    assert row[0].removeprefix("'").strip() == text.strip() or row[0] == text
    assert not row[0].startswith(("=", "@", "+", "-")) or row[0].lstrip("+-").replace(".", "").isalnum()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_command_can_be_completed(shell: str) -> None:
    _, out, _ = run("completion", shell)
    for command in ("status", "held", "approve", "--dry-run" if shell != "fish" else "dry-run"):
        assert command in out


def test_bash_takes_the_completion() -> None:
    text = script("bash", build_parser())
    checked = subprocess.run(["bash", "-n"], input=text, text=True, check=False, capture_output=True)
    assert (checked.returncode, checked.stderr) == (0, "")
