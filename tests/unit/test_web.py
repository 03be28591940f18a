"""HTTP answers: JSON, errors a person can act on, limits (design 3.1)."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator

from shared.flows.reconciliation.completeness import CompletenessQuery
from shared.flows.reconciliation.reconcile import ReconcileQuery
from shared.flows.review.listing import DocumentFilter
from shared.web import BODY_LIMIT, Answer, Days, Problem, check_size, instant, read_json, read_query


class Order(BaseModel):
    """What a function might take."""

    model_config = ConfigDict(extra="forbid")

    company: str
    since: date = Field(alias="from")
    count: int = 1

    @field_validator("company")
    @classmethod
    def _is_known(cls, company: str) -> str:
        if company != "usmf":
            raise ValueError("there is no such company")
        return company


def test_an_answer_is_json_with_its_letters_as_they_are() -> None:
    assert Answer(body={"message": "Größe → 5"}).text() == '{"message": "Größe → 5"}'


def test_another_content_type_is_sent_as_it_is() -> None:
    assert Answer(body="a,b\r\n1,2\r\n", content_type="text/csv").text() == "a,b\r\n1,2\r\n"


def test_a_problem_becomes_an_error_with_code_and_message() -> None:
    answer = Problem(503, "unavailable", "TaxJar did not answer.", headers={"Retry-After": "30"}).answer()
    assert (answer.status, answer.content_type, answer.headers["Retry-After"]) == (503, "application/json", "30")
    assert json.loads(answer.text()) == {"error": {"code": "unavailable", "message": "TaxJar did not answer."}}


@pytest.mark.parametrize(("size", "refused"), [(BODY_LIMIT, False), (BODY_LIMIT + 1, True)])
def test_a_body_may_have_256_kib(size: int, refused: bool) -> None:
    assert BODY_LIMIT == 262_144
    if not refused:
        check_size(b"x" * size)
        return
    with pytest.raises(Problem) as problem:
        check_size(b"x" * size)
    assert problem.value.status == 413


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", ["company: Field required", "from: Field required"]),
        (b"{", ["body: Invalid JSON"]),
        (b"[]", ["body: "]),
        (b'{"company": "usrt", "from": "2026-01-01"}', ["company: there is no such company"]),
        (b'{"company": "usmf", "from": "soon"}', ["from: "]),
        (b'{"company": "usmf", "from": "2026-01-01", "until": 1}', ["until: "]),
    ],
)
def test_a_wrong_body_is_a_400_that_names_each_field(body: bytes, said: list[str]) -> None:
    with pytest.raises(Problem) as problem:
        read_json(body, Order)
    assert (problem.value.status, problem.value.code) == (400, "bad_request")
    parts = str(problem.value).split("; ")
    assert len(parts) == len(said)
    assert all(part.startswith(beginning) for part, beginning in zip(parts, said, strict=True))


def test_a_problem_does_not_repeat_what_was_sent() -> None:
    with pytest.raises(Problem) as problem:
        read_json(b'{"company": "s3cret-value", "from": "s3cret-value"}', Order)
    assert "s3cret-value" not in str(problem.value)


def test_query_parameters_are_read_like_a_body() -> None:
    assert read_query({"company": "usmf", "from": "2026-01-01", "count": "3"}, Order).count == 3
    with pytest.raises(Problem, match="count: "):
        read_query({"company": "usmf", "from": "2026-01-01", "count": "many"}, Order)


@pytest.mark.parametrize("query", [DocumentFilter, ReconcileQuery, CompletenessQuery], ids=lambda query: query.__name__)
def test_a_range_of_days_that_ends_before_it_begins_is_refused(query: type[Days]) -> None:
    assert read_query({"from": "2026-03-01", "to": "2026-03-01"}, query).since == date(2026, 3, 1)
    with pytest.raises(Problem, match="must not be after"):
        read_query({"from": "2026-03-02", "to": "2026-03-01"}, query)


def test_an_unknown_parameter_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(Problem) as problem:
        read_query({"stat": "held"}, DocumentFilter)
    assert str(problem.value).startswith("stat: there is no such parameter; there are from, to, state, reason, ")


def test_instants_are_iso_8601_in_utc() -> None:
    assert instant(None) is None
    assert instant(datetime(2026, 3, 17, 12, 30, 5, 999, UTC)) == "2026-03-17T12:30:05Z"
    assert instant(datetime(2026, 3, 17, 12, 30, tzinfo=timezone(timedelta(hours=2)))) == "2026-03-17T10:30:00Z"


def test_a_problem_may_say_more_to_programs_but_not_otherwise() -> None:
    problem = Problem(409, "open_work", "8 documents are held.", details={"held": 8, "code": "another"})
    assert problem.answer().body == {"error": {"held": 8, "code": "open_work", "message": "8 documents are held."}}
