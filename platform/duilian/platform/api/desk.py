"""From a program's request to the rows it may touch: an API key with the right. `ApiDesk` is one transaction."""

from __future__ import annotations

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
from duilian.tenants.signin import actor_of_api_key

AnyRequest = Request[Any, Any, Any]  # Any: the actor lies in the request's own state
AnyConnection = ASGIConnection[Any, Any, Any, Any]


def key_with(right: Right) -> Callable[[AnyConnection, BaseRouteHandler], Awaitable[None]]:
    """A guard: a valid API key that carries the right."""

    async def guard(connection: AnyConnection, _handler: BaseRouteHandler) -> None:
        database = cast(Database, connection.app.state.database)  # what wiring put there
        scheme, _, key = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            raise NotSignedIn
        actor = await actor_of_api_key(database, key.strip())
        if not actor.may(right):
            raise Forbidden
        count_tenant(connection, actor.tenant_id)
        connection.state.actor, connection.state.right = actor, right

    return guard


@dataclass(frozen=True)
class ApiDesk:
    session: TenantSession
    actor: Actor
    tenant: Tenant
    key: OpenTenantKey


async def provide_api_desk(request: AnyRequest, database: Database) -> AsyncIterator[ApiDesk]:
    """Sees the units in which the key has the right that the route asked for."""
    actor: Actor = request.state.actor
    access = actor.access(request.state.right, network_of(request))
    async with database.begin(actor.tenant_id, access) as session:
        yield ApiDesk(session, actor, await current_tenant(session), keys_of(session))
