"""The candidate's live channel: captions, and the picture for whoever watches.

A browser cannot set headers on a socket, so the link's token comes as a subprotocol, after the name of ours.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import UUID

from litestar import websocket

from duilian.customization.service import questions_of
from duilian.infra.database import Access, Database, TenantSession
from duilian.infra.errors import NotSignedIn, Problem
from duilian.platform.live.sockets import AnySocket, closed
from duilian.platform.live.speaking import Speaking
from duilian.platform.recruiting.errors import BadLink
from duilian.platform.recruiting.links import invitation_of
from duilian.platform.scoring.requests import spoken_in
from duilian.platform.sessions.answering import require_running
from duilian.platform.sessions.models import Interview
from duilian.platform.sessions.opening import visit
from duilian.platform.web.edge import network_of
from duilian.platform.web.limits import count_tenant
from duilian.serving.client import ServingClient
from duilian.serving.contracts import Language
from duilian.tenants.errors import UnknownTenant
from duilian.tenants.keyring import keys_of
from duilian.tenants.service import find_tenant

PROTOCOL = "duilian.live"
TOKEN = "token."  # noqa: S105  # a prefix, not a secret


@websocket("/api/v1/t/{slug:str}/interview/live")
async def live(socket: AnySocket, slug: str, database: Database, serving: ServingClient) -> None:
    try:
        tenant_id, interview, spoken = await _enter(socket, slug, database)
    except Problem as problem:
        await closed(socket, problem)
        return
    access = Access(actor="candidate", network=network_of(socket))

    @asynccontextmanager
    async def begin() -> AsyncGenerator[tuple[TenantSession, Interview]]:
        async with database.begin(tenant_id, access) as session:
            yield session, await session.get_one(Interview, (tenant_id, interview.id))

    await socket.accept(subprotocols=PROTOCOL)
    await Speaking(socket, serving, spoken, begin).run()


async def _enter(
    socket: AnySocket, slug: str, database: Database
) -> tuple[UUID, Interview, dict[str, Language]]:
    """With the language that each question is answered in.

    Raises NotSignedIn, BadLink, TooManyRequests, and what an interview refuses that is not under way.
    """
    token = _token(socket)
    try:
        tenant_id = await find_tenant(database, slug)
    except UnknownTenant as error:
        raise BadLink from error
    access = Access(actor="candidate", network=network_of(socket))
    async with database.begin(tenant_id, access) as session:
        invitation_of(keys_of(session), token)
        found = await visit(session, keys_of(session), token)
        count_tenant(socket, tenant_id)
        require_running(found.interview)
        questions = (await questions_of(session, found.interview.set_id)).questions
        spoken: dict[str, Language] = {q.key: spoken_in(found.interview, q)[0] for q in questions}
        return tenant_id, found.interview, spoken


def _token(socket: AnySocket) -> str:
    """Raises NotSignedIn."""
    offered = [part.strip() for part in socket.headers.get("sec-websocket-protocol", "").split(",")]
    tokens = [part.removeprefix(TOKEN) for part in offered if part.startswith(TOKEN)]
    scheme, _, bearer = socket.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and bearer:
        return bearer.strip()
    if not tokens or PROTOCOL not in offered:
        raise NotSignedIn
    return tokens[0]
