"""Following an interview live: the page, and the socket that feeds it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Controller, Response, get, websocket
from litestar.di import Provide

from duilian.customization.service import questions_of
from duilian.infra.database import Database
from duilian.infra.errors import NotSignedIn, Problem
from duilian.platform.console.desk import COOKIE, Desk, member_with, provide_desk
from duilian.platform.console.shell import AnyRequest, staff_page
from duilian.platform.live import state
from duilian.platform.live.sockets import AnySocket, closed, for_socket, same_site
from duilian.platform.live.watching import Watch
from duilian.platform.reports import service
from duilian.platform.reports.running import RunningScores
from duilian.platform.sessions.answering import answers_of
from duilian.platform.web.edge import network_of
from duilian.tenants.actors import Actor
from duilian.tenants.rights import Right
from duilian.tenants.sessions import actor_of_cookie

READ = [member_with(Right.INTERVIEWS_READ)]


class LivePages(Controller):
    path = "/console/interviews/{interview_id:uuid}/live"
    include_in_schema = False
    dependencies = {"desk": Provide(provide_desk)}  # noqa: RUF012  # the framework's own convention

    @get("/", guards=READ)
    async def show(self, request: AnyRequest, desk: Desk, interview_id: UUID) -> Response[Any]:
        """The frame; what is seen comes by the socket, which notes who watches."""
        person = await service.person_of(desk.session, interview_id)
        may = await state.allowed(desk.session, person.interview)
        answers = await answers_of(desk.session, person.interview)
        questions = await questions_of(desk.session, person.interview.set_id)
        script = {
            "page": "live",
            "locale": desk.locale,
            "socket": f"/console/interviews/{interview_id}/live/feed",
        }
        return staff_page(
            request, desk, "live.html", person=person, may=may, answers=answers,
            competencies=questions.competencies, script=script,
        )  # fmt: skip


@websocket(
    "/console/interviews/{interview_id:uuid}/live/feed",
    guards=[for_socket(member_with(Right.INTERVIEWS_READ))],
)
async def feed(socket: AnySocket, interview_id: UUID, database: Database) -> None:
    async def identify() -> Actor:
        cookie = socket.cookies.get(COOKIE)
        if not cookie:
            raise NotSignedIn
        return await actor_of_cookie(database, cookie)

    try:
        same_site(socket)
        scores, network = RunningScores().look, network_of(socket)
        await Watch(socket, database, identify, scores, network, interview_id).run()
    except Problem as problem:
        await closed(socket, problem)
