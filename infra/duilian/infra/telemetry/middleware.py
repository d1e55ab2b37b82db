"""A server span and a duration per request, named by the route's template: raw paths hold invitation tokens."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import nullcontext
from typing import Any

from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from duilian.infra.telemetry.context import attached
from duilian.infra.telemetry.providers import histogram, tracer

# Any: ASGI's dictionaries have keys by type of message (asgi.readthedocs.io, "HTTP & WebSocket").
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
DURATION = "http.server.request.duration"


class TelemetryMiddleware:
    """Wraps a whole ASGI application, outside its router.

    The router leaves the template in `scope["path_template"]`; where no route matched, the span has the method
    alone. trusted: take up the caller's trace (between our own processes; never from the public).
    """

    def __init__(self, app: App, *, trusted: bool = False) -> None:
        self.app = app
        self.trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        with attached(_headers(scope)) if self.trusted else nullcontext():
            await self._traced(scope, receive, send)

    async def _traced(self, scope: Scope, receive: Receive, send: Send) -> None:
        attributes: dict[str, str | int] = {
            "http.request.method": _method(scope),
            "url.scheme": str(scope.get("scheme", "http")),
        }
        began = time.perf_counter()

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                attributes["http.response.status_code"] = int(message["status"])
            await send(message)

        kind = SpanKind.SERVER
        with tracer().start_as_current_span(_method(scope), kind=kind, set_status_on_exception=False) as span:
            try:
                await self.app(scope, receive, watched)
            except Exception as error:
                attributes["error.type"] = type(error).__qualname__
                raise
            finally:
                _finish(span, scope, attributes, time.perf_counter() - began)


def _finish(span: Span, scope: Scope, attributes: dict[str, str | int], seconds: float) -> None:
    """Names the span by its route and records the duration."""
    route = scope.get("path_template")
    if route:
        attributes["http.route"] = str(route)
        span.update_name(f"{attributes['http.request.method']} {route}")
    if "error.type" in attributes or int(attributes.get("http.response.status_code", 0)) >= 500:
        span.set_status(Status(StatusCode.ERROR))
    span.set_attributes(attributes)
    histogram(DURATION).record(seconds, attributes)


def _method(scope: Scope) -> str:
    """The method, or "_OTHER" for one we do not know (it would be a caller's free text)."""
    method = str(scope["method"])
    return method if method in METHODS else "_OTHER"


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
