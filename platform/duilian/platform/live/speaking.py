"""The candidate's socket: sound in, captions out; and, while somebody watches, a picture a second.

Nothing of it is kept: sound lies in memory until its words are told, a picture until the next one. The recording goes
its own way (sessions/chunk_door.py); when this channel fails, nothing is lost but captions.

Text messages are JSON. From the page: `{"type": "answer", "question", "captions"}` when an answer begins, `{"type":
"captions", "on"}`, `{"type": "end"}`. To the page: `{"type": "may", "captions", "view"}`, `{"type": "caption", "added",
"tail"}`, `{"type": "captions", "state"}`, `{"type": "watchers", "count"}`. Binary messages: one octet of kind, then 16
kHz mono 16-bit PCM (1) or a JPEG picture (2).
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Annotated, Literal

import msgspec
from litestar.exceptions import WebSocketDisconnect

from duilian.infra.database import TenantSession
from duilian.infra.errors import BadRequest, Problem
from duilian.platform.live import state
from duilian.platform.live.captioning import BYTES, CaptionStream, Said
from duilian.platform.live.sockets import AnySocket, closed
from duilian.platform.sessions.models import Interview
from duilian.platform.sessions.states import Status
from duilian.serving.client import ServingClient
from duilian.serving.contracts import Language
from duilian.serving.errors import ServingFailed, ServingRefused, ServingUnavailable

SOUND, PICTURE = 1, 2
LARGEST = 128 * 1024  # octets of a message
AHEAD = 6.0  # seconds of sound that may come faster than time goes
EVERY = 1.0  # seconds between two looks for watchers
IDLE = 0.05  # seconds to wait for more sound
RETRY = 2.0  # seconds until a model tier that is down is asked again
JPEG = b"\xff\xd8\xff"
Begin = Callable[[], AbstractAsyncContextManager[tuple[TenantSession, Interview]]]


class Message(msgspec.Struct, frozen=True):
    type: Literal["answer", "captions", "end"]
    question: Annotated[str, msgspec.Meta(max_length=40)] = ""
    captions: bool = True
    on: bool = True


@dataclass
class Speaking:
    """spoken: the language of each question's answer, by its key. begin: a transaction of the candidate's, with the
    interview as it is now.
    """

    socket: AnySocket
    serving: ServingClient
    spoken: Mapping[str, Language]
    begin: Begin
    _may: state.Allowed = field(default_factory=lambda: state.Allowed(captions=False, view=False))
    _stream: CaptionStream | None = None
    _question: str = ""
    _wanted: bool = True
    _state: str = "off"
    _watchers: int = 0
    _picture: bytes | None = None
    _pictures: int = 0
    _began: float = 0.0
    _octets: int = 0
    _shown: bool = False
    _ending: bool = False

    async def run(self) -> None:
        """Until the page goes, or the interview is not under way any more."""
        tasks = [asyncio.create_task(work()) for work in (self._listen, self._caption, self._attend)]
        ending: Problem | None = None
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except Problem as problem:
            ending = problem
        except WebSocketDisconnect:
            pass
        finally:
            # The server closes a socket only once nobody waits for its messages any more.
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._clear()
        if ending is not None:
            await closed(self.socket, ending)

    # --- what the page sends ----------------------------------------------------------------------

    async def _listen(self) -> None:
        while True:
            message = await self.socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if (octets := message.get("bytes")) is not None:
                self._take(octets)
            else:
                self._obey(message.get("text") or "")

    def _obey(self, text: str) -> None:
        """Raises BadRequest."""
        try:
            message = msgspec.json.decode(text[:1000], type=Message)
        except msgspec.DecodeError as error:
            raise BadRequest(reason=str(error)) from error
        if message.type == "answer":
            if message.question not in self.spoken:
                raise BadRequest(reason=f"no question of this interview: {message.question}")
            self._question, self._wanted = message.question, message.captions
            self._stream = CaptionStream(self.serving, self.spoken[message.question])
            self._began, self._octets, self._ending = time.monotonic(), 0, False
        elif message.type == "captions":
            self._wanted = message.on
        else:
            self._ending, self._picture = True, None

    def _take(self, octets: bytes) -> None:
        """Raises BadRequest on what is too large. What may not be used is dropped unread."""
        if len(octets) > LARGEST:
            raise BadRequest(reason=f"a message has at most {LARGEST} octets")
        kind, body = octets[:1], octets[1:]
        if kind == bytes([SOUND]) and self._listens:
            self._octets += len(body)
            if self._octets / BYTES <= time.monotonic() - self._began + AHEAD and self._stream:
                self._stream.feed(body)
        elif kind == bytes([PICTURE]) and self._may.view and self._watchers and body.startswith(JPEG):
            self._picture, self._pictures = body, self._pictures + 1

    @property
    def _listens(self) -> bool:
        return self._may.captions and self._wanted and self._stream is not None

    # --- what the page is told --------------------------------------------------------------------

    async def _caption(self) -> None:
        while True:
            stream = self._stream
            if stream is None or not self._listens or not (stream.is_due or self._ending):
                await asyncio.sleep(IDLE)
                continue
            ending = self._ending
            try:
                said = await (stream.finish() if ending else stream.step())
            except (ServingUnavailable, ServingFailed, ServingRefused):
                await self._tell_state("unavailable")
                await asyncio.sleep(RETRY)
                continue
            await self._tell_state("on")
            if said is not None and stream is self._stream and self._listens:
                await self._say(said)
            if ending and stream is self._stream:
                self._stream = None

    async def _say(self, said: Said) -> None:
        await self.socket.send_json({"type": "caption", "added": said.added, "tail": said.tail})

    async def _tell_state(self, now: str) -> None:
        if now != self._state:
            self._state = now
            await self.socket.send_json({"type": "captions", "state": now})

    async def _attend(self) -> None:
        """Once a second: may this go on, does somebody watch, and if so, what is there to see."""
        while True:
            async with self.begin() as (session, interview):
                await self._look_around(session, interview)
            await asyncio.sleep(EVERY)

    async def _look_around(self, session: TenantSession, interview: Interview) -> None:
        running = interview.status == Status.IN_PROGRESS
        may = (
            await state.allowed(session, interview) if running else state.Allowed(captions=False, view=False)
        )
        count = await state.watchers(session, interview.id) if may.view else 0
        if may != self._may:
            self._may = may
            await self.socket.send_json({"type": "may", "captions": may.captions, "view": may.view})
        if count != self._watchers:
            self._watchers = count
            await self.socket.send_json({"type": "watchers", "count": count})
        if count and self._question and not self._ending:
            await state.show(session, interview.id, self._moment())
            self._shown = True
        elif self._shown:
            await state.clear(session, interview.id)
            self._shown = False

    def _moment(self) -> state.Moment:
        stream = self._stream if self._listens else None
        picture = base64.b64encode(self._picture).decode() if self._picture else None
        captions = self._state if self._listens else "off"
        return state.Moment(
            question=self._question,
            captions="on" if self._listens and captions == "off" else captions,
            stable=stream.standing if stream else "",
            tail=stream.tail if stream else "",
            picture=picture,
            picture_number=self._pictures,
        )

    async def _clear(self) -> None:
        if self._shown:
            with contextlib.suppress(Problem):
                async with self.begin() as (session, interview):
                    await state.clear(session, interview.id)
