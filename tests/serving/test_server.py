"""The real process on its own, and the client's manners. What it answers stands in test_contract.py."""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket

import httpx
import msgspec
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from duilian.serving import contracts as c
from duilian.serving.client import ServingClient
from duilian.serving.errors import ServingUnavailable

pytestmark = pytest.mark.models


async def test_the_trace_goes_on(server, spoken):
    """A traceparent travels: the server accepts what the client's span injects."""
    seen: list[str] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        seen.extend(line for line in head.splitlines() if line.lower().startswith("traceparent:"))
        writer.write(b"HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    listener = await asyncio.start_server(note, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    span = TracerProvider().get_tracer("test").start_span("job")
    async with listener, ServingClient(f"http://127.0.0.1:{port}") as client:
        with trace.use_span(span), pytest.raises(ServingUnavailable):
            await client.embed(c.EmbedRequest(texts=["x"]))
    (line,) = seen
    assert f"{span.get_span_context().trace_id:032x}" in line


async def test_nobody_there(server):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with ServingClient(f"http://127.0.0.1:{port}") as client:
        with pytest.raises(ServingUnavailable):
            await client.health()
        with pytest.raises(ServingUnavailable):
            await client.embed(c.EmbedRequest(texts=["x"]))


async def test_models_that_are_missing_are_told_and_loaded_once_they_are_there(
    launch, models_dir, tmp_path, spoken
):
    running = launch(tmp_path / "models")
    running.wait_for(503)
    async with ServingClient(running.url, running.token) as client:
        health = await client.health()
        while "is being loaded" in " ".join(health.problems):
            await asyncio.sleep(0.1)
            health = await client.health()
        assert not health.ready and any("duilian models pull whisper-base" in p for p in health.problems)
        answer = httpx.post(
            f"{running.url}/v1/transcribe",
            content=msgspec.msgpack.encode(c.TranscribeRequest(audio=b"", language="zh")),
            headers={"Authorization": f"Bearer {running.token}"},
        )
        problem = msgspec.msgpack.decode(answer.content, type=c.ServingProblem)
        assert (answer.status_code, problem.code) == (503, "model-unavailable")
        assert "duilian models pull" in problem.detail and answer.headers["Retry-After"]
        shutil.copytree(models_dir, tmp_path / "models", dirs_exist_ok=True)
        running.wait_for(200)
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(20) == 0


async def test_a_client_outlives_a_restart(launch, models_dir, spoken):
    """kill −9 while nobody is looking, then a new process on the same port: the call waits and succeeds."""
    running = launch(models_dir)
    running.wait_for(200)
    async with ServingClient(running.url, running.token) as client:
        await client.embed(c.EmbedRequest(texts=["x"]))
        running.process.kill()
        running.process.wait()
        launch(models_dir, port=int(running.url.rsplit(":", 1)[1]))
        answer = await client.embed(c.EmbedRequest(texts=["x"]))
        assert answer.dimension == 384
