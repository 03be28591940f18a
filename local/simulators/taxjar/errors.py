"""Refusals and the several shapes of TaxJar's error bodies."""

from __future__ import annotations

from starlette.responses import JSONResponse

from local.simulators.status_phrases import status_phrase


class Refusal(Exception):
    """A request that TaxJar answers with an error.

    ``detail`` is usually one sentence. Where it is a list, TaxJar's own body carries the status as a string as well.
    """

    def __init__(self, status: int, detail: str | list[str]) -> None:
        super().__init__(status, detail)
        self.status = status
        self.detail = detail

    def answer(self) -> JSONResponse:
        return JSONResponse(error_body(self.status, self.detail), self.status)


def error_body(status: int, detail: str | list[str]) -> dict[str, object]:
    shown = str(status) if isinstance(detail, list) else status
    return {"status": shown, "error": status_phrase(status), "detail": detail}


def not_found() -> Refusal:
    """A record that this account does not have under this provider."""
    return Refusal(404, "Resource can not be found")
