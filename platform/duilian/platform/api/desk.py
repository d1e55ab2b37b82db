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
from duilian.tenants.keyring import Keyring, OpenTenantKey
from duilian.tenants.models import Tenant
from duilian.tenants.rights import Right
from duilian.tenants.service import current_tenant
from duilian.tenants.signin import Actor, actor_of_api_key

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
        if right not in actor.rights:
            raise Forbidden
        connection.state.actor = actor

    return guard


@dataclass(frozen=True)
class ApiDesk:
    session: TenantSession
    actor: Actor
    tenant: Tenant
    key: OpenTenantKey


async def provide_api_desk(
    request: AnyRequest, database: Database, keyring: Keyring
) -> AsyncIterator[ApiDesk]:
    actor: Actor = request.state.actor
    async with database.begin(actor.tenant_id) as session:
        yield ApiDesk(session, actor, await current_tenant(session), await keyring.of(session))
