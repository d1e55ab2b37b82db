"""What the OpenAPI document says of refusals: every documented route may answer with problem details (RFC 9457)."""

from __future__ import annotations

from typing import Any, TypedDict

from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Components, SecurityScheme
from litestar.plugins import ReceiveRoutePlugin
from litestar.routes import BaseRoute, HTTPRoute

SECURITY = Components(
    security_schemes={
        "bearer": SecurityScheme(
            type="http",
            scheme="bearer",
            description="An API key (`dl_…`) for staff routes, the token of an invitation link for a candidate's.",
        )
    }
)


class ProblemDocument(TypedDict):
    """code is stable and part of the API; more members may follow, particular to the code."""

    type: str
    title: str
    status: int
    detail: str
    code: str


REFUSALS = {
    400: "The request is malformed.",
    401: "Nobody is signed in, or what was given is no longer valid.",
    403: "The right for this is missing.",
    404: "There is no such thing here; another tenant's is never told apart from what does not exist.",
    409: "The present state does not allow it.",
    410: "It has ended.",
    413: "The body is too large.",
    416: "The range lies outside of what there is.",
    422: "Understood, and refused for a reason.",
    429: "Too many requests; Retry-After says when to go on.",
    503: "A part of the service is down; try again.",
}


class Refusals(ReceiveRoutePlugin):
    """Adds the refusals to every route that is in the schema, so that none is left undescribed."""

    def receive_route(self, route: BaseRoute) -> None:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                handler.responses = {**_refusals(), **(handler.responses or {})}


def _refusals() -> dict[int, ResponseSpec]:
    problem: Any = ProblemDocument  # Any: the framework's type wants a class, and takes any annotation
    return {
        status: ResponseSpec(
            problem, generate_examples=False, description=words, media_type="application/problem+json"
        )
        for status, words in REFUSALS.items()
    }


def binary(description: str, media_type: str) -> dict[int, ResponseSpec]:
    """For routes that answer with bytes, whole or the range asked for."""
    return {
        status: ResponseSpec(bytes, generate_examples=False, description=words, media_type=media_type)
        for status, words in ((200, description), (206, "The range asked for."))
    }
