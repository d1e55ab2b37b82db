"""The real process on its own, and the client's manners. What it answers stands in test_contract.py."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import time

import httpx
import msgspec
import numpy as np
import psutil
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


async def test_the_client_never_comes_back_earlier_than_it_was_asked_to():
    """Six seconds are waited for; ninety are more than a call waits, and are passed on to whoever called."""
    came: list[float] = []
    found = c.Embeddings(vectors=b"", dimension=384, versions={})
    busy = c.ServingProblem(code="busy", detail="busy")
    answers = [(503, b"6", busy), (200, b"0", found), (503, b"90", busy)]

    async def tier(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        came.append(time.monotonic())
        status, after, message = answers.pop(0)
        body = msgspec.msgpack.encode(message)
        head = b"HTTP/1.1 %d x\r\nConnection: close\r\nRetry-After: %b\r\nContent-Length: %d\r\n\r\n"
        writer.write(head % (status, after, len(body)) + body)
        await writer.drain()
        writer.close()

    listener = await asyncio.start_server(tier, "127.0.0.1", 0)
    async with listener, ServingClient(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}") as client:
        assert (await client.embed(c.EmbedRequest(texts=["x"]))).dimension == 384
        assert came[1] - came[0] >= 6
        with pytest.raises(ServingUnavailable) as told:
            await client.embed(c.EmbedRequest(texts=["x"]))
    assert told.value.headers["Retry-After"] == "90" and answers == []


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


async def test_a_damaged_model_is_told_and_loaded_once_it_is_repaired(launch, models_dir, tmp_path):
    """The others work meanwhile."""
    models = shutil.copytree(models_dir, tmp_path / "models", copy_function=os.link)
    file = models / "face-detection/face_detection_short_range.tflite"
    whole = file.read_bytes()
    file.unlink()
    file.write_bytes(whole[:-1] + b"\xff")
    running = launch(models)
    running.wait_for(503)
    async with ServingClient(running.url, running.token) as client:
        while not (problems := (await client.health()).problems) or "is being loaded" in " ".join(problems):
            await asyncio.sleep(0.2)
        assert [p.split(":")[0] for p in problems] == ["face"] and "damaged" in problems[0]
        assert (await client.embed(c.EmbedRequest(texts=["x"]))).dimension == 384
        file.write_bytes(whole)
        running.wait_for(200)


@pytest.fixture
def long_answer(spoken) -> c.TranscribeRequest:
    """Ten minutes of speech: half a minute of work and more."""
    said = np.tile(spoken("zh/weak/complaint/01.webm").samples, 100)[: 600 * c.SAMPLE_RATE]
    return c.TranscribeRequest(audio=said.tobytes(), language="zh")


async def test_a_model_that_is_too_slow_is_given_up_and_the_next_call_is_served(
    launch, models_dir, long_answer
):
    running = launch(models_dir, step_seconds=3)
    running.wait_for(200)
    answer = await asyncio.to_thread(post, running, "/v1/transcribe", long_answer)
    problem = msgspec.msgpack.decode(answer.content, type=c.ServingProblem)
    assert (answer.status_code, problem.code) == (503, "too-slow")
    async with ServingClient(running.url, running.token) as client:
        assert (await client.embed(c.EmbedRequest(texts=["x"]))).dimension == 384


async def test_a_call_without_memory_fails_alone(launch, models_dir, long_answer, spoken):
    """The process may grow by 48 MB only, and the long answer needs more: 503, and a short one goes on."""
    running = launch(models_dir, cpu_threads=1)
    running.wait_for(200)
    short = c.TranscribeRequest(audio=spoken("hard/one_word.webm").samples.tobytes(), language="zh")
    assert (await asyncio.to_thread(post, running, "/v1/transcribe", short)).status_code == 200
    process = psutil.Process(running.process.pid)
    used = process.memory_info().vms + (48 << 20)
    process.rlimit(psutil.RLIMIT_AS, (used, psutil.RLIM_INFINITY))
    answer = await asyncio.to_thread(post, running, "/v1/transcribe", long_answer)
    problem = msgspec.msgpack.decode(answer.content, type=c.ServingProblem)
    assert (answer.status_code, problem.code) == (503, "out-of-memory")
    process.rlimit(psutil.RLIMIT_AS, (psutil.RLIM_INFINITY, psutil.RLIM_INFINITY))
    assert (await asyncio.to_thread(post, running, "/v1/transcribe", short)).status_code == 200


def post(server, path: str, message: c.Contract) -> httpx.Response:
    headers = {"Authorization": f"Bearer {server.token}"}
    return httpx.post(
        f"{server.url}{path}", content=msgspec.msgpack.encode(message), headers=headers, timeout=60
    )
