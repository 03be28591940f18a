from __future__ import annotations

import pytest

from local.host.http import compile_route


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("health", "/health", {}),
        ("health", "/Health/", {}),
        ("documents/{connection}/{company}", "/documents/main/usmf", {"connection": "main", "company": "usmf"}),
        ("rates/{zip:regex(^[0-9]+$)}", "/rates/01001-2", {"zip": "01001-2"}),
        ("jobs/{job?}", "/jobs", {"job": None}),
        ("files/{*path}", "/files/a/b", {"path": "a/b"}),
    ],
)
def test_a_template_reads_its_parameters_from_a_path(template: str, path: str, values: dict[str, str | None]) -> None:
    match = compile_route(template)[0].fullmatch(path)
    assert match is not None
    assert match.groupdict() == values


@pytest.mark.parametrize("path", ["/documents", "/documents/main", "/documents/main/usmf/more", "/documents//usmf"])
def test_another_shape_of_path_does_not_match(path: str) -> None:
    assert compile_route("documents/{connection}/{company}")[0].fullmatch(path) is None


def test_a_fixed_segment_goes_before_a_parameter() -> None:
    assert compile_route("documents/{company}/retry")[1] < compile_route("documents/{company}/{id}")[1]
