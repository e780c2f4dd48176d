"""The one mapping of failures to responses: ``{code, message, hint}``, and their documentation."""

from __future__ import annotations

import http
import logging
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.websockets import WebSocket

from jupyter_sysdesign.control.models import Problem
from jupyter_sysdesign.errors import InvalidRequestError, SysdesignError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

log = logging.getLogger(__name__)

_CODES = {
    400: "invalid_request",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    422: "invalid_request",
}
_MEANINGS = {
    400: "The request is wrong in itself.",
    403: "The folder lies outside of the root.",
    404: "There is nothing of that name.",
    409: "The state does not allow it now, or the request's lease has ended.",
    413: "The body is too large.",
    422: "The request or a file a person wrote is invalid.",
    424: "A service did not start, or its program is missing.",
    503: "Something this needs cannot be reached.",
    507: "The machine has no room.",
}


def problem(status: int, code: str, message: str, hint: str = "") -> JSONResponse:
    """Return the response for one failure."""
    body = Problem(code=code, message=message, hint=hint)
    return JSONResponse(body.model_dump(), status_code=status)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return OpenAPI ``responses`` for the statuses a route may refuse with."""
    return {
        status: {"model": Problem, "description": _MEANINGS[status]} for status in sorted(statuses)
    }


def install(app: FastAPI) -> None:
    """Let every failure of ``app`` answer in the same form, WebSocket handshakes included."""

    @app.exception_handler(SysdesignError)
    async def expected(connection: Request, error: SysdesignError) -> Response | None:
        answer = problem(error.status, error.code, error.message, error.hint)
        return await _send(connection, answer)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        return problem(422, InvalidRequestError.code, readable(error.errors()))

    @app.exception_handler(WebSocketRequestValidationError)
    async def invalid_socket(
        connection: Request, error: WebSocketRequestValidationError
    ) -> Response | None:
        answer = problem(400, InvalidRequestError.code, readable(error.errors()))
        return await _send(connection, answer)

    @app.exception_handler(HTTPException)
    async def http_error(connection: Request, error: HTTPException) -> Response | None:
        code = _CODES.get(error.status_code, "invalid_request")
        answer = problem(error.status_code, code, str(error.detail))
        answer.headers.update(error.headers or {})
        return await _send(connection, answer)

    @app.exception_handler(Exception)
    async def bug(request: Request, _: Exception) -> Response:
        # Starlette raises the exception again after this answer, and the server logs it.
        what = f"{request.method} {request.url.path}" if request.scope["type"] == "http" else ""
        return problem(
            http.HTTPStatus.INTERNAL_SERVER_ERROR,
            "internal",
            f"Something unexpected happened {what}".strip(),
            "The log (control.log in the folder `sysdesign doctor` names) has the details.",
        )


def readable(errors: Any) -> str:
    """Say in one line what is wrong with a request, naming the fields as the caller wrote them."""
    return "; ".join(_one(error) for error in list(errors)[:3]) or "The request is invalid"


def _one(error: Mapping[str, Any]) -> str:
    # The first part says where (body, query, path); parts of a tagged union's name say nothing.
    if error["type"] == "model_attributes_type" and len(error["loc"]) == 1:
        return "The body must be a JSON object, sent as application/json"
    where = ".".join(str(part) for part in error["loc"][1:])
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "json_invalid":
        return f"The body is not valid JSON: {error.get('ctx', {}).get('error', message)}"
    return f"{where}: {message}" if where else f"{error['loc'][0]}: {message}"


async def _send(connection: Request, answer: JSONResponse) -> Response | None:
    if isinstance(connection, WebSocket):
        await connection.send_denial_response(answer)
        return None
    return answer
