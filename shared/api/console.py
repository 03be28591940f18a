"""The files of the operator's page: static, and so strict that nothing foreign runs in it (design 4.9)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from shared.web import Answer, Problem

INDEX = "index.html"
# The SDK adds the charset to what is text.
_TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".webmanifest": "application/manifest+json",
}
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
"""Of every file; a browser keeps it and asks whether its ETag is still right."""


def console_file(folder: Path, name: str, headers: Mapping[str, str]) -> Answer:
    """The file ``name`` of ``folder``, without a name its index; 304 where the caller (lower-case ``headers``) has it.

    Raises :class:`Problem` 404 for everything else: only the folder's own files are there, by their plain names.
    """
    files = {path.name: path for path in folder.iterdir() if path.is_file()} if folder.is_dir() else {}
    path = files.get(name or INDEX)
    kind = _TYPES.get(path.suffix) if path else None
    if path is None or kind is None:
        raise Problem(404, "not_found", "The page has no such file.", headers=HEADERS)
    content = path.read_bytes()
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    fixed = {**HEADERS, "ETag": tag}
    known = {each.strip().removeprefix("W/") for each in headers.get("if-none-match", "").split(",")}
    if tag in known or "*" in known:
        return Answer(304, b"", kind, fixed)
    return Answer(body=content, content_type=kind, headers=fixed)
