"""Stand-ins for the messages that the Functions host and its Python worker exchange (azure-functions protobuf).

Only the fields that the worker reads or writes; a field that was never set reads as an error, not as a default.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

_KINDS = ("string", "bytes", "json", "http", "int", "double")


class Message(SimpleNamespace):
    """A message with the fields it was made with."""


class TypedData(Message):
    """A value of one kind."""

    def WhichOneof(self, group: str) -> str | None:
        return next((kind for kind in _KINDS if hasattr(self, kind)), None)


class ParameterBinding(Message):
    """A named value for a parameter."""

    def WhichOneof(self, group: str) -> str | None:
        return "data"


class BindingInfo(Message):
    """A binding as the host indexes it; the directions and data types are those of azure-functions."""

    in_, out, inout = 0, 1, 2
    undefined = 0


class StatusResult(Message):
    """How a request ended."""

    Failure, Success = 0, 1


class RpcHttpCookie(Message):
    """A cookie of an answer; the app sets none."""

    SameSite = SimpleNamespace(**{"None": 0, "Lax": 1, "Strict": 2, "ExplicitNone": 3})


_DEFINED = {"TypedData": TypedData, "BindingInfo": BindingInfo, "ParameterBinding": ParameterBinding}
_DEFINED |= {"StatusResult": StatusResult, "RpcHttpCookie": RpcHttpCookie}


class Protos:
    """The module of generated messages, as the worker gets it handed in."""

    def __getattr__(self, name: str) -> Any:
        return _DEFINED.get(name) or type(name, (Message,), {})
