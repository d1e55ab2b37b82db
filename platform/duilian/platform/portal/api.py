"""The candidate API (docs/architecture.md): what the pages' scripts and `duilian interview run` call."""

from __future__ import annotations

from typing import Any, cast

import msgspec
from litestar import Controller, Request, get, post, put
from litestar.di import Provide

from duilian.infra.objects import ObjectStore
from duilian.platform.media import chunks
from duilian.platform.media.errors import ChunkTooLarge
from duilian.platform.portal import feedback, schemas
from duilian.platform.portal.doors import Door, api_door
from duilian.platform.sessions import answering
from duilian.platform.sessions import documents as docs
from duilian.platform.sessions.chunk_door import running_take
from duilian.platform.sessions.view import interview_state, question_state, take_view
from duilian.tenants.keyring import keys_of

AnyRequest = Request[Any, Any, Any]  # Any: candidates have no user object
_TAKE = "/questions/{key:str}/takes/{number:int}"


class CandidateApi(Controller):
    path = "/api/v1/t/{slug:str}/interview"
    tags = ("candidate",)
    dependencies = {"door": Provide(api_door)}  # noqa: RUF012  # the framework's own convention

    @get("/")
    async def state(self, door: Door) -> docs.InterviewState:
        return await interview_state(door.session, await door.visit())

    @put("/consents")
    async def consents(self, door: Door, data: schemas.Consents) -> docs.InterviewState:
        visit = await door.visit(lock=True)
        await answering.give_consents(door.session, visit, data.version, data.decisions)
        return await interview_state(door.session, visit)

    @post("/device-check")
    async def device_check(self, door: Door, data: schemas.DeviceCheck) -> docs.Saved:
        visit = await door.visit(lock=True)
        answering.require_unfinished(visit.interview)
        visit.interview.device_check = msgspec.to_builtins(data)
        return {"saved": True}

    @post("/start", status_code=200)
    async def start(self, door: Door) -> docs.InterviewState:
        visit = await door.visit(lock=True)
        await answering.start(door.session, visit)
        return await interview_state(door.session, visit)

    @post("/questions/{key:str}/open", status_code=200)
    async def open_question(self, door: Door, key: str) -> docs.QuestionState:
        visit = await door.visit(lock=True)
        answer = await answering.open_question(door.session, visit, key)
        return await question_state(door.session, visit, answer)

    @post("/questions/{key:str}/takes")
    async def new_take(self, door: Door, key: str, data: schemas.NewTake) -> docs.TakeState:
        visit = await door.visit(lock=True)
        take = await answering.begin_take(door.session, visit, key, data.mode, data.content_type)
        return await take_view(door.session, visit, key, take)

    @get(_TAKE)
    async def take(self, door: Door, key: str, number: int) -> docs.TakeState:
        visit = await door.visit()
        _, answer = await answering.answer_to(door.session, visit, key)
        return await take_view(
            door.session, visit, key, await chunks.take_numbered(door.session, answer.id, number)
        )

    @post(_TAKE + "/segments")
    async def new_segment(
        self, door: Door, key: str, number: int, data: schemas.NewSegment
    ) -> docs.SegmentNumber:
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
    ) -> docs.ChunkState:
        body = await _body(request)
        digest, tenant_key = request.headers.get("content-digest"), keys_of(door.session)
        take = await running_take(door.session, tenant_key, door.token, key, number)
        if take is None:
            visit = await door.visit()
            answering.require_running(visit.interview)
            _, answer = await answering.answer_to(door.session, visit, key)
            take = await chunks.take_numbered(door.session, answer.id, number)
        state = await chunks.put_chunk(door.session, store, tenant_key, take, segment, seq, body, digest)
        return {"next": state.next, "missing": state.missing}

    @post(_TAKE + "/finish", status_code=200)
    async def finish(self, door: Door, key: str, number: int, data: schemas.Finish) -> docs.Certificate:
        visit = await door.visit(lock=True)
        made = await answering.finish_take(door.session, visit, key, number, data.segments, data.events)
        return cast(docs.Certificate, made)  # stored as JSON, in the form in which it was signed

    @put("/questions/{key:str}/text")
    async def write(self, door: Door, key: str, data: schemas.WrittenAnswer) -> docs.QuestionState:
        visit = await door.visit(lock=True)
        answer = await answering.write_text(door.session, visit, key, data.text, data.events)
        return await question_state(door.session, visit, answer)

    @post("/submit", status_code=200)
    async def submit(self, door: Door, data: schemas.Submit) -> docs.InterviewState:
        visit = await door.visit(lock=True)
        await answering.submit(door.session, visit, data.leave_unanswered)
        return await interview_state(door.session, visit)

    @post("/human-route", status_code=200)
    async def human_route(self, door: Door, data: schemas.HumanRoute) -> docs.InterviewState:
        visit = await door.visit(lock=True)
        await answering.ask_for_person(door.session, visit, data.reason or "asked for a person")
        return await interview_state(door.session, visit)

    @get("/feedback")
    async def feedback(self, door: Door) -> feedback.Feedback:
        return await feedback.document(door.session, await door.visit())


async def _body(request: AnyRequest) -> bytes:
    """The chunk, never more than the limit in memory."""
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > chunks.CHUNK_LIMIT:
        raise ChunkTooLarge(limit="4 MiB")
    return await request.body()
