"""What F&O refuses, with the status and the body that tell the caller so."""

from __future__ import annotations

from http import HTTPStatus

from starlette.responses import JSONResponse, Response


class Refused(Exception):
    """A request that F&O answers with an error in its usual wrapping: the useful words are in ``innererror``."""

    def __init__(self, status: HTTPStatus, message: str, type_name: str = "System.Exception") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.type_name = type_name

    def response(self) -> Response:
        """The error as it goes over the wire, with a stack trace as F&O would leak it."""
        inner = {
            "message": self.message,
            "type": self.type_name,
            "stacktrace": "   at Microsoft.Dynamics.Platform.Integration.Services.OData.Read()",
        }
        body = {"error": {"code": "", "message": "An error has occurred.", "innererror": inner}}
        return JSONResponse(body, status_code=self.status)


class BadQuery(Refused):
    """A query that the OData library does not understand: 400."""

    def __init__(self, message: str) -> None:
        super().__init__(HTTPStatus.BAD_REQUEST, message, "Microsoft.OData.Core.ODataException")


def no_resource(url: str) -> Response:
    """The answer to a path that leads to no entity set."""
    message = f"No HTTP resource was found that matches the request URI '{url}'."
    return JSONResponse({"Message": message}, status_code=HTTPStatus.NOT_FOUND)
