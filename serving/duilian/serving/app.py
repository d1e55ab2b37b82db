"""The ASGI application of the model tier: MessagePack in, MessagePack out (contracts.py).

`POST /v1/transcribe`, `/v1/caption`, `/v1/observe`, `/v1/embed`, `/v1/score`; `GET /health` answers at once, 503 until every
model is loaded.
"""

from __future__ import annotations

import secrets
from contextlib import AbstractContextManager
from typing import TypeVar

import msgspec
from litestar import Litestar, Request, Response, get, post
from litestar.datastructures import State
from opentelemetry.trace import Span

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
        route_handlers=[health, transcribe, caption, observe, embed, score],
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
    with _span(request):
        message = await _message(request, c.TranscribeRequest)
        return packed(await _runtime(state).recogniser.run(lambda recogniser: recogniser.transcribe(message)))


@post("/v1/caption", status_code=200)
async def caption(request: Call, state: State) -> Response[bytes]:
    with _span(request):
        message = await _message(request, c.CaptionRequest)
        return packed(await _runtime(state).captioner.run(lambda captioner: captioner.caption(message)))


@post("/v1/observe", status_code=200)
async def observe(request: Call, state: State) -> Response[bytes]:
    with _span(request):
        message = await _message(request, c.ObserveRequest)
        return packed(await _runtime(state).observer.run(lambda observer: observer.observe(message)))


@post("/v1/embed", status_code=200)
async def embed(request: Call, state: State) -> Response[bytes]:
    with _span(request):
        message = await _message(request, c.EmbedRequest)
        return packed(await _runtime(state).embedder.run(lambda embedder: embedder.respond(message)))


@post("/v1/score", status_code=200)
async def score(request: Call, state: State) -> Response[bytes]:
    with _span(request):
        message = await _message(request, c.ScoreRequest)
        return packed(await _runtime(state).embedder.run(lambda embedder: judge(message, embedder)))


def _span(request: Call) -> AbstractContextManager[Span]:
    """A span for the step, below the request's own."""
    facts = {
        "duilian.step": request.url.path.rpartition("/")[2],
        "duilian.bytes": int(request.headers.get("content-length", 0)),
    }
    return telemetry.tracer().start_as_current_span("step", attributes=facts)


async def _message(request: Call, kind: type[Message]) -> Message:
    """Checks the caller and reads the body. Raises NotSignedIn, BadRequest."""
    _check_token(request)
    try:
        return msgspec.msgpack.decode(await request.body(), type=kind)
    except msgspec.DecodeError as error:  # ValidationError is one of them
        raise BadRequest(reason=str(error)) from error


def _check_token(request: Call) -> None:
    token = request.app.state["token"]
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if token and not secrets.compare_digest(given.encode(), token.encode()):
        raise NotSignedIn


def _runtime(state: State) -> Runtime:
    return state["runtime"]
