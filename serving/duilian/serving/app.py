"""The ASGI application of the model tier: MessagePack in, MessagePack out (contracts/), whoever answers (tier.py).

`POST /v1/{transcribe,caption,observe,embed,score,converse}`; `GET /health` answers at once, 503 until every model is loaded.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Coroutine
from contextlib import AbstractContextManager
from typing import Any

from litestar import Litestar, Request, Response, get, post
from litestar.datastructures import State
from opentelemetry.trace import Span

from duilian.infra import telemetry
from duilian.infra.errors import NotSignedIn
from duilian.infra.settings import Settings
from duilian.serving.cancelling import Abandoned
from duilian.serving.refusals import HANDLERS, MEDIA_TYPE, packed
from duilian.serving.runtime import Runtime
from duilian.serving.tier import Reply, Tier

BODY_LIMIT = 64 << 20
Call = Request[object, object, State]


def create_app(settings: Settings, tier: Tier | None = None) -> Litestar:
    """The application; models are loaded in the background once it starts."""
    tier = tier or Runtime(settings)
    return Litestar(
        route_handlers=[health, transcribe, caption, observe, embed, score, converse],
        state=State({"tier": tier, "token": settings.serving_token}),
        on_startup=[tier.start],
        on_shutdown=[tier.stop],
        exception_handlers=HANDLERS,
        request_max_body_size=BODY_LIMIT,
        openapi_config=None,
    )


@get("/health", media_type=MEDIA_TYPE)
async def health(state: State) -> Response[bytes]:
    found = await _tier(state).health()
    return packed(found, 200 if found.ready else 503)


@post("/v1/transcribe", status_code=200)
async def transcribe(request: Call) -> Response[bytes]:
    return await _answered(request, "transcribe")


@post("/v1/caption", status_code=200)
async def caption(request: Call) -> Response[bytes]:
    return await _answered(request, "caption")


@post("/v1/observe", status_code=200)
async def observe(request: Call) -> Response[bytes]:
    return await _answered(request, "observe")


@post("/v1/embed", status_code=200)
async def embed(request: Call) -> Response[bytes]:
    return await _answered(request, "embed")


@post("/v1/score", status_code=200)
async def score(request: Call) -> Response[bytes]:
    return await _answered(request, "score")


@post("/v1/converse", status_code=200)
async def converse(request: Call) -> Response[bytes]:
    return await _answered(request, "converse")


async def _answered(request: Call, step: str) -> Response[bytes]:
    """Checks the caller, reads the body, waits for the step as long as the caller does."""
    with _span(request, step):
        _check_token(request)
        body = await request.body()
        status, content, headers = await _unless_gone(request, _tier(request.app.state).answer(step, body))
        return Response(content, status_code=status, media_type=MEDIA_TYPE, headers=dict(headers))


async def _unless_gone(request: Call, answering: Coroutine[Any, Any, Reply]) -> Reply:
    """The reply; its work is cancelled if the caller hangs up. Raises Abandoned then."""
    work = asyncio.create_task(answering)
    gone = asyncio.create_task(_hung_up(request))
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise Abandoned
        return work.result()
    finally:
        for task in (work, gone):
            task.cancel()


async def _hung_up(request: Call) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _span(request: Call, step: str) -> AbstractContextManager[Span]:
    """A span for the step, below the request's own."""
    facts = {"duilian.step": step, "duilian.bytes": int(request.headers.get("content-length", 0))}
    return telemetry.tracer().start_as_current_span("step", attributes=facts)


def _check_token(request: Call) -> None:
    token = request.app.state["token"]
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if token and not secrets.compare_digest(given.encode(), token.encode()):
        raise NotSignedIn


def _tier(state: State) -> Tier:
    return state["tier"]
