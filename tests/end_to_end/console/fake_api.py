"""A small stand-in for the app: the page's real files, and answers to every call that the page makes."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from local.bootstrap import ROOT
from shared.api.console import console_file
from shared.web import Problem
from tests.end_to_end.console import answers

Json = dict[str, Any]
RANKS = ["viewer", "operator", "approver"]
APPROVER_ONLY = ("approve", "dismiss", "settle")
PAGE = 100


@dataclass
class FakeApi:
    """What is asked, and what a test wants answered."""

    held: int = 12
    """How many documents are held."""
    pauses: list[Json] = field(default_factory=list)
    failures: dict[str, tuple[int, Json]] = field(default_factory=dict)
    """Path, or its beginning → status and error."""
    calls: list[tuple[str, str, Json | None]] = field(default_factory=list)
    """Method, path with query, body: of each call under ``people``."""
    plain: bool = False
    """Without the markup in texts."""
    url: str = ""

    def asked(self, method: str, path: str) -> list[Json | None]:
        """The bodies of the calls so far whose path begins so."""
        return [body for used, where, body in self.calls if used == method and where.startswith(path)]

    def application(self) -> Starlette:
        """The ASGI app."""
        return Starlette(
            routes=[
                Route("/api/console", self._page),
                Route("/api/console/{file:path}", self._page),
                Route("/api/people/{path:path}", self._people, methods=["GET", "POST", "PUT", "DELETE"]),
                Route("/.auth/login/local", self._sign_in),
                Route("/.auth/logout", self._sign_out),
            ]
        )

    async def _page(self, request: Request) -> Response:
        try:
            answer = console_file(ROOT / "console", request.path_params.get("file", ""), request.headers)
        except Problem as missing:
            return _error(missing.status, missing.code, str(missing))
        return Response(answer.body, answer.status, dict(answer.headers), answer.content_type)

    async def _sign_in(self, request: Request) -> Response:
        response = RedirectResponse("/api/console/", 302)
        response.set_cookie("role", request.query_params["id"], httponly=True, samesite="lax")
        return response

    async def _sign_out(self, request: Request) -> Response:
        response = RedirectResponse("/api/console/", 302)
        response.delete_cookie("role")
        return response

    async def _people(self, request: Request) -> Response:
        path, role = request.path_params["path"], request.cookies.get("role", "")
        body = await request.body()
        where = f"{path}?{request.url.query}" if request.url.query else path
        self.calls.append((request.method, where, json.loads(body) if body else None))
        if role not in RANKS:
            return _error(401, "sign_in", "Nobody is signed in.")
        if request.method != "GET" and request.headers.get("X-Connector") != "console":
            return _error(403, "forbidden", "The header X-Connector is missing.")
        if request.method != "GET" and request.headers.get("Content-Type") != "application/json":
            return _error(415, "bad_request", "Send JSON.")
        for start, (status, error) in self.failures.items():
            if where.startswith(start):
                return JSONResponse({"error": error}, status, {"Retry-After": "120"} if status == 503 else {})
        parts, query = path.split("/"), dict(request.query_params)
        if request.method == "GET":
            answer = self._read(parts, query, role)
            return _without_markup(answer) if self.plain else answer
        approver = parts[-1] in APPROVER_ONLY or parts[0] == "filing-periods"
        if RANKS.index(role) < (2 if approver else 1):
            return _error(403, "forbidden", f"{parts[-1]} needs the role {'approver' if approver else 'operator'}.")
        return self._write(request.method, parts, json.loads(body))

    def _read(self, parts: list[str], query: dict[str, str], role: str) -> Response:
        if query.get("format") in ("csv", "xlsx") or parts[0] == "audit":
            return PlainTextResponse("a,b", headers={"Content-Disposition": 'attachment; filename="file.csv"'})
        match parts:
            case ["status"]:
                you = {"id": "0a1b", "name": f"{role.title()} Person", "roles": [role]}
                return JSONResponse(answers.status(you, self.held, self.pauses))
            case ["completeness", _, "usmf"]:
                return JSONResponse(answers.completeness(query["from"], query["to"], self.held))
            case ["documents", _, _]:
                return JSONResponse(self._documents(query))
            case ["documents", _, _, "SEVERAL"]:
                rows = [answers.document(1), answers.document(1, voucher="V-2")]
                error = {"code": "ambiguous", "message": "Two documents show this id.", "candidates": rows}
                return JSONResponse({"error": error}, 409)
            case ["documents", _, _, name] if name.startswith("USMF-INV-"):
                return JSONResponse(answers.full_document(int(name.rpartition("-")[2])))
            case ["reconciliation-jobs", _, _]:
                return JSONResponse(
                    {"jobs": [answers.job("r2", "running"), answers.job("r1", "finished")], "next": None}
                )
            case ["reconciliation-jobs", _, _, name]:
                return JSONResponse(answers.job(name, "running" if name == "r2" else "finished"))
            case ["filing-periods", _, _]:
                return JSONResponse(answers.filing_periods())
            case ["activity", _]:
                return JSONResponse(answers.activity())
            case ["backfills", _]:
                return JSONResponse({"backfills": [answers.backfill("b1", "finished")], "next": None})
            case ["backfills", _, name]:
                return JSONResponse(answers.backfill(name, "finished"))
            case ["customers", _, _]:
                return JSONResponse(answers.customers())
            case ["nexus", _]:
                return JSONResponse(answers.NEXUS)
        return _error(404, "not_found", f"There is no {'/'.join(parts)}.")

    def _documents(self, query: dict[str, str]) -> Json:
        if number := query.get("number"):
            count = {"INV-1": 1, "INV-TWICE": 2}.get(number, 0)
            return {
                "documents": [answers.document(1, voucher=f"V-{at}") for at in range(count)],
                "count": count,
                "next": None,
            }
        start, limit = int(query.get("after", "0")), int(query.get("limit", PAGE))
        rows = [answers.document(index) for index in range(start, min(start + limit, self.held))]
        after = start + limit
        return {
            "documents": rows,
            "count": self.held,
            "next": f"/api/documents/main/usmf?after={after}" if after < self.held else None,
        }

    def _write(self, method: str, parts: list[str], body: Json) -> Response:
        match parts:
            case ["documents", _, _, "retry"]:
                return JSONResponse({"retried": self.held}, 202)
            case ["documents", _, _, _, _]:
                return JSONResponse(answers.full_document(), 202)
            case ["filing-periods", _, _, "TX"] if not body.get("confirm"):
                return _error(409, "open_work", "6 documents of TX are still held up to 2026-09-30.")
            case ["filing-periods", _, _, state]:
                return JSONResponse(
                    {
                        "state": state,
                        "before": {"filed_through": None},
                        "after": {"filed_through": body["filed_through"]},
                    }
                )
            case ["connections", _, "ping"]:
                return JSONResponse(answers.CHECKS)
            case ["reconciliation-jobs", _, _] | ["backfills", _]:
                return JSONResponse({"job": "r1" if parts[0].startswith("rec") else "b1"}, 202)
            case ["runs", name]:
                return JSONResponse({"function": name, "accepted": True}, 202)
        return JSONResponse({"state": "cancelled"})


def _without_markup(answer: Response) -> Response:
    markup = json.dumps(answers.MARKUP)[1:-1].encode()
    return Response(bytes(answer.body).replace(markup, b""), answer.status_code, media_type=answer.media_type)


def _error(status: int, code: str, message: str) -> Response:
    return JSONResponse({"error": {"code": code, "message": message}}, status)


@contextmanager
def running(fake: FakeApi) -> Iterator[FakeApi]:
    """Serve ``fake`` on a free port of 127.0.0.1, from a thread."""
    server = uvicorn.Server(uvicorn.Config(fake.application(), host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    fake.url = f"http://127.0.0.1:{port}"
    try:
        yield fake
    finally:
        server.should_exit = True
        thread.join(10)
