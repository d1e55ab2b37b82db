"""From a candidate's request to the interview it may touch: the only ways in.

`Door` holds one transaction of one tenant. It is opened by the slug in the address and the token of the link,
commits when the handler has returned, and rolls back when it raised.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from litestar import Request

from duilian.infra.database import Database, TenantSession
from duilian.infra.errors import NotSignedIn
from duilian.platform.recruiting.errors import BadLink
from duilian.platform.sessions.opening import Visit, visit
from duilian.tenants.errors import UnknownTenant
from duilian.tenants.keyring import Keyring
from duilian.tenants.service import find_tenant

AnyRequest = Request[Any, Any, Any]  # Any: candidates have no user object


class Door:
    """A candidate's transaction."""

    def __init__(self, session: TenantSession, keyring: Keyring, token: str) -> None:
        self.session, self._keyring, self._token = session, keyring, token

    async def visit(self, *, lock: bool = False) -> Visit:
        """Raises BadLink."""
        return await visit(self.session, await self._keyring.of(self.session), self._token, lock=lock)


async def page_door(slug: str, token: str, database: Database, keyring: Keyring) -> AsyncIterator[Door]:
    """For pages: the token stands in the address. An unknown tenant looks like a bad link."""
    try:
        tenant_id = await find_tenant(database, slug)
    except UnknownTenant as error:
        raise BadLink from error
    async with database.begin(tenant_id) as session:
        yield Door(session, keyring, token)


async def api_door(
    request: AnyRequest, slug: str, database: Database, keyring: Keyring
) -> AsyncIterator[Door]:
    """For the candidate API: the token is the bearer."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotSignedIn
    async for door in page_door(slug, token.strip(), database, keyring):
        yield door
