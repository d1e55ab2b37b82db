"""A watcher's socket: reads the live view once a second for as long as somebody may see it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from litestar.exceptions import WebSocketDisconnect

from duilian.infra.database import Database, TenantSession
from duilian.infra.errors import Forbidden, Problem
from duilian.platform.live import state
from duilian.platform.live.sockets import AnySocket, closed
from duilian.tenants.actors import Actor
from duilian.tenants.rights import Right

EVERY = 1.0  # seconds between two looks
ASK_AGAIN = 5  # looks after which the session or the key is asked for anew
RIGHT = Right.INTERVIEWS_READ  # that of the report too: who may not read it sees no scores so far
Scores = Callable[[TenantSession, UUID, str], Awaitable[Mapping[str, Any]]]


@dataclass
class Watch:
    """identify: who watches, asked anew again and again; raises NotSignedIn once the session or key has ended.

    scores: what the answers read so far amount to, for an interview and a reader's locale.
    """

    socket: AnySocket
    database: Database
    identify: Callable[[], Awaitable[Actor]]
    scores: Scores
    network: str
    interview_id: UUID

    async def run(self) -> None:
        """Until the watcher leaves, or may not watch any longer."""
        actor = await self._actor()
        await self._enter(actor)
        await self.socket.accept()
        gone, ending = asyncio.create_task(self._gone()), None
        try:
            await self._looks(gone, actor)
        except Problem as problem:
            ending = problem
        except WebSocketDisconnect:
            pass
        finally:
            # The server closes a socket only once nobody waits for its messages any more.
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)
            await self._leave(actor)
        if ending is not None:
            await closed(self.socket, ending)

    async def _actor(self) -> Actor:
        """Raises NotSignedIn, Forbidden."""
        actor = await self.identify()
        if not actor.may(RIGHT):
            raise Forbidden
        return actor

    async def _enter(self, actor: Actor) -> None:
        async with self.database.begin(actor.tenant_id, actor.access(RIGHT, self.network)) as session:
            await state.enter(session, self.interview_id)

    async def _leave(self, actor: Actor) -> None:
        async with self.database.begin(actor.tenant_id, actor.access(RIGHT, self.network)) as session:
            await state.leave(session, self.interview_id)

    async def _looks(self, gone: asyncio.Task[None], actor: Actor) -> None:
        """Raises what ends the watching: NotSignedIn, Forbidden, NotFound, LiveNotAllowed."""
        told: dict[str, Any] | None = None
        picture, number = 0, 0
        while not gone.done():
            number += 1
            if number % ASK_AGAIN == 0:
                actor = await self._actor()
            access = actor.access(RIGHT, self.network)
            async with self.database.begin(actor.tenant_id, access) as session:
                seen = await state.look(session, self.interview_id, actor.locale, picture)
                seen["scores"] = await self.scores(session, self.interview_id, actor.locale)
            if seen != told or number % ASK_AGAIN == 0:
                await self.socket.send_json(seen)
                told = seen
            picture = seen["now"]["picture_number"] if seen["now"] else 0
            await asyncio.wait([gone], timeout=EVERY)

    async def _gone(self) -> None:
        """Ends when the other side does; what it says meanwhile is not listened to."""
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                await self.socket.receive_data(mode="text")
