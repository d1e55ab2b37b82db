"""The client of the model tier. The URL alone decides who answers: this machine's process or a cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TypeVar

import httpx
import msgspec

from duilian.infra.telemetry import carrier
from duilian.serving import contracts as c
from duilian.serving.errors import OutOfMemory, ServingFailed, ServingRefused, ServingUnavailable, TooSlow

ATTEMPTS = 7
FIRST_WAIT, LONGEST_WAIT = 0.25, 5.0  # seconds between attempts, doubling, where the tier names none
PATIENCE = 30.0  # seconds that a call waits between its attempts, all together
ARTEFACT_NEEDED = "artefact-needed"
Fetch = Callable[[str], Awaitable[bytes]]
CAPTION_TIMEOUT = 8.0  # seconds
Answer = TypeVar("Answer", bound=c.Contract)


class ServingClient:
    """timeout: seconds one attempt may take. Use as an async context manager, or call `close`.

    Every call raises ServingUnavailable when the tier cannot answer after seven attempts, 13 seconds (30 where it asks for
    patience), at once where it asks for more than is left of that, or when this call took too long or too much memory;
    ServingFailed when it broke on this very request, and ServingRefused when it will not (the same request would be
    refused again). `caption` and `converse` attempt once.
    """

    def __init__(self, url: str, token: str = "", timeout: float = 600.0) -> None:
        headers = {"Content-Type": "application/msgpack"} | (
            {"Authorization": f"Bearer {token}"} if token else {}
        )
        self._http = httpx.AsyncClient(
            base_url=url, headers=headers, timeout=httpx.Timeout(timeout, connect=5.0), trust_env=False
        )

    async def transcribe(self, request: c.TranscribeRequest) -> c.Transcript:
        return await self._post("/v1/transcribe", request, c.Transcript)

    async def caption(self, request: c.CaptionRequest) -> c.Caption:
        """One attempt within `CAPTION_TIMEOUT`: a caption that comes late is none."""
        body, headers = msgspec.msgpack.encode(request), carrier()
        try:
            answer = await self._http.post(
                "/v1/caption", content=body, headers=headers, timeout=CAPTION_TIMEOUT
            )
        except httpx.TransportError as error:
            raise ServingUnavailable(reason=_reason(error)) from error
        return _read(answer, c.Caption)

    async def observe(self, request: c.ObserveRequest) -> c.Observation:
        return await self._post("/v1/observe", request, c.Observation)

    async def embed(self, request: c.EmbedRequest) -> c.Embeddings:
        return await self._post("/v1/embed", request, c.Embeddings)

    async def score(self, request: c.ScoreRequest, artefact: Fetch | None = None) -> c.ScoreResponse:
        """artefact: gives the bytes of a head by its sha256, where the tier asks for it; its errors pass through."""
        try:
            return await self._post("/v1/score", request, c.ScoreResponse)
        except ServingRefused as refused:
            if artefact is None or refused.params["refusal"] != ARTEFACT_NEEDED:
                raise
        # All of them: the next call may reach another replica, which holds none.
        heads = [
            msgspec.structs.replace(head, artefact=await artefact(head.sha256)) for head in request.heads
        ]
        return await self._post("/v1/score", msgspec.structs.replace(request, heads=heads), c.ScoreResponse)

    async def converse(self, request: c.ConverseRequest) -> c.ConverseResponse:
        """One attempt: whoever asks can do without, and says so."""
        return await self._post("/v1/converse", request, c.ConverseResponse, attempts=1)

    async def health(self) -> c.Health:
        """One attempt, whether ready or not. Raises ServingUnavailable if nobody answers."""
        try:
            answer = await self._http.get("/health", timeout=5.0)
        except httpx.TransportError as error:
            raise ServingUnavailable(reason=_reason(error)) from error
        return _decoded(answer, c.Health)

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> ServingClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _post(
        self, path: str, request: c.Contract, kind: type[Answer], attempts: int = ATTEMPTS
    ) -> Answer:
        headers = carrier()
        body, waited = msgspec.msgpack.encode(request), 0.0
        for attempt in range(attempts):
            wait, last = min(FIRST_WAIT * 2**attempt, LONGEST_WAIT), attempt == attempts - 1
            try:
                answer = await self._http.post(path, content=body, headers=headers)
            except (httpx.ConnectError, httpx.RemoteProtocolError, httpx.ReadError) as error:
                if last:
                    raise ServingUnavailable(reason=_reason(error)) from error
            except httpx.TransportError as error:  # a timeout is not tried again: the caller's job is
                raise ServingUnavailable(reason=_reason(error)) from error
            else:
                wait = max(wait, _retry_after(answer))  # never earlier than it was asked to
                too_long = waited + wait > PATIENCE
                if answer.status_code != 503 or last or too_long or _cost_too_much(answer):
                    return _read(answer, kind)
            await asyncio.sleep(wait)
            waited += wait
        raise AssertionError("the last attempt returns or raises")


def _read(answer: httpx.Response, kind: type[Answer]) -> Answer:
    if answer.status_code == 200:
        return _decoded(answer, kind)
    problem = _decoded(answer, c.ServingProblem)
    if answer.status_code == 503:
        wait, said = _retry_after(answer), _within(problem.detail)
        raise ServingUnavailable(reason=said, retry_after=wait, chinese=_within(problem.chinese))
    if answer.status_code >= 500:
        raise ServingFailed(failure=problem.code, reason=problem.detail, chinese=problem.chinese)
    raise ServingRefused(refusal=problem.code, reason=problem.detail)


def _within(sentence: str) -> str:
    """As part of another sentence, which says itself that later is the time to try again."""
    bare = sentence.removesuffix("Try again later.").removesuffix("请稍后再试。")
    return bare.rstrip(" .。")


def _decoded(answer: httpx.Response, kind: type[Answer]) -> Answer:
    """Anything but the contract (a proxy's page) means: the tier is not there."""
    try:
        return msgspec.msgpack.decode(answer.content, type=kind)
    except msgspec.DecodeError as error:
        raise ServingUnavailable(
            reason=f"answered {answer.status_code} outside the contract: {error}"
        ) from error


def _cost_too_much(answer: httpx.Response) -> bool:
    """Time or memory: asked again at once it would cost as much; the caller's job is tried again later."""
    try:
        code = msgspec.msgpack.decode(answer.content, type=c.ServingProblem).code
    except msgspec.DecodeError:  # a proxy's page
        return False
    return code in (TooSlow.code, OutOfMemory.code)


def _retry_after(answer: httpx.Response) -> float:
    value = answer.headers.get("Retry-After", "")
    return float(value) if value.isdigit() else 0.0


def _reason(error: httpx.TransportError) -> str:
    return f"{type(error).__name__} at {error.request.url.host}: {error}"
