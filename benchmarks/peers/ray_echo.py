"""Bare Ray Serve applications that give back what they get: in one hop, and in two as a step behind an ingress has."""

from __future__ import annotations

from typing import Any

from ray import serve
from starlette.requests import Request
from starlette.responses import Response


@serve.deployment(ray_actor_options={"num_cpus": 0.1})
class Echo:
    async def __call__(self, request: Request) -> Response:
        return Response(await request.body(), media_type="application/msgpack")


@serve.deployment(ray_actor_options={"num_cpus": 0.1})
class Step:
    async def answer(self, body: bytes) -> bytes:
        return body


@serve.deployment(ray_actor_options={"num_cpus": 0.1})
class Ingress:
    def __init__(self, step: Any) -> None:
        self._step = step

    async def __call__(self, request: Request) -> Response:
        answer = await self._step.answer.remote(await request.body())
        return Response(answer, media_type="application/msgpack")


one = Echo.bind()
two = Ingress.bind(Step.bind())
