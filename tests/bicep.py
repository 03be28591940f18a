"""Reads Bicep without its compiler: the syntax tree, the names in it, and the value of an expression without resources.

Enough for the templates of this repository; anything else raises ``NotImplementedError``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

_PARSER = Parser(Language(tree_sitter_bicep.language()))


@dataclass(frozen=True)
class Template:
    """One file."""

    path: Path
    root: Node

    def declarations(self, kind: str) -> dict[str, Node]:
        """Declarations by name; ``kind`` is ``parameter``, ``variable``, ``resource``, ``module`` or ``output``."""
        found = [node for node in self.root.children if node.type == f"{kind}_declaration"]
        return {text_of(next(child for child in node.children if child.type == "identifier")): node for node in found}

    def required_parameters(self) -> set[str]:
        """Parameters without a default."""
        parameters = self.declarations("parameter").items()
        return {name for name, node in parameters if not any(child.type == "=" for child in node.children)}


def read(path: Path) -> Template:
    """The syntax tree of the file. Raises ``SyntaxError`` at the first place that is not Bicep, or a name twice."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".bicepparam":
        # The grammar has no parameter files: without their first line they read like a file of variables.
        text = "\n".join("" if line.startswith("using ") else line for line in text.splitlines())
        text = text.replace("\nparam ", "\nvar ")
    root = _PARSER.parse(text.encode()).root_node
    for node in walk(root):
        if node.type == "ERROR" or node.is_missing:
            raise SyntaxError(f"{path.name}, line {node.start_point.row + 1}: {text_of(node)[:60]!r}")
    declared: dict[str, Node] = {}
    for node in root.children:
        if node.type.endswith("_declaration"):
            name = text_of(next(child for child in node.children if child.type == "identifier"))
            # Outputs have a namespace of their own.
            if declared.setdefault(f"{node.type == 'output_declaration'} {name}", node) is not node:
                raise SyntaxError(f"{path.name}, line {node.start_point.row + 1}: {name} is declared twice")
    return Template(path, root)


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it."""
    yield node
    for child in node.children:
        yield from walk(child)


def properties(node: Node) -> dict[str, Node]:
    """The properties of an object, by name."""
    pairs = [child for child in node.children if child.type == "object_property"]
    return {_key(pair): pair.named_children[-1] for pair in pairs}


def body(declaration: Node) -> Node:
    """The object that a resource or module declaration describes, also in a loop or behind a condition."""
    return next(node for node in walk(declaration) if node.type == "object")


def names_used(template: Template) -> Iterator[str]:
    """Every name in an expression that has to be declared somewhere above it."""
    for node in walk(template.root):
        parent = node.parent
        if node.type != "identifier" or parent is None:
            continue
        is_first = parent.named_children[0] == node
        declares = parent.type.endswith("_declaration") and is_first
        names = parent.type in ("object_property", "call_expression") and is_first
        if not declares and not names and not _is_parameter(node):
            yield text_of(node)


def names_declared(template: Template) -> set[str]:
    """Everything that an expression may name."""
    kinds = ("parameter", "variable", "resource", "module")
    declared = {name for kind in kinds for name in template.declarations(kind)}
    loops = [node.named_children[0] for node in walk(template.root) if node.type == "for_statement"]
    inner = {text_of(name) for loop in loops for name in ([loop] if loop.type == "identifier" else loop.named_children)}
    return declared | inner | {text_of(node) for node in walk(template.root) if _is_parameter(node)}


def functions_called(template: Template) -> set[str]:
    """Functions and decorators."""
    calls = [node for node in walk(template.root) if node.type == "call_expression"]
    return {text_of(call.named_children[0]) for call in calls}


def evaluate(template: Template, name: str, given: Mapping[str, Any]) -> Any:
    """The value of a variable or output, where parameters have the values ``given``."""
    declared = {**template.declarations("variable"), **template.declarations("output")}
    return _Scope(dict(given), declared).value(declared[name].named_children[-1])


def value(node: Node, given: Mapping[str, Any]) -> Any:
    """The value of an expression that names nothing but ``given``."""
    return _Scope(dict(given), {}).value(node)


class _Scope:
    def __init__(self, known: dict[str, Any], declared: Mapping[str, Node]) -> None:
        self._known = known
        self._declared = declared

    def value(self, node: Node) -> Any:
        """The value of an expression."""
        children = node.named_children
        match node.type:
            case "string" if not children:
                # The grammar leaves out text that is blank.
                return text_of(node).strip("'")
            case "string":
                return _dedent(node, "".join(self._piece(child) for child in children))
            case "number" | "boolean" | "null":
                return json.loads(text_of(node))
            case "identifier":
                return self._lookup(text_of(node))
            case "array":
                return [self.value(child) for child in children if child.type != "comment"]
            case "object":
                return {name: self.value(child) for name, child in properties(node).items()}
            case "parenthesized_expression":
                return self.value(children[0])
            case "member_expression":
                return self._member(self.value(children[0]), text_of(children[1]), safe=node.children[1].type == ".?")
            case "subscript_expression":
                return self.value(children[0])[self.value(children[1])]
            case "unary_expression":
                return not self.value(children[0])
            case "binary_expression":
                return self._binary(*children, operator=node.children[1].type)
            case "ternary_expression":
                return self.value(children[1] if self.value(children[0]) else children[2])
            case "lambda_expression":
                return self._lambda(*children)
            case "call_expression":
                arguments = [self.value(argument) for argument in children[1].named_children]
                return _FUNCTIONS[text_of(children[0])](*arguments)
        raise NotImplementedError(f"{node.type} at line {node.start_point.row + 1}")

    def _piece(self, node: Node) -> str:
        return str(self.value(node.named_children[0])) if node.type == "interpolation" else text_of(node)

    def _lookup(self, name: str) -> Any:
        if name not in self._known:
            self._known[name] = self.value(self._declared[name].named_children[-1])
        return self._known[name]

    def _member(self, owner: Any, name: str, *, safe: bool) -> Any:
        return (owner or {}).get(name) if safe else owner[name]

    def _binary(self, left: Node, right: Node, *, operator: str) -> Any:
        value = self.value(left)
        match operator:
            case "??":
                return self.value(right) if value is None else value
            case "&&":
                return value and self.value(right)
            case "!=":
                return value != self.value(right)
            case "/":
                return value // self.value(right)
        raise NotImplementedError(operator)

    def _lambda(self, parameter: Node, result: Node) -> Callable[[Any], Any]:
        name = text_of(parameter).strip("() ")
        return lambda value: _Scope({**self._known, name: value}, self._declared).value(result)


def text_of(node: Node) -> str:
    """A node as it is written in the file."""
    return (node.text or b"").decode()


def _key(pair: Node) -> str:
    return text_of(pair.named_children[0]).strip("'")


def _is_parameter(node: Node) -> bool:
    parent = node.parent
    if parent is not None and parent.type == "parenthesized_expression":
        node, parent = parent, parent.parent
    return parent is not None and parent.type == "lambda_expression" and parent.named_children[0] == node


def _dedent(node: Node, text: str) -> str:
    return text.removeprefix("\n") if text_of(node).startswith("'''") else text


def _string(value: Any) -> str:
    return value if isinstance(value, str) else str(value) if isinstance(value, bool) else json.dumps(value)


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "concat": lambda *arrays: [item for array in arrays for item in array],
    "contains": lambda container, item: item in container,
    "empty": lambda value: not value,
    "filter": lambda array, keep: [item for item in array if keep(item)],
    "flatten": lambda arrays: [item for array in arrays for item in array],
    "items": lambda value: [{"key": key, "value": value[key]} for key in sorted(value)],
    "map": lambda array, change: [change(item) for item in array],
    "max": max,
    "readEnvironmentVariable": lambda name, default="": default,
    "replace": lambda text, old, new: text.replace(old, new),
    "string": _string,
    "toLower": str.lower,
    "toUpper": str.upper,
}
