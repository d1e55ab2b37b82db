"""Rate limits (限流): requests a minute per network address, per person and per tenant (docs/decisions/0008).

Address and person are known before anything is read from the database. A tenant's own share is taken by the doors,
once they know that the caller belongs to it: otherwise strangers could use it up.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie
from ipaddress import IPv6Address, ip_address
from math import ceil
from typing import Any, cast
from uuid import UUID

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import MutableScopeHeaders
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send, WebSocketScope

from duilian.infra.errors import TooManyRequests
from duilian.infra.limits import WINDOW, Buckets, Quota
from duilian.infra.settings import Settings
from duilian.platform.web.problems import handle_problem

SESSION = "duilian_session"
UNCOUNTED = frozenset({"/health"})
Clock = Callable[[], float]


class Limits:
    """The buckets of one process. clock: seconds, never going back."""

    def __init__(self, settings: Settings, clock: Clock = time.monotonic) -> None:
        self.network = Buckets("network", settings.limit_network)
        self.person = Buckets("person", settings.limit_person)
        self.tenant = Buckets("tenant", settings.limit_tenant)
        self.clock = clock

    def of_caller(self, scope: HTTPScope | WebSocketScope) -> list[Quota]:
        """Raises TooManyRequests."""
        at, person = self.clock(), credential(scope)
        quotas = [self.network.take(network(scope), at)]
        if person:
            quotas.append(self.person.take(sha256(person.encode()).hexdigest()[:32], at))
        return [_granted(quota) for quota in quotas]

    def of_tenant(self, tenant_id: UUID) -> None:
        """Raises TooManyRequests."""
        _granted(self.tenant.take(tenant_id.hex, self.clock()))


def count_tenant(connection: ASGIConnection[Any, Any, Any, Any], tenant_id: UUID) -> None:
    """For the doors, once the caller has proved to belong to the tenant. Raises TooManyRequests."""
    cast(Limits, connection.app.state.limits).of_tenant(tenant_id)  # what wiring put there


def _granted(quota: Quota) -> Quota:
    if not quota.allowed:
        raise TooManyRequests(seconds=ceil(quota.wait), policy=quota.name)
    return quota


def network(scope: HTTPScope | WebSocketScope) -> str:
    """The address; of IPv6 the /64 that one customer has."""
    host = str(client[0]) if (client := scope.get("client")) else "unknown"
    try:
        number = ip_address(host)
    except ValueError:
        return host
    return (
        str(int(number) >> 64) if isinstance(number, IPv6Address) and not number.ipv4_mapped else str(number)
    )


def credential(scope: HTTPScope | WebSocketScope) -> str:
    """The token of a link, an API key or a session, as it was given: nobody has looked yet whether it is valid."""
    headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
    scheme, _, token = headers.get(b"authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    parts = scope["path"].split("/")
    if len(parts) > 4 and parts[1] == "t" and parts[3] == "i":
        return parts[4]
    try:
        found = SimpleCookie(headers.get(b"cookie", "")).get(SESSION)
    except CookieError:
        return ""
    return found.value if found else ""


class RateLimited:
    """Wraps the application: refuses with 429, and tells API callers how much is left."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app, self._limits = app, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
            return
        if scope["type"] != "http" or scope["path"] in UNCOUNTED:
            await self._app(scope, receive, send)
            return
        try:
            quotas = self._limits.of_caller(scope)
        except TooManyRequests as problem:
            request = Request[Any, Any, Any](scope)
            refusal = handle_problem(request, problem).to_asgi_response(app=None, request=request)
            await refusal(scope, receive, send)
            return
        told = _headers(quotas) if scope["path"].startswith("/api/") else {}
        await self._app(scope, receive, _adding(send, told))

    async def _socket(self, scope: WebSocketScope, receive: Receive, send: Send) -> None:
        """A socket counts once, as it is opened."""
        try:
            self._limits.of_caller(scope)
        except TooManyRequests as problem:
            await receive()
            await send({"type": "websocket.close", "code": 4000 + problem.status, "reason": problem.code})
            return
        await self._app(scope, receive, send)


def _adding(send: Send, told: dict[str, str]) -> Send:
    async def complete(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableScopeHeaders.from_message(message)
            for name, value in told.items():
                headers.setdefault(name, value)
        await send(message)

    return complete


def _headers(quotas: list[Quota]) -> dict[str, str]:
    """draft-ietf-httpapi-ratelimit-headers-10."""
    return {
        "RateLimit-Policy": ", ".join(f'"{q.name}";q={q.limit};w={WINDOW:.0f}' for q in quotas),
        "RateLimit": ", ".join(f'"{q.name}";r={q.left};t={q.resets}' for q in quotas),
    }
