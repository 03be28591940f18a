"""Keeps secrets out of logs, audit and error texts: by value where they are known, by shape where they are not."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

import orjson

MASK = "***"

_DROPPED_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "x-functions-key", "cookie", "set-cookie", "aeg-sas-key", "aeg-sas-token"}
)
_NAMED = (
    r"client[_-]?secret|client[_-]?assertion|access[_-]?token|refresh[_-]?token|id[_-]?token|api[_-]?token"
    r"|account[_-]?key|shared[_-]?access[_-]?key|shared[_-]?access[_-]?signature|password|passwd|x-functions-key"
)
_NAMED_KEY = re.compile(rf"(?:.*[_.-])?(?:{_NAMED}|secret|token)", re.IGNORECASE)

_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    # Authorization: Token token="…"
    (re.compile(r"""(\btoken\s+token\s*=\s*\\?["']?)[^"'\\\s,;]+""", re.IGNORECASE), rf"\g<1>{MASK}"),
    # Bearer …, and any other Authorization header
    (re.compile(r"\b(bearer\s+)[A-Za-z0-9\-._~+/]{8,}=*", re.IGNORECASE), rf"\g<1>{MASK}"),
    (re.compile(r"""(\bauthorization\\?["']?\s*[:=]\s*\\?["']?)[^"'\\\r\n,;}]+""", re.IGNORECASE), rf"\g<1>{MASK}"),
    # JSON Web Tokens, wherever they stand
    (re.compile(r"\beyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*){0,3}"), MASK),
    # function keys and shared access signatures in URLs
    (re.compile(r"""([?&](?:code|sig|key)=)[^&#\s"'<>]+""", re.IGNORECASE), rf"\g<1>{MASK}"),
    # https://user:password@host
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s/:@]*:)[^\s/@]+@", re.IGNORECASE), rf"\g<1>{MASK}@"),
    # name=value, name: value and "name": "value", as in forms, connection strings, JSON and headers
    (
        re.compile(
            rf"""((?:{_NAMED})\\?["']?\s*[:=]\s*)(?:(\\?["'])(?:(?!\2)(?:\\.|.))+|[^\s"'&;,}}\]]+)""", re.IGNORECASE
        ),
        rf"\g<1>\g<2>{MASK}",
    ),
)


_HINTS = (
    *("token", "bearer", "author", "eyj", "code=", "g=", "key", "://"),
    *("secret", "assert", "nature", "passw", "cookie", "aeg-sas"),
)
"""Every text that one of the shapes matches, and every name of a secret or a dropped header, holds one of these,
case-folded: most texts hold none and are done."""


class Redactor:
    """Masks the registered ``secrets`` literally (also URL- and JSON-encoded), and what looks like a secret.

    A secret that is blank is not a secret. Longer ones are masked first, so that one inside another leaves no rest.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets if secret.strip() for form in _written_forms(secret)}
        ordered = sorted(forms, key=lambda form: (-len(form), form))
        self._known = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def text(self, text: str) -> str:
        """``text`` without secrets."""
        if not text:
            return text
        if self._known:
            text = self._known.sub(MASK, text)
        if _hints_at_a_secret(text):
            for shape, masked in _SHAPES:
                text = shape.sub(masked, text)
        return text

    def value(self, value: Any) -> Any:
        """``value`` without secrets: text, mappings and sequences to any depth; bytes become text.

        Headers that carry credentials are dropped, and what is named like a secret is masked whatever it holds.
        """
        return value if isinstance(value, dict | list) and self._is_clean(value) else self._redacted(value)

    def _is_clean(self, value: Any) -> bool:
        """Whether ``value`` is JSON in which nothing is a secret or named like one: seen at one glance."""
        try:
            text = orjson.dumps(value, default=str).decode()
        except TypeError:
            return False
        # Text that is JSON itself is escaped twice here, and so would be a secret in it.
        return "\\\\" not in text and not (self._known and self._known.search(text)) and not _hints_at_a_secret(text)

    def _redacted(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, bytes | bytearray):
            return self.text(value.decode(errors="replace"))
        if isinstance(value, Mapping):
            return {
                self._redacted(name): MASK if _names_a_secret(name) and item else self._redacted(item)
                for name, item in value.items()
                if str(name).lower() not in _DROPPED_HEADERS
            }
        if isinstance(value, list | tuple | set | frozenset):
            items = [self._redacted(item) for item in value]
            return tuple(items) if isinstance(value, tuple) else items
        if value is None or isinstance(value, bool | int | float):
            return value
        text = str(value)
        redacted = self.text(text)
        return value if redacted == text else redacted


def redact(value: Any) -> Any:
    """``value`` (text, mapping, sequence) without what looks like a secret, for where no secrets are registered."""
    return _BY_SHAPE.value(value)


class RedactingFilter(logging.Filter):
    """Redacts a record's message with its arguments, its extra fields and its exception. Put it on handlers.

    Filters of a logger do not see the records of its children, those of a handler do.
    """

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact in place; every record passes."""
        record.msg, record.args = self._redactor.text(_message(record)), None
        for name in record.__dict__.keys() - _STANDARD_FIELDS:
            setattr(record, name, MASK if _names_a_secret(name) else self._redactor.value(getattr(record, name)))
        if record.stack_info:
            record.stack_info = self._redactor.text(record.stack_info)
        self._redact_exception(record)
        return True

    def _redact_exception(self, record: logging.LogRecord) -> None:
        if record.exc_info and not record.exc_text:
            record.exc_text = _FORMATTER.formatException(record.exc_info) if record.exc_info[0] else None
        if record.exc_text:
            redacted = self._redactor.text(record.exc_text)
            if redacted != record.exc_text:  # the exception itself would still tell
                record.exc_info, record.exc_text = None, redacted


_BY_SHAPE = Redactor()
_FORMATTER = logging.Formatter()
_STANDARD_FIELDS = frozenset(logging.makeLogRecord({}).__dict__)


def _written_forms(secret: str) -> set[str]:
    quoted = {quote(secret, safe, errors="replace") for safe in ("", "/")} | {quote_plus(secret, errors="replace")}
    in_json = {json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    return {secret, secret.strip(), repr(secret)[1:-1], *in_json, *quoted}


def _hints_at_a_secret(text: str) -> bool:
    folded = text.casefold()
    return any(hint in folded for hint in _HINTS)


def _names_a_secret(name: object) -> bool:
    return isinstance(name, str) and _NAMED_KEY.fullmatch(name) is not None


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # a filter must not fail where logging itself would only complain
        return f"{record.msg} (its arguments cannot be formatted)"


def keep_secrets_out_of_logs(redactor: Redactor) -> None:
    """Redact every record that the root logger's handlers write, and keep HTTP libraries from logging URLs."""
    for handler in logging.getLogger().handlers:
        if not any(isinstance(known, RedactingFilter) for known in handler.filters):
            handler.addFilter(RedactingFilter(redactor))
    for library in ("httpx", "httpcore", "azure"):
        logging.getLogger(library).setLevel(logging.WARNING)
    # It logs refusals of Entra ID in full; the connector says the same in a sentence of its own.
    logging.getLogger("azure.identity").setLevel(logging.ERROR)
