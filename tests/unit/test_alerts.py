"""The queries of the alerts, as Microsoft's Kusto language service reads them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from local.bootstrap import ROOT
from shared import telemetry
from tests import bicep
from tests.kusto.service import check

TEMPLATE = bicep.read(ROOT / "infra" / "alerts.bicep")
RULES: dict[str, dict[str, Any]] = bicep.evaluate(TEMPLATE, "rules", {})
RECORDED = Path(telemetry.__file__).read_text(encoding="utf-8")
GAUGES = set(re.findall(r'create_gauge\("([a-z.]+)"', RECORDED))
GUIDE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


def query(name: str) -> str:
    """The query as it is deployed."""
    text: str = RULES[name]["query"]
    return text.replace("CONNECTION_NAMES", json.dumps(["main", "europe"]))


def metrics(name: str) -> set[str]:
    return set(re.findall(r"'(connector\.[a-z.]+)'", query(name)))


def test_every_query_is_valid_and_gives_the_columns_that_its_alerts_are_split_by() -> None:
    for name, checked in zip(RULES, check([query(name) for name in RULES]), strict=True):
        assert checked.errors == [], name
        for column in RULES[name]["split"]:
            assert checked.columns[column] == "string", name


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (query("queue-too-old").replace("valueSum /", "valueSums /"), "valueSums"),
        (query("no-successful-poll").replace("summarize polls =", "summarise polls ="), "summarise"),
    ],
    ids=["a column that there is not", "an operator that there is not"],
)
def test_a_broken_query_is_found(broken: str, words: str) -> None:
    [checked] = check([broken])
    assert any(words in error or "expected" in error for error in checked.errors)


@pytest.mark.parametrize("name", RULES)
def test_an_alert_asks_for_metrics_that_the_app_records(name: str) -> None:
    assert metrics(name)
    assert all(f'"{metric}"' in RECORDED for metric in metrics(name))


@pytest.mark.parametrize("name", RULES)
def test_an_alert_asks_for_attributes_that_its_metrics_have(name: str) -> None:
    attributes = set(re.findall(r"customDimensions\['(\w+)'\]", query(name)))
    assert all(f'"{attribute}": ' in RECORDED for attribute in attributes)


@pytest.mark.parametrize("name", [name for name in RULES if metrics(name) & GAUGES])
def test_a_gauge_is_taken_by_its_value_and_not_by_a_sum_of_points(name: str) -> None:
    assert "valueSum / valueCount" in query(name)
    assert not re.search(r"\b(sum|max)\(value", query(name))


@pytest.mark.parametrize("name", RULES)
def test_attributes_that_are_yes_or_no_are_compared_as_text(name: str) -> None:
    assert "tobool" not in query(name)


def test_every_gauge_is_watched_and_so_is_every_run_of_a_timer() -> None:
    assert set().union(*map(metrics, RULES)) >= GAUGES
    source = (ROOT / "function_app.py").read_text(encoding="utf-8")
    timers = re.findall(r"@app\.timer_trigger\(.+\)\nasync def (\w+)", source)
    watched = "".join(map(query, RULES))
    assert timers
    assert all(f"'{timer}'" in watched for timer in timers)


@pytest.mark.parametrize("name", RULES)
def test_the_window_of_an_alert_is_at_least_as_long_as_its_turn(name: str) -> None:
    minutes = {"PT15M": 15, "PT30M": 30, "P1D": 24 * 60, "P2D": 48 * 60}
    assert minutes[RULES[name]["window"]] >= minutes[RULES[name]["every"]]


@pytest.mark.parametrize("name", RULES)
def test_the_guide_says_what_to_do_about_an_alert(name: str) -> None:
    assert f"`alert-{name}`" in GUIDE


def test_a_rule_is_deployed_before_there_is_any_metric() -> None:
    rule = bicep.properties(bicep.body(TEMPLATE.declarations("resource")["alerts"]))
    assert bicep.properties(rule["properties"])["skipQueryValidation"].text == b"true"
