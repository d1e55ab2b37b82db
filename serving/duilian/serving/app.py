"""The ASGI application of the model tier: MessagePack in, MessagePack out (contracts.py).

`POST /v1/transcribe`, `/v1/observe`, `/v1/embed`, `/v1/score`; `GET /health` answers at once, 503 until every
model is loaded.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import TypeVar

import msgspec
from litestar import Litestar, Request, Response, get, post
from litestar.datastructures import State

from duilian.infra import telemetry
from duilian.infra.errors import BadRequest, NotSignedIn
from duilian.infra.settings import Settings
from duilian.serving import contracts as c
from duilian.serving.refusals import HANDLERS, MEDIA_TYPE, packed
from duilian.serving.runtime import Runtime
from duilian.serving.scoring import score as judge

BODY_LIMIT = 64 << 20
Call = Request[object, object, State]
Message = TypeVar("Message", bound=c.Contract)


def create_app(settings: Settings, runtime: Runtime | None = None) -> Litestar:
    """The application; models are loaded in the background once it starts."""
    models = runtime or Runtime(settings)
    return Litestar(
        route_handlers=[health, transcribe, observe, embed, score],
        state=State({"runtime": models, "token": settings.serving_token}),
        on_startup=[models.start],
        on_shutdown=[models.stop],
        exception_handlers=HANDLERS,
        request_max_body_size=BODY_LIMIT,
        openapi_config=None,
    )


@get("/health", media_type=MEDIA_TYPE)
async def health(state: State) -> Response[bytes]:
    found = _runtime(state).health()
    return packed(found, 200 if found.ready else 503)


@post("/v1/transcribe", status_code=200)
async def transcribe(request: Call, state: State) -> Response[bytes]:
    def work(message: c.TranscribeRequest) -> c.Transcript:
        with _runtime(state).recogniser.use() as recogniser:
            return recogniser.transcribe(message)

    return await _answer(request, c.TranscribeRequest, work)


@post("/v1/observe", status_code=200)
async def observe(request: Call, state: State) -> Response[bytes]:
    def work(message: c.ObserveRequest) -> c.Observation:
        with _runtime(state).observer.use() as observer:
            return observer.observe(message)

    return await _answer(request, c.ObserveRequest, work)


@post("/v1/embed", status_code=200)
async def embed(request: Call, state: State) -> Response[bytes]:
    def work(message: c.EmbedRequest) -> c.Embeddings:
        with _runtime(state).embedder.use() as embedder:
            return embedder.respond(message)

    return await _answer(request, c.EmbedRequest, work)


@post("/v1/score", status_code=200)
async def score(request: Call, state: State) -> Response[bytes]:
    def work(message: c.ScoreRequest) -> c.ScoreResponse:
        with _runtime(state).embedder.use() as embedder:
            return judge(message, embedder)

    return await _answer(request, c.ScoreRequest, work)


async def _answer(
    request: Call, kind: type[Message], work: Callable[[Message], c.Contract]
) -> Response[bytes]:
    """Checks the caller, reads the message and does the work in a thread, under a span of its own."""
    _check_token(request)
    body = await request.body()
    facts = {"duilian.step": request.url.path.rpartition("/")[2], "duilian.bytes": len(body)}
    with telemetry.tracer().start_as_current_span("step", attributes=facts):
        return packed(await asyncio.to_thread(work, _message(body, kind)))


def _message(body: bytes, kind: type[Message]) -> Message:
    try:
        return msgspec.msgpack.decode(body, type=kind)
    except msgspec.DecodeError as error:  # ValidationError is one of them
        raise BadRequest(reason=str(error)) from error


def _check_token(request: Call) -> None:
    token = request.app.state["token"]
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if token and not secrets.compare_digest(given.encode(), token.encode()):
        raise NotSignedIn


def _runtime(state: State) -> Runtime:
    return state["runtime"]
