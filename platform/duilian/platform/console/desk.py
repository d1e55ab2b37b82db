"""From a member's request to the rows it may touch: session, rights, CSRF.

A route declares the right it needs (`guards=[member_with(Right.X)]`); a route without one of these guards does not
pass the sweeping test. `Desk` is one transaction of the member's tenant.
"""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from duilian.infra.database import Database, TenantSession
from duilian.infra.errors import Forbidden, NotSignedIn
from duilian.platform.web.edge import network_of
from duilian.platform.web.limits import count_tenant
from duilian.tenants.actors import Actor
from duilian.tenants.keyring import OpenTenantKey, keys_of
from duilian.tenants.models import Tenant
from duilian.tenants.rights import Right
from duilian.tenants.service import current_tenant
from duilian.tenants.sessions import actor_of_cookie

AnyRequest = Request[Any, Any, Any]  # Any: the actor lies in the request's own state
AnyConnection = ASGIConnection[Any, Any, Any, Any]
COOKIE = "duilian_session"
SAFE = {"GET", "HEAD", "OPTIONS"}


class StaleForm(Forbidden):
    code = "stale-form"
    zh = "页面已过期，请刷新后重试。您填写的内容没有提交。"
    en = "This page has expired. Reload it and try again; nothing was submitted."


def member_with(right: Right) -> Callable[[AnyConnection, BaseRouteHandler], Awaitable[None]]:
    """A guard: signed in, with the right, and for commands with the form's token."""

    async def guard(connection: AnyConnection, _handler: BaseRouteHandler) -> None:
        actor = await _enter(connection)
        if not actor.may(right):
            raise Forbidden
        connection.state.right = right

    return guard


def signed_in() -> Callable[[AnyConnection, BaseRouteHandler], Awaitable[None]]:
    """A guard for what every member may open; of people the page shows those whom the member may see."""

    async def guard(connection: AnyConnection, _handler: BaseRouteHandler) -> None:
        await _enter(connection)
        connection.state.right = Right.INTERVIEWS_READ

    return guard


async def _enter(connection: AnyConnection) -> Actor:
    """Raises NotSignedIn, StaleForm, TooManyRequests."""
    database = cast(Database, connection.app.state.database)  # what wiring put there
    cookie = connection.cookies.get(COOKIE)
    if not cookie:
        raise NotSignedIn
    actor = await actor_of_cookie(database, cookie)
    count_tenant(connection, actor.tenant_id)
    # A socket has no method; its handler looks at the page it was opened by.
    if connection.scope["type"] == "http" and connection.scope.get("method") not in SAFE:
        await _check_csrf(cast(AnyRequest, connection), actor)
    connection.state.actor = actor
    return actor


async def _check_csrf(request: AnyRequest, actor: Actor) -> None:
    form = await request.form()
    token = request.headers.get("x-csrf-token") or str(form.get("csrf", ""))
    if not hmac.compare_digest(token.encode(), actor.csrf.encode()):
        raise StaleForm


@dataclass(frozen=True)
class Desk:
    """A member at work: one transaction."""

    session: TenantSession
    actor: Actor
    tenant: Tenant
    key: OpenTenantKey

    @property
    def locale(self) -> str:
        return self.actor.locale


async def provide_desk(request: AnyRequest, database: Database) -> AsyncIterator[Desk]:
    """Sees the units in which the member has the right that the route asked for."""
    actor: Actor = request.state.actor
    access = actor.access(request.state.right, network_of(request))
    async with database.begin(actor.tenant_id, access) as session:
        yield Desk(session, actor, await current_tenant(session), keys_of(session))
