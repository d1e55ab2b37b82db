"""The contract over HTTP with the real process, and the client's manners."""

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
from duilian.serving.errors import ServingRefused, ServingUnavailable

pytestmark = pytest.mark.models
SPEECH = "zh/weak/complaint/01.webm"


@pytest.fixture
async def client(server):
    async with ServingClient(server.url, server.token) as client:
        yield client


async def test_the_round_trip_equals_the_step(client, spoken, hear):
    said = spoken(SPEECH)
    answer = await client.transcribe(c.TranscribeRequest(audio=said.samples.tobytes(), language="zh"))
    assert_same(msgspec.to_builtins(answer), msgspec.to_builtins(hear(said.samples)))
    assert set(answer.versions) == {"whisper-base", "silero-vad"}


def assert_same(one, other):
    """Words and structure to the letter, numbers to 1e-3: two processes may have loaded other mathematics first."""
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, list):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_same(a, b)
    elif isinstance(one, float):
        assert one == pytest.approx(other, abs=1e-3)
    else:
        assert one == other


async def test_answers_do_not_mix(client, spoken):
    requests = [
        c.TranscribeRequest(audio=spoken(path).samples.tobytes(), language="zh")
        for path in (SPEECH, "zh/weak/complaint/03.webm", SPEECH)
    ]
    first, second, third = await asyncio.gather(*(client.transcribe(r) for r in requests))
    assert first == third != second


async def test_embed_and_score(client, embedder):
    answer = await client.embed(c.EmbedRequest(texts=["你好"]))
    assert answer.vectors == embedder.embed(["你好"]).astype("<f4").tobytes()
    text = "我先听顾客说完，再给她换了一箱新的。"
    sentence = c.Sentence(text=text, offset=0, length=len(text), start=0, end=4, first_word=0, last_word=0)
    anchors = [c.Anchor(level=n, text=f"第{n}级", keywords=[]) for n in range(1, 6)]
    judged = await client.score(
        c.ScoreRequest(
            language="zh",
            answer=c.AnswerText(
                key="q", question="请讲一次投诉", text=text, sentences=[sentence], competencies=["care"]
            ),
            competencies=[c.CompetencyProfile(key="care", name="同理心", anchors=anchors)],
        )
    )
    assert [j.competency for j in judged.judgements] == ["care"]


async def test_health_names_every_model(client):
    health = await client.health()
    assert health.ready and not health.problems
    assert set(health.models) == {
        "whisper-base",
        "silero-vad",
        "face-detection",
        "face-landmarks",
        "multilingual-e5-small",
    }
    assert all(len(version) == 12 for version in health.models.values())


async def test_refusals_reach_the_caller(client):
    with pytest.raises(ServingRefused) as half:
        await client.transcribe(c.TranscribeRequest(audio=b"abc", language="zh"))
    assert half.value.params["refusal"] == "bad-request"
    with pytest.raises(ServingRefused) as long:
        await client.transcribe(c.TranscribeRequest(audio=bytes(32_000 * 901), language="en"))
    assert long.value.params["refusal"] == "too-long"


@pytest.mark.parametrize(
    ("path", "body", "token", "status", "code"),
    [
        ("/v1/embed", b"garbage", "a-token", 400, "bad-request"),
        ("/v1/embed", msgspec.msgpack.encode({"texts": "no list"}), "a-token", 400, "bad-request"),
        ("/v1/embed", msgspec.msgpack.encode({"texts": [], "more": 1}), "a-token", 400, "bad-request"),
        (
            "/v1/transcribe",
            msgspec.msgpack.encode({"audio": b"", "language": "xx"}),
            "a-token",
            400,
            "bad-request",
        ),
        ("/v1/embed", msgspec.msgpack.encode({"texts": []}), "other", 401, "not-signed-in"),
        ("/v1/embed", msgspec.msgpack.encode({"texts": []}), "", 401, "not-signed-in"),
        ("/v1/embed", bytes((64 << 20) + 1), "a-token", 413, "too-large"),
        ("/v1/none", b"", "a-token", 404, "not-found"),
    ],
)
def test_bad_requests(server, path, body, token, status, code):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = httpx.post(f"{server.url}{path}", content=body, headers=headers)
    problem = msgspec.msgpack.decode(answer.content, type=c.ServingProblem)
    assert (answer.status_code, problem.code) == (status, code)
    assert problem.detail


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
