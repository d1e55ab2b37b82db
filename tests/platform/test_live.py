"""Captions and live views through their sockets, with real speech on real models."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import text
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from duilian.infra.database import Access, TenantSession
from duilian.platform.app.up import Stack
from duilian.platform.live import state
from duilian.platform.live.speaking import Speaking
from duilian.platform.sessions.models import Interview
from duilian.serving import contracts as c
from duilian.serving.audio import decode_audio, sample_frames
from duilian.serving.client import ServingClient
from duilian.tenants.keyring import open_database, open_keyring
from duilian.tenants.policy import Feature
from duilian.tenants.policy_settings import forbid
from face_clip import ensure_face_clip
from finished import Finished
from inside import within
from playing import SPEECH, publish_set, publish_written, report_of, shipped, written
from sockets import candidate_socket, console_socket, refused, told
from world import World, open_world

Document = dict[str, Any]
SECOND = 32_000  # octets of sound
BLOCK = SECOND // 5
NOTICE = "可以实时观看。每一次都会留下记录"
SPOKEN = SPEECH / "zh" / "weak" / "complaint" / "02.webm"


@pytest.fixture(scope="module")
def world(stack: Stack) -> World:
    return open_world(stack.settings)


@pytest.fixture(scope="module")
def sound() -> bytes:
    return decode_audio(SPOKEN).tobytes()[: 7 * SECOND]


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder: Path = tmp_path_factory.mktemp("face")
    return sample_frames(ensure_face_clip(folder).with_name("face.webm"))[0].jpeg


def running(world: World, set_key: str = "complaint", **consents: bool) -> Finished:
    """An interview whose first question is open."""
    me = Finished(world, world.invite(set_key, locale="zh-CN"))
    state = me.api.get("/").json()
    decisions = dict.fromkeys(state["consents"]["decisions"], True) | consents
    me.api.put("/consents", json={"version": state["consents"]["version"], "decisions": decisions})
    me.api.post("/device-check", json={"camera": "ok", "microphone": "ok"})
    me.api.post("/start").raise_for_status()
    me.api.post("/questions/intro/open", json={}).raise_for_status()
    return me


class Page:
    """The candidate's page: a socket, and everything it was told, in order."""

    def __init__(self, me: Finished) -> None:
        self.socket = candidate_socket(me.world, me.invitation["token"])
        self.told: list[Document] = []
        self.code: int | None = None
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        try:
            for message in self.socket:
                self.told.append(json.loads(message))
        except ConnectionClosed:
            pass
        self.code = self.socket.close_code

    def say(self, **message: Any) -> None:
        self.socket.send(json.dumps(message))

    def speak(self, sound: bytes) -> None:
        """As fast as somebody speaks."""
        for start in range(0, len(sound), BLOCK):
            self.socket.send(b"\x01" + sound[start : start + BLOCK])
            time.sleep(BLOCK / SECOND)

    def of(self, kind: str) -> list[Document]:
        return [message for message in list(self.told) if message["type"] == kind]

    def until(self, done: Any, within_seconds: float = 40) -> None:
        deadline = time.monotonic() + within_seconds
        while not done(self):
            assert time.monotonic() < deadline, self.told[-8:]
            time.sleep(0.05)

    def ready(self) -> Page:
        self.until(lambda page: page.of("may"))
        return self

    @property
    def standing(self) -> str:
        return "".join(message["added"] for message in self.of("caption"))

    def close(self) -> None:
        self.socket.close()


@pytest.fixture
def page(world: World) -> Iterator[Page]:
    opened = Page(running(world)).ready()
    yield opened
    opened.close()


def test_words_appear_while_somebody_speaks_and_stand(page: Page, sound: bytes) -> None:
    page.say(type="answer", question="intro", captions=True)
    page.speak(sound)
    during = len(page.of("caption"))
    assert during, "not only after the last word"
    page.say(type="end")
    page.until(lambda p: p.of("caption")[-1]["tail"] == "" and len(p.standing) > 15)
    said = json.loads((SPEECH / "transcripts.json").read_text("utf-8"))["zh/weak/complaint/02.webm"]["text"]
    right = SequenceMatcher(None, said, page.standing, autojunk=False)
    assert sum(block.size for block in right.get_matching_blocks()) > 0.3 * len(said), page.standing
    assert page.of("captions")[0]["state"] == "on"


