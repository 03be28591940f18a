"""Routes of HTTP functions: which path they match, and which of them is asked first."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from local.host.functions import HTTP, HostedFunction

PARAMETER = re.compile(r"\{(\*?)(\w+)(?::([^}?]+))?(\??)\}")
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_CONSTRAINTS = {"int": r"[+-]?\d+"}


@dataclass(frozen=True)
class Endpoint:
    """One HTTP function with its compiled route."""

    function: HostedFunction
    pattern: re.Pattern[str]
    methods: frozenset[str]
    auth_level: str

    @classmethod
    def of(cls, function: HostedFunction) -> Endpoint:
        """Reads route, methods and auth level from the trigger."""
        methods = function.trigger.get("methods") or METHODS
        level = function.trigger.get("authLevel")
        pattern = compile_route(function.trigger["route"])
        return cls(function, pattern, frozenset(map(plain, methods)), plain(level or "FUNCTION"))


def endpoints(functions: Iterable[HostedFunction]) -> list[Endpoint]:
    """The HTTP functions in the order in which the real host asks them: by name; the first that matches is called.

    A fixed segment has no precedence over a parameter there, so routes must not overlap.
    """
    found = [Endpoint.of(function) for function in functions if function.kind == HTTP]
    return sorted(found, key=lambda endpoint: endpoint.function.name.lower())


def compile_route(template: str) -> re.Pattern[str]:
    """A route template as a pattern for the path.

    ``{name}``, ``{name?}``, ``{*name}`` and ``{name:int}`` are known; other constraints are not checked.
    """
    pattern = ""
    for segment in filter(None, template.split("/")):
        if match := PARAMETER.fullmatch(segment):
            everything, name, constraint, optional = match.groups()
            part = f"/(?P<{name}>{'.*' if everything else _CONSTRAINTS.get(constraint, '[^/]+')})"
            pattern += f"(?:{part})?" if everything or optional else part
        else:
            pattern += "/" + re.escape(segment)
    return re.compile(pattern + "/?", re.IGNORECASE)


def overlap(one: str, other: str) -> bool:
    """Whether some path matches both templates; constraints are taken as matching everything."""
    return _overlap(_segments(one), _segments(other))


def _segments(template: str) -> list[str]:
    return [segment.lower() for segment in template.split("/") if segment]


def _overlap(one: list[str], other: list[str]) -> bool:
    if not one or not other:
        return all(_may_be_absent(segment) for segment in one + other)
    if one[0].startswith("{*") or other[0].startswith("{*"):
        return True
    same = one[0] == other[0] or one[0].startswith("{") or other[0].startswith("{")
    if same and _overlap(one[1:], other[1:]):
        return True
    # A segment that may be absent stands only at a template's end.
    return (_may_be_absent(one[0]) and _overlap([], other)) or (_may_be_absent(other[0]) and _overlap(one, []))


def _may_be_absent(segment: str) -> bool:
    return segment.startswith("{*") or segment.endswith("?}")


def plain(value: object) -> str:
    """The SDK's enumerations (methods, levels, directions) as text."""
    return str(getattr(value, "name", value)).upper()
