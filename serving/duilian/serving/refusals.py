"""How the model tier says no: every error becomes a ServingProblem with a status."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException

from duilian.infra.errors import Problem
from duilian.serving.cancelling import Abandoned
from duilian.serving.contracts import Contract, ServingProblem
from duilian.serving.errors import OutOfMemory, ServingUnavailable
from duilian.serving.tier import Reply

MEDIA_TYPE = "application/msgpack"
log = logging.getLogger("duilian.serving")
AnyRequest = Request[Any, Any, Any]  # the handlers look at nothing of the request but its path


def packed(message: Contract, status: int = 200, headers: Mapping[str, str] | None = None) -> Response[bytes]:
    content = msgspec.msgpack.encode(message)
    return Response(content, status_code=status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


def refused(problem: Problem) -> Reply:
    """The reply that says no."""
    # One code for the caller, whatever it is that keeps a model from answering.
    code = "model-unavailable" if problem.code in ("serving-unavailable", "model-broken") else problem.code
    # The caller's own words go around it: not "unavailable: … unavailable: …".
    if problem.code == ServingUnavailable.code:
        answer = ServingProblem(code=code, detail=str(problem.params["reason"]))
    else:
        answer = ServingProblem(code=code, detail=problem.sentence("en"), chinese=problem.sentence("zh-CN"))
    return Reply(problem.status, msgspec.msgpack.encode(answer), problem.headers)


def _problem(_request: AnyRequest, problem: Problem) -> Response[bytes]:
    status, content, headers = refused(problem)
    return Response(content, status_code=status, media_type=MEDIA_TYPE, headers=dict(headers))


def _abandoned(_request: AnyRequest, _error: Abandoned) -> Response[bytes]:
    """Nobody reads this: the caller has hung up. 499 as nginx writes it."""
    return packed(ServingProblem(code="abandoned", detail="the caller hung up"), 499)


def _framework(_request: AnyRequest, error: HTTPException) -> Response[bytes]:
    code = {404: "not-found", 405: "bad-request", 413: "too-large"}.get(error.status_code, "bad-request")
    return packed(ServingProblem(code=code, detail=str(error.detail)), error.status_code)


def _unexpected(request: AnyRequest, error: Exception) -> Response[bytes]:
    if isinstance(error, MemoryError):  # for receiving the body, before any step had it
        return _problem(request, OutOfMemory())
    log.error("%s failed", request.url.path, exc_info=error)
    return packed(ServingProblem(code="internal", detail=type(error).__name__), 500)


HANDLERS = {Problem: _problem, Abandoned: _abandoned, HTTPException: _framework, Exception: _unexpected}