def test_captions_are_in_the_language_of_the_question(world: World) -> None:
    """Spoken English in a Chinese interview, as the transcript will have it."""
    source = shipped("retail", "complaint")
    question = msgspec.structs.replace(source.questions[0], language="en")
    in_english = msgspec.structs.replace(source, key="captions-in-english", questions=[question])
    page = Page(running(world, publish_set(world, in_english))).ready()
    said = decode_audio(SPEECH / "en" / "weak" / "fault-finding" / "02.webm").tobytes()[: 5 * SECOND]
    page.say(type="answer", question="intro", captions=True)
    for start in range(0, len(said), SECOND):
        page.socket.send(b"\x01" + said[start : start + SECOND])
    page.say(type="end")
    page.until(lambda p: "kept tripping" in p.standing)
    page.say(type="answer", question="no-question-of-this-set")
    page.until(lambda p: p.code is not None, 15)
    assert page.code == 4400


def test_sound_that_comes_faster_than_time_is_left_out(page: Page, sound: bytes) -> None:
    page.say(type="answer", question="intro", captions=True)
    for _ in range(30):
        page.socket.send(b"\x01" + sound[: 2 * SECOND])
    page.until(lambda p: p.of("caption"))
    time.sleep(1)
    assert page.code is None, "the channel stays open"


def test_captions_that_are_switched_off_are_not_computed(page: Page, sound: bytes) -> None:
    page.say(type="answer", question="intro", captions=False)
    page.speak(sound[: 4 * SECOND])
    page.say(type="end")
    time.sleep(2)
    assert page.of("caption") == []


def test_who_refuses_scoring_has_no_captions(world: World, sound: bytes) -> None:
    page = Page(running(world, scoring=False)).ready()
    assert page.of("may")[0] == {"type": "may", "captions": False, "view": True}
    page.say(type="answer", question="intro", captions=True)
    page.speak(sound[: 3 * SECOND])
    time.sleep(1)
    assert page.of("caption") == []
    page.close()


def test_a_withdrawn_consent_ends_captions_at_once(world: World, sound: bytes) -> None:
    me = running(world)
    page = Page(me).ready()
    page.say(type="answer", question="intro", captions=True)
    page.speak(sound[: 4 * SECOND])
    me.api.post("/my-data/withdrawals", json={"purpose": "scoring"}).raise_for_status()
    page.until(lambda p: p.of("may")[-1]["captions"] is False, 10)
    before = len(page.of("caption"))
    page.speak(sound[4 * SECOND : 7 * SECOND])
    time.sleep(1)
    assert len(page.of("caption")) <= before + 1, "at most what was being read"
    page.close()


@dataclass
class Line:
    """A socket without its wire. script: what the page says, each once it has been told what it waits for."""

    script: list[tuple[Document | None, Document]]
    told: list[Document] = field(default_factory=list)
    code: int | None = None

    async def receive(self) -> Document:
        awaited, said = self.script.pop(0)
        while awaited is not None and awaited not in self.told:
            await asyncio.sleep(0.01)
        return said

    async def send_json(self, message: Document) -> None:
        self.told.append(message)

    async def close(self, code: int, reason: str) -> None:
        self.code = code


