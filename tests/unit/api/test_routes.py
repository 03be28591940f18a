"""The one table of routes: no two answer the same request, and each decision has its role (design 3.1, 4.9)."""

from __future__ import annotations

import pytest

from shared.api.routes import ROUTES
from shared.api.serve import find_route
from shared.people.roles import Role
from shared.web import Problem


def role_of(method: str, path: str) -> Role | None:
    route, parameters = find_route(ROUTES, method, path)
    return route.needed_role(method, parameters)


def test_names_and_requests_are_unique() -> None:
    assert len({route.name for route in ROUTES}) == len(ROUTES)
    asked = [(method, route.path) for route in ROUTES for method in route.methods]
    assert len(set(asked)) == len(asked)


def test_viewers_read_and_writing_needs_more() -> None:
    for route in ROUTES:
        for method in route.methods:
            needed = route.needed_role(method, {})
            assert (needed is Role.VIEWER) == (method == "GET") or needed is None, route.name


@pytest.mark.parametrize(
    ("decision", "role"),
    [
        ("retry", Role.OPERATOR),
        ("note", Role.OPERATOR),
        ("assign", Role.OPERATOR),
        ("approve", Role.APPROVER),
        ("dismiss", Role.APPROVER),
        ("settle", Role.APPROVER),
    ],
)
def test_what_decides_what_is_filed_needs_an_approver(decision: str, role: Role) -> None:
    assert role_of("POST", f"documents/main/usmf/USMF-1/{decision}") is role


def test_a_fixed_segment_wins_over_a_parameter() -> None:
    assert find_route(ROUTES, "POST", "documents/main/usmf/retry")[0].name == "retry_documents"
    assert find_route(ROUTES, "GET", "documents/main/usmf/retry")[0].name == "show_document"


@pytest.mark.parametrize("path", ["", "/", "documents", "documents/main//x", "documents/main/usmf/a/b/c", "../health"])
def test_what_is_no_route_is_not_found(path: str) -> None:
    with pytest.raises(Problem) as refused:
        find_route(ROUTES, "GET", path)
    assert refused.value.status == 404
