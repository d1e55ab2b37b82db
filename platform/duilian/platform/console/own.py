"""A member at their own account: no right is needed but to be signed in. Consultants have their account at home."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from duilian.infra.database import Access, Database
from duilian.infra.errors import Forbidden
from duilian.platform.console.desk import COOKIE, AnyRequest, Desk
from duilian.platform.web.edge import network_of
from duilian.tenants.actors import Actor
from duilian.tenants.keyring import keys_of
from duilian.tenants.models import Member, StaffSession
from duilian.tenants.people import member_of
from duilian.tenants.service import current_tenant
from duilian.tenants.sessions import own_session


@dataclass(frozen=True)
class OwnDesk(Desk):
    """The member and the session that the request came with; sees nobody else's interviews."""

    member: Member
    own: StaffSession


async def provide_own_desk(request: AnyRequest, database: Database) -> AsyncIterator[OwnDesk]:
    """Raises Forbidden for a consultant."""
    actor: Actor = request.state.actor
    if actor.member_id is None:
        raise Forbidden
    access = Access(actor=actor.label, network=network_of(request), units=frozenset())
    async with database.begin(actor.tenant_id, access) as session:
        member = await member_of(session, actor.member_id)
        own = await own_session(session, request.cookies[COOKIE])
        yield OwnDesk(session, actor, await current_tenant(session), keys_of(session), member, own)
