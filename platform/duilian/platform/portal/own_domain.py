"""Under which names the platform answers: its own, and tenants' verified domains, where it shows that tenant's candidates.

Everything else that comes under a domain nobody has verified is misdirected (RFC 9110 §15.5.20): a name that was merely
pointed at us, or has not been proven yet, shows nothing. Staff sign in under the platform's own name.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import Any

from litestar import Request
from litestar.response import Redirect
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send, WebSocketScope

from duilian.infra.errors import NotFound, Problem
from duilian.infra.settings import Settings
from duilian.platform.web.problems import handle_problem

FOUND_LASTS = 30.0  # seconds
MOST_FOUND = 10_000
Find = Callable[[str], Awaitable[str | None]]
AnyRequest = Request[Any, Any, Any]  # Any: nobody is known yet


class Misdirected(Problem):
    status = 421
    code = "misdirected"
    zh = "这个域名还没有经过验证，无法访问。"
    en = "This domain has not been verified, so nothing is shown here."


class OwnDomains:
    """Wraps the application. find: the tenant whose verified domain a name is."""

    def __init__(self, app: ASGIApp, settings: Settings, find: Find) -> None:
        self._app, self._find = app, find
        self._own, self._public_url = settings.public_host, settings.public_url
        self._known: dict[str, tuple[str | None, float]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or self._is_ours(host := host_of(scope)):
            await self._app(scope, receive, send)
            return
        slug = await self._slug(host)
        if slug is not None and belongs(scope["path"], slug):
            await self._app(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await receive()
            await send(
                {"type": "websocket.close", "code": 4000 + Misdirected.status, "reason": Misdirected.code}
            )
            return
        request: AnyRequest = Request(scope)
        answer = self._instead(request, slug).to_asgi_response(app=None, request=request)
        await answer(scope, receive, send)

    def _instead(self, request: AnyRequest, slug: str | None) -> Any:  # Any: responses of several contents
        if slug is None:
            return handle_problem(request, Misdirected())
        if request.url.path == "/":
            return Redirect(f"{self._public_url}/t/{slug}/sign-in", status_code=303)
        return handle_problem(request, NotFound())

    def _is_ours(self, host: str) -> bool:
        """Names without a dot and bare addresses are how machines of ours call one another."""
        return host == self._own or "." not in host or _is_address(host)

    async def _slug(self, host: str) -> str | None:
        slug, until = self._known.get(host, (None, 0.0))
        if time.monotonic() < until:
            return slug
        slug = await self._find(host)
        if len(self._known) >= MOST_FOUND:
            self._known.clear()
        self._known[host] = slug, time.monotonic() + FOUND_LASTS
        return slug


def host_of(scope: HTTPScope | WebSocketScope) -> str:
    """The name of the Host field, without its port."""
    named = next((v.decode("latin-1") for k, v in scope["headers"] if k.lower() == b"host"), "")
    name = named[: named.rindex("]") + 1] if "]" in named else named.partition(":")[0]
    return name.strip("[]").rstrip(".").lower()


def belongs(path: str, slug: str) -> bool:
    """What a candidate of this tenant needs."""
    if path in (f"/t/{slug}/theme.css", f"/t/{slug}/logo", f"/api/v1/t/{slug}/interview"):
        return True
    return path.startswith((f"/t/{slug}/i/", f"/api/v1/t/{slug}/interview/", "/static/", "/health"))


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
