"""Errors at the edge: RFC 9457 problem details for programs, a readable page for people."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.response import Redirect
from sqlalchemy.exc import DataError

from duilian.infra.errors import BadRequest, NotFound, NotSignedIn, Problem, TooLarge
from duilian.platform.web import pages, words

log = logging.getLogger(__name__)
AnyRequest = Request[Any, Any, Any]  # Any: the handlers know nothing of user, auth or state
TYPE = "https://duilian.example/problems/"


def handle_problem(request: AnyRequest, problem: Problem) -> Response[Any]:
    if problem.status >= 500:
        log.error(
            "request failed", extra={"code": problem.code, "error": type(problem).__name__}, exc_info=problem
        )
    if _wants_page(request):
        return _page(request, problem)
    return Response(
        document(problem, words.preferred(request.headers.get("accept-language"))),
        status_code=problem.status,
        media_type="application/problem+json",
        headers=dict(problem.headers),
    )


def document(problem: Problem, locale: str) -> dict[str, Any]:
    """Members of RFC 9457; `code` and the parameters are extensions."""
    params = {k: v for k, v in problem.params.items() if isinstance(v, str | int | float | list | dict)}
    sentence = problem.sentence(locale)
    return {
        "type": TYPE + problem.code,
        "title": sentence,
        "status": problem.status,
        "detail": sentence,
        "code": problem.code,
        **{k: v for k, v in params.items() if k not in ("type", "title", "status", "detail", "code")},
    }


def handle_framework(request: AnyRequest, error: HTTPException) -> Response[Any]:
    """What the framework itself refuses, in our shape."""
    return handle_problem(request, _translated(error))


def _translated(error: HTTPException) -> Problem:
    if error.status_code in (404, 405):
        return NotFound()
    if error.status_code == 413:
        return TooLarge(limit="—")
    if isinstance(error, ValidationException):
        return BadRequest(reason=_reasons(error))
    if error.status_code < 500:
        return BadRequest(reason=str(error.detail))
    return Problem()


def _reasons(error: ValidationException) -> str:
    extra = error.extra if isinstance(error.extra, list) else []
    parts = [f"{item.get('key', '')}: {item.get('message', '')}" for item in extra if isinstance(item, dict)]
    return "; ".join(parts) or str(error.detail)


def handle_invalid(request: AnyRequest, error: msgspec.ValidationError) -> Response[Any]:
    return handle_problem(request, BadRequest(reason=str(error)))


def handle_unstorable(request: AnyRequest, error: DataError) -> Response[Any]:
    """A value of the right type that no column holds: a NUL in a text, a number beyond 64 bits."""
    log.warning("value cannot be stored", extra={"error": type(error.orig).__name__})
    return handle_problem(request, BadRequest(reason="a value that cannot be stored"))


def handle_unexpected(request: AnyRequest, error: Exception) -> Response[Any]:
    log.error("unexpected error", extra={"error": type(error).__name__}, exc_info=error)
    return handle_problem(request, Problem())


def _wants_page(request: AnyRequest) -> bool:
    return not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def _page(request: AnyRequest, problem: Problem) -> Response[Any]:
    if (
        isinstance(problem, NotSignedIn)
        and request.url.path.startswith("/console")
        and problem.code == "not-signed-in"
    ):
        if request.headers.get("hx-request"):  # a part of a page asked: the whole page must go
            return Response("", status_code=401, headers={"HX-Redirect": "/console/sign-in"})
        return Redirect("/console/sign-in", status_code=303)
    locale = words.preferred(request.headers.get("accept-language"))
    return pages.page(
        "problem.html",
        locale,
        status=problem.status,
        sentence=problem.sentence(locale),
        code=problem.code,
        signed_in="duilian_session" in request.cookies,
    )


HANDLERS = {
    Problem: handle_problem,
    HTTPException: handle_framework,
    msgspec.ValidationError: handle_invalid,
    DataError: handle_unstorable,
    Exception: handle_unexpected,
}
