"""The operator's page: the static files of the folder ``console``, for anybody (design 3.1).

What the page shows comes from the API, which demands a sign-in.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from shared.connector import NotFound
from shared.web import Answer

FOLDER = Path(__file__).resolve().parents[2] / "console"
START = "index.html"
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
HEADERS = {
    "Content-Security-Policy": "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ]
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    # Asked for again each time, and answered 304: a deployment is seen at once.
    "Cache-Control": "no-cache",
}


def show_console(name: str | None, if_none_match: str | None = None) -> Answer:
    """The file of this name, the page itself without one. Raises :class:`NotFound` for any other name."""
    found = _files().get(name or START)
    if found is None:
        raise NotFound(f"the page has no file {name!r}")
    content_type, text, tag = found
    headers = {**HEADERS, "ETag": tag}
    if if_none_match and tag in (each.strip().removeprefix("W/") for each in if_none_match.split(",")):
        return Answer(304, "", content_type, headers)
    return Answer(200, text, content_type, headers)


@cache
def _files() -> dict[str, tuple[str, str, str]]:
    """File name → content type, text and entity tag."""
    found = {}
    for path in FOLDER.iterdir():
        if path.suffix in TYPES:
            text = path.read_text("utf-8")
            found[path.name] = (TYPES[path.suffix], text, f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"')
    return found
