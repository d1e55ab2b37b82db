"""Following an interview live, for programs: the same feed as the console's page, by API key."""

from __future__ import annotations

from uuid import UUID

from litestar import websocket

from duilian.infra.database import Database
from duilian.infra.errors import Problem
from duilian.platform.api.desk import key_with
from duilian.platform.live.sockets import AnySocket, closed, for_socket
from duilian.platform.live.watching import Watch
from duilian.platform.reports.running import RunningScores
from duilian.platform.web.edge import network_of
from duilian.tenants.actors import Actor
from duilian.tenants.rights import Right
from duilian.tenants.signin import actor_of_api_key


@websocket(
    "/api/v1/interviews/{interview_id:uuid}/live", guards=[for_socket(key_with(Right.INTERVIEWS_READ))]
)
async def feed(socket: AnySocket, interview_id: UUID, database: Database) -> None:
    async def identify() -> Actor:
        key = socket.headers.get("authorization", "").partition(" ")[2]
        return await actor_of_api_key(database, key.strip())

    try:
        scores, network = RunningScores().look, network_of(socket)
        await Watch(socket, database, identify, scores, network, interview_id).run()
    except Problem as problem:
        await closed(socket, problem)
