"""The candidate API (docs/architecture.md): what the pages' scripts and `duilian interview run` call."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Controller, Request, get, post, put
from litestar.di import Provide

from duilian.infra.objects import ObjectStore
from duilian.platform.media import chunks
from duilian.platform.media.errors import ChunkTooLarge
from duilian.platform.portal import feedback, schemas
from duilian.platform.portal.doors import Door, api_door
from duilian.platform.sessions import answering
from duilian.platform.sessions.view import interview_state, question_state, take_view

AnyRequest = Request[Any, Any, Any]  # Any: candidates have no user object
Document = dict[str, Any]
_TAKE = "/questions/{key:str}/takes/{number:int}"


class CandidateApi(Controller):
    path = "/api/v1/t/{slug:str}/interview"
    tags = ("candidate",)
    dependencies = {"door": Provide(api_door)}  # noqa: RUF012  # the framework's own convention

    @get("/")
    async def state(self, door: Door) -> Document:
        return await interview_state(door.session, await door.visit())

    @put("/consents")
    async def consents(self, door: Door, data: schemas.Consents) -> Document:
        visit = await door.visit(lock=True)
        await answering.give_consents(door.session, visit, data.version, data.decisions)
        return await interview_state(door.session, visit)

    @post("/device-check")
    async def device_check(self, door: Door, data: schemas.DeviceCheck) -> Document:
        visit = await door.visit(lock=True)
        answering.require_unfinished(visit.interview)
        visit.interview.device_check = msgspec.to_builtins(data)
        return {"saved": True}

    @post("/start", status_code=200)
    async def start(self, door: Door) -> Document:
        visit = await door.visit(lock=True)
        await answering.start(door.session, visit)
        return await interview_state(door.session, visit)

    @post("/questions/{key:str}/open", status_code=200)
    async def open_question(self, door: Door, key: str) -> Document:
        visit = await door.visit(lock=True)
        answer = await answering.open_question(door.session, visit, key)
        return await question_state(door.session, visit, answer)

    @post("/questions/{key:str}/takes")
    async def new_take(self, door: Door, key: str, data: schemas.NewTake) -> Document:
        visit = await door.visit(lock=True)
        take = await answering.begin_take(door.session, visit, key, data.mode, data.content_type)
        return await take_view(door.session, visit, key, take)

    @get(_TAKE)
    async def take(self, door: Door, key: str, number: int) -> Document:
        visit = await door.visit()
        _, answer = await answering.answer_to(door.session, visit, key)
        return await take_view(
            door.session, visit, key, await chunks.take_numbered(door.session, answer.id, number)
        )

    @post(_TAKE + "/segments")
    async def new_segment(self, door: Door, key: str, number: int, data: schemas.NewSegment) -> Document:
        visit = await door.visit(lock=True)
        answering.require_running(visit.interview)
        _, answer = await answering.answer_to(door.session, visit, key)
        take = await chunks.take_numbered(door.session, answer.id, number)
        return {"number": await chunks.add_segment(door.session, take, data.content_type)}

    @put(_TAKE + "/segments/{segment:int}/chunks/{seq:int}")
    async def chunk(
        self,
        door: Door,
        request: AnyRequest,
        store: ObjectStore,
        key: str,
        number: int,
        segment: int,
        seq: int,
    ) -> Document:
        body = await _body(request)
        visit = await door.visit()
        answering.require_running(visit.interview)
        _, answer = await answering.answer_to(door.session, visit, key)
        take = await chunks.take_numbered(door.session, answer.id, number)
        digest = request.headers.get("content-digest")
        state = await chunks.put_chunk(door.session, store, visit.key, take, segment, seq, body, digest)
        return {"next": state.next, "missing": state.missing}

    @post(_TAKE + "/finish", status_code=200)
    async def finish(self, door: Door, key: str, number: int, data: schemas.Finish) -> Document:
        visit = await door.visit(lock=True)
        return await answering.finish_take(door.session, visit, key, number, data.segments, data.events)

    @put("/questions/{key:str}/text")
    async def write(self, door: Door, key: str, data: schemas.WrittenAnswer) -> Document:
        visit = await door.visit(lock=True)
        answer = await answering.write_text(door.session, visit, key, data.text, data.events)
        return await question_state(door.session, visit, answer)

    @post("/submit", status_code=200)
    async def submit(self, door: Door, data: schemas.Submit) -> Document:
        visit = await door.visit(lock=True)
        await answering.submit(door.session, visit, data.leave_unanswered)
        return await interview_state(door.session, visit)

    @post("/human-route", status_code=200)
    async def human_route(self, door: Door, data: schemas.HumanRoute) -> Document:
        visit = await door.visit(lock=True)
        await answering.ask_for_person(door.session, visit, data.reason or "asked for a person")
        return await interview_state(door.session, visit)

    @get("/feedback")
    async def feedback(self, door: Door) -> Document:
        return await feedback.document(door.session, await door.visit())


async def _body(request: AnyRequest) -> bytes:
    """The chunk, never more than the limit in memory."""
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > chunks.CHUNK_LIMIT:
        raise ChunkTooLarge(limit="4 MiB")
    return await request.body()
