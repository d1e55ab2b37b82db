"""From a candidate's request to the interview it may touch: the only ways in.

`Door` holds one transaction of one tenant. It is opened by the slug in the address and the token of the link,
commits when the handler has returned, and rolls back when it raised.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from litestar import Request

from duilian.infra.database import Access, Database, TenantSession
from duilian.infra.errors import NotSignedIn
from duilian.platform.recruiting.errors import BadLink
from duilian.platform.recruiting.links import invitation_of
from duilian.platform.sessions.opening import Visit, visit
from duilian.platform.web.edge import network_of
from duilian.platform.web.limits import count_tenant
from duilian.tenants.errors import UnknownTenant
from duilian.tenants.keyring import keys_of
from duilian.tenants.service import find_tenant

AnyRequest = Request[Any, Any, Any]  # Any: candidates have no user object


class Door:
    """A candidate's transaction."""

    def __init__(self, request: AnyRequest, session: TenantSession, token: str) -> None:
        self._request, self.session, self.token = request, session, token

    async def visit(self, *, lock: bool = False) -> Visit:
        """Raises BadLink, TooManyRequests."""
        found = await visit(self.session, keys_of(self.session), self.token, lock=lock)
        count_tenant(self._request, self.session.tenant_id)
        return found


async def page_door(request: AnyRequest, slug: str, token: str, database: Database) -> AsyncIterator[Door]:
    """For pages: the token stands in the address. An unknown tenant looks like a bad link."""
    try:
        tenant_id = await find_tenant(database, slug)
    except UnknownTenant as error:
        raise BadLink from error
    access = Access(actor="candidate", network=network_of(request))
    async with database.begin(tenant_id, access) as session:
        # Before anything of the request is read: a stranger learns nothing from what it would have lacked.
        invitation_of(keys_of(session), token)
        yield Door(request, session, token)


async def api_door(request: AnyRequest, slug: str, database: Database) -> AsyncIterator[Door]:
    """For the candidate API: the token is the bearer."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotSignedIn
    async for door in page_door(request, slug, token.strip(), database):
        yield door
