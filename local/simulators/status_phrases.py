"""Names of HTTP statuses as the two services write them, whatever Python runs the simulators.

Python 3.13 took over the names of RFC 9110; TaxJar and F&O still write those of RFC 7231 and RFC 4918.
"""

from __future__ import annotations

from http import HTTPStatus

_AS_WRITTEN = {
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    416: "Requested Range Not Satisfiable",
    422: "Unprocessable Entity",
}


def status_phrase(status: int) -> str:
    """For example ``Not Found`` for 404. Raises ``ValueError`` for a number that is not an HTTP status."""
    return _AS_WRITTEN.get(status) or HTTPStatus(status).phrase