async def test_a_tier_that_breaks_pauses_captions_and_the_channel_lives(world: World, sound: bytes) -> None:
    """500 for one look, as when a replica died of it twice; the next look is answered."""
    me = running(world)
    broken = c.ServingProblem(code="step-died", detail="it died")
    heard = c.Caption(text="", settled_until=0, speech_seconds=0, silence=2, quietest=1, versions={})
    answers = [(500, broken), (200, heard)]

    async def tier(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        await reader.readexactly(int(head.split("content-length:")[1].split()[0]))
        status, answer = answers.pop(0) if len(answers) > 1 else answers[0]
        body = msgspec.msgpack.encode(answer)
        writer.write(
            b"HTTP/1.1 %d x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
        )
        writer.write(body)
        writer.close()

    database = open_database(world.settings, open_keyring(world.settings), 1)

    @asynccontextmanager
    async def begin() -> AsyncGenerator[tuple[TenantSession, Interview]]:
        async with database.begin(world.tenant_id, Access(actor="candidate")) as session:
            yield session, await session.get_one(Interview, (world.tenant_id, UUID(me.id)))

    paused, resumed = ({"type": "captions", "state": state} for state in ("unavailable", "on"))
    answer = json.dumps({"type": "answer", "question": "intro"})
    line = Line(
        [
            ({"type": "may", "captions": True, "view": True}, {"type": "websocket.receive", "text": answer}),
            (None, {"type": "websocket.receive", "bytes": b"\x01" + sound[: 2 * SECOND]}),
            (paused, {"type": "websocket.receive", "bytes": b"\x01" + sound[:SECOND]}),
            (resumed, {"type": "websocket.disconnect"}),
        ]
    )
    listener = await asyncio.start_server(tier, "127.0.0.1", 0)
    async with listener, ServingClient(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}") as serving:
        speaking = Speaking(line, serving, {"intro": "zh"}, begin)  # type: ignore[arg-type]
        await asyncio.wait_for(speaking.run(), 30)
    await database.close()
    assert line.code is None and line.script == []


@pytest.mark.parametrize("message", ["no json", '{"type": "none"}', b"\x01" + bytes(200_000)])
def test_nonsense_closes_the_channel_with_a_reason(world: World, message: str | bytes) -> None:
    page = Page(running(world)).ready()
    page.socket.send(message)
    page.until(lambda p: p.code is not None, 15)
    assert page.code == 4400


def test_only_a_running_interview_has_a_channel(world: World) -> None:
    fresh = world.invite(locale="zh-CN")
    assert refused(lambda: candidate_socket(world, fresh["token"]))


def seen(socket: ClientConnection, wanted: Any, within_seconds: float = 30) -> Document:
    return told(socket, wanted, within_seconds)


def test_an_interviewer_sees_picture_words_and_progress(world: World, sound: bytes, picture: bytes) -> None:
    me = running(world)
    page = Page(me).ready()
    page.say(type="answer", question="intro", captions=True)
    time.sleep(1.5)
    assert stored(me) == 0, "nothing is written while nobody watches"
    office = world.console("interviewer")
    assert "not_allowed" not in office.get(f"/console/interviews/{me.id}/live").text
    with console_socket(world, office, me.id) as socket:
        page.until(lambda p: p.of("watchers") and p.of("watchers")[-1]["count"] == 1, 10)
        speaking = threading.Thread(target=page.speak, args=(sound,))
        speaking.start()
        page.socket.send(b"\x02" + picture)
        shown = seen(socket, lambda m: m["now"] is not None and m["now"]["picture"])
        assert base64.b64decode(shown["now"]["picture"]) == picture
        heard = seen(socket, lambda m: m["now"] and len(m["now"]["said"]["stable"]) > 4)
        assert heard["now"]["picture"] is None, "a picture that was seen is not sent again"
        assert heard["now"]["question"] == "intro" and heard["now"]["captions"] == "on"
        states = {q["key"]: q["state"] for q in heard["questions"]}
        assert states["intro"] == "open" and set(list(states.values())[1:]) == {"pending"}
        speaking.join()
        assert page.standing.startswith(heard["now"]["said"]["stable"]), "the same words as the candidate's"
        page.say(type="end")
        seen(socket, lambda m: m["now"] is None)
    page.until(lambda p: p.of("watchers")[-1]["count"] == 0, 15)
    page.close()
    assert stored(me) == 0
    looked = me.mine()["looked"]
    assert ("interviewer", "interview.watched") in {(look["role"], look["what"]) for look in looked}
    assert (
        "followed the interview live" in me.page.get("/my-data").text
        or "实时观看" in me.page.get("/my-data").text
    )


def stored(me: Finished) -> int:
    async def count(session: TenantSession) -> int:
        query = text("select count(*) from live_states where interview_id = :i")
        return int((await session.execute(query, {"i": UUID(me.id)})).scalar_one())

    return within(me.world, count)


def test_scores_so_far_come_as_answers_are_read(world: World) -> None:
    """The report's own figures, answer by answer; nothing that is not scored has a number; who withdraws has none."""
    key = publish_written(world, shipped("retail", "complaint"))
    me, said = running(world, key), written("complaint", "strong", "zh")
    asked = {q.key: q.competencies for q in shipped("retail", "complaint").questions}
    with console_socket(world, world.console("interviewer"), me.id) as socket:
        first = seen(socket, lambda m: True)["scores"]
        assert first["state"] == "running" and first["provisional"] and first["answers_read"] == 0
        assert {c["outcome"] for c in first["competencies"]} == {"not_yet"}
        me.api.put("/questions/intro/text", json={"text": said[0]}).raise_for_status()
        one = seen(socket, lambda m: m["scores"]["answers_read"] == 1)["scores"]
        reached = {c["key"] for c in one["competencies"] if c["outcome"] != "not_yet"}
        assert reached == set(asked["intro"]) and len(reached) < len(one["competencies"])
        name = next(iter(list(asked)[1:]))
        me.api.post(f"/questions/{name}/open", json={}).raise_for_status()
        me.api.put(f"/questions/{name}/text", json={"text": "好的。"}).raise_for_status()
        two = seen(socket, lambda m: m["scores"]["answers_read"] == 2)["scores"]
        refused_ones = [c for c in two["competencies"] if c["outcome"] == "cannot_be_scored"]
        assert refused_ones and all("too little to score" in " ".join(c["reasons"]) for c in refused_ones)
        for one in two["competencies"]:
            numbers = [one["level"], one["level_label"], one["score"], one["standard_error"]]
            assert (
                all(n is not None for n in numbers) if one["outcome"] == "scored" else numbers == [None] * 4
            )
        me.api.post("/submit", json={"leave_unanswered": True}).raise_for_status()
        report = report_of(world, me.id)
        last = seen(socket, lambda m: m["status"] == "reported")["scores"]
        figures = ("outcome", "level", "score", "standard_error", "answers_used", "answers_asked")
        of_report = [[c[name] for name in figures] for c in report["competencies"]]
        assert [[c[name] for name in figures] for c in last["competencies"]] == of_report
        assert any(row[0] == "scored" for row in of_report)
        me.api.post("/my-data/withdrawals", json={"purpose": "scoring"}).raise_for_status()
        gone = seen(socket, lambda m: m["scores"]["state"] != "running")["scores"]
        assert gone["state"] == "not_allowed" and gone["competencies"] == [] and "AI" in gone["reason"]


def test_what_is_shown_lies_sealed(world: World, picture: bytes) -> None:
    me = running(world)
    page = Page(me).ready()
    page.say(type="answer", question="intro", captions=False)
    with console_socket(world, world.console("interviewer"), me.id) as socket:
        page.until(lambda p: p.of("watchers") and p.of("watchers")[-1]["count"] == 1, 10)
        page.socket.send(b"\x02" + picture)
        shown = seen(socket, lambda m: m["now"] is not None and m["now"]["picture"])
        assert shown["now"]["captions"] == "off", "the candidate's choice is told"

        async def raw(session: TenantSession) -> bytes:
            query = text("select picture_sealed from live_states where interview_id = :i")
            return bytes((await session.execute(query, {"i": UUID(me.id)})).scalar_one())

        kept = within(world, raw)
        assert picture[:64] not in kept and base64.b64encode(picture)[:64] not in kept
    page.close()


def test_pictures_are_taken_from_nobody_who_is_not_watched(world: World, picture: bytes) -> None:
    me = running(world)
    page = Page(me).ready()
    page.say(type="answer", question="intro", captions=False)
    page.socket.send(b"\x02" + picture)
    time.sleep(1)
    with console_socket(world, world.console("interviewer"), me.id) as socket:
        first = seen(socket, lambda m: m["now"] is not None)
        assert first["now"]["picture"] is None and first["now"]["picture_number"] == 0
    page.close()


def test_a_tenant_that_forbids_both_has_neither(stack: Stack) -> None:
    strict = open_world(stack.settings)

    async def both(session: TenantSession) -> None:
        for feature in (Feature.CAPTIONS, Feature.LIVE_VIEW):
            await forbid(session, feature)

    before = Finished(strict, strict.invite("complaint", locale="zh-CN"))
    assert NOTICE in before.page.get("/consent").text, "the consent tells of it where it may happen"
    within(strict, both)
    me = running(strict, publish_written(strict, shipped("retail", "complaint")))
    after = Finished(strict, strict.invite("complaint", locale="zh-CN"))
    assert NOTICE not in after.page.get("/consent").text
    page = Page(me)
    page.until(lambda p: (not p.of("may") and p.code is None) or p.of("may"))
    time.sleep(2)
    assert page.of("may") == [], "nothing may run, and that is what is assumed"
    page.close()
    assert refused(lambda: console_socket(strict, strict.console("interviewer"), me.id))
    assert (
        "cannot be followed live"
        in strict.console("interviewer").get(f"/console/interviews/{me.id}/live").text
    )


def test_what_a_dead_process_left_goes_with_the_daily_run(world: World) -> None:
    me = running(world)
    moment = state.Moment("intro", "on", "words", "", None, 0)

    async def leave_behind(session: TenantSession) -> None:
        await state.show(session, UUID(me.id), moment)
        await session.execute(text("update live_states set updated_at = now() - interval '2 hours'"))

    within(world, leave_behind)
    assert stored(me) == 1
    assert within(world, state.forget_stale) == 1
    assert stored(me) == 0
