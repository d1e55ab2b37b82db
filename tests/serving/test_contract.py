"""One contract, two tiers: the embedded process and a real Ray Serve cluster say the same, in the same words."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import msgspec
import numpy as np
import pytest
from ray._private.authentication_test_utils import reset_auth_token_state

from alike import assert_same
from duilian.customization.lab.learning import OneMark
from duilian.customization.lab.lines import Line
from duilian.customization.training.folds import KnownVectors, Material
from duilian.platform.training.benches import Learnt, LocalBench
from duilian.platform.training.cluster import ClusterUnusable, RayBench
from duilian.platform.training.vectors import texts_of
from duilian.serving import contracts as c
from duilian.serving.audio import sample_frames
from duilian.serving.client import ServingClient
from duilian.serving.errors import ServingRefused
from duilian.serving.scoring import score
from duilian.serving.scoring.artefact import pack, unpack
from duilian.serving.scoring.similarity import unit
from duilian.serving.tier import STEPS
from face_clip import ensure_face_clip
from heads import head_artefact, score_request
from training_world import answer as said_at
from waiting import wait_until

pytestmark = pytest.mark.models
SPEECH = "zh/weak/complaint/01.webm"
MODELS = {
    "whisper-base",
    "silero-vad",
    "face-detection",
    "face-landmarks",
    "iris-landmarks",
    "multilingual-e5-small",
}


@dataclass(frozen=True)
class Address:
    url: str
    token: str


@pytest.fixture(scope="module", params=["process", "ray"])
def tier(request: pytest.FixtureRequest) -> Address:
    found = request.getfixturevalue("server" if request.param == "process" else "cluster")
    return Address(found.url, found.token)


@pytest.fixture
async def client(tier: Address) -> AsyncIterator[ServingClient]:
    async with ServingClient(tier.url, tier.token) as client:
        yield client


async def test_transcribe_equals_the_step(client, spoken, hear):
    said = spoken(SPEECH)
    answer = await client.transcribe(c.TranscribeRequest(audio=said.samples.tobytes(), language="zh"))
    assert_same(answer, hear(said.samples))
    assert set(answer.versions) == {"whisper-base", "silero-vad"}


async def test_answers_do_not_mix(client, spoken):
    requests = [
        c.TranscribeRequest(audio=spoken(path).samples.tobytes(), language="zh")
        for path in (SPEECH, "zh/weak/complaint/03.webm", SPEECH)
    ]
    first, second, third = await asyncio.gather(*(client.transcribe(r) for r in requests))
    assert first == third != second


async def test_caption_equals_the_step(client, spoken, captioner):
    """Decoding goes on behind the words that stand, wherever it runs."""
    sound = spoken(SPEECH).samples[: 5 * c.SAMPLE_RATE].tobytes()
    request = c.CaptionRequest(audio=sound, language="zh", settled="你好，我叫")
    answer = await client.caption(request)
    assert_same(answer, captioner.caption(request))
    assert "超市" in answer.text and "你好" not in answer.text
    assert set(answer.versions) == {"whisper-base", "silero-vad"}


async def test_observe_equals_the_step(client, observer, face_frames):
    request = c.ObserveRequest(frames=face_frames)
    assert_same(await client.observe(request), observer.observe(request))


@pytest.fixture(scope="module")
def face_frames(tmp_path_factory: pytest.TempPathFactory) -> list[c.Frame]:
    return sample_frames(ensure_face_clip(tmp_path_factory.mktemp("face")))


async def test_embed_and_score_equal_the_steps(client, embedder):
    assert_same(
        await client.embed(c.EmbedRequest(texts=["你好"])), embedder.respond(c.EmbedRequest(texts=["你好"]))
    )
    request = score_request()
    assert_same(await client.score(request), score(request, embedder))


async def test_a_tenants_head_is_sent_when_the_tier_asks_for_it(client, embedder):
    octets, sha256 = pack(head_artefact(embedder))
    fetched: list[str] = []

    async def fetch(name: str) -> bytes:
        fetched.append(name)
        return octets

    request = msgspec.structs.replace(
        score_request(), tenant="a", heads=[c.HeadWanted(competency="care", sha256=sha256)]
    )
    answers = [await client.score(request, fetch) for _ in range(2)]
    expected = score(request, embedder, {"care": unpack(octets, sha256)})
    for answer in answers:
        assert_same(answer, expected)
    assert fetched == [sha256], "the second time the tier had it"

    async def fetch_damaged(name: str) -> bytes:
        return octets[:-1] + b"x"

    with pytest.raises(ServingRefused) as broken:
        await client.score(msgspec.structs.replace(request, tenant="b"), fetch_damaged)
    assert broken.value.params["refusal"] == "head-broken"
    assert_same(await client.score(request), expected)


async def test_health_names_every_model(client):
    health = await client.health()
    assert health.ready and not health.problems
    async with asyncio.timeout(20):
        while set(health.models) != MODELS:  # a replica that runs may name its models a look later
            await asyncio.sleep(0.2)
            health = await client.health()
    assert all(len(version) == 12 for version in health.models.values())


async def test_refusals_reach_the_caller(client):
    with pytest.raises(ServingRefused) as half:
        await client.transcribe(c.TranscribeRequest(audio=b"abc", language="zh"))
    assert half.value.params["refusal"] == "bad-request"
    with pytest.raises(ServingRefused) as long:
        await client.transcribe(c.TranscribeRequest(audio=bytes(32_000 * 901), language="en"))
    assert long.value.params["refusal"] == "too-long"


async def test_without_a_language_model_what_needs_one_says_so(client):
    request = c.ConverseRequest(tenant="a", prompt="p", instructions="x", materials=[], schema={})
    with pytest.raises(ServingRefused) as none:
        await client.converse(request)
    assert none.value.params["refusal"] == "no-language-model"


NOTHING = msgspec.msgpack.encode({"texts": []})


@pytest.mark.parametrize(
    ("path", "body", "token", "status", "code"),
    [
        ("/v1/embed", b"garbage", "a-token", 400, "bad-request"),
        ("/v1/embed", msgspec.msgpack.encode({"texts": "no list"}), "a-token", 400, "bad-request"),
        ("/v1/embed", msgspec.msgpack.encode({"texts": [], "more": 1}), "a-token", 400, "bad-request"),
        ("/v1/transcribe", msgspec.msgpack.encode({"audio": b""}), "a-token", 400, "bad-request"),
        ("/v1/embed", NOTHING, "other", 401, "not-signed-in"),
        ("/v1/embed", NOTHING, "", 401, "not-signed-in"),
        ("/v1/embed", bytes((64 << 20) + 1), "a-token", 413, "too-large"),
        ("/v1/none", b"", "a-token", 404, "not-found"),
    ],
)
def test_bad_requests(tier, path, body, token, status, code):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = httpx.post(f"{tier.url}{path}", content=body, headers=headers, timeout=30)
    problem = msgspec.msgpack.decode(answer.content, type=c.ServingProblem)
    assert (answer.status_code, problem.code) == (status, code)
    assert problem.detail


async def test_too_many_callers_are_asked_to_come_back_and_the_client_does(tier, client):
    """Back-pressure: 503 with Retry-After in the contract's words; nobody's request is lost."""
    bodies = [msgspec.msgpack.encode({"texts": [f"第{n}句，{m}" for m in range(8)]}) for n in range(48)]
    headers = {"Authorization": f"Bearer {tier.token}"}
    async with httpx.AsyncClient(base_url=tier.url, headers=headers, timeout=60) as crowd:
        answers = await asyncio.gather(*(crowd.post("/v1/embed", content=body) for body in bodies))
    assert {a.status_code for a in answers} == {200, 503}
    sent_away = [a for a in answers if a.status_code == 503]
    assert {msgspec.msgpack.decode(a.content, type=c.ServingProblem).code for a in sent_away} == {"busy"}
    assert all(int(a.headers["Retry-After"]) > 0 for a in sent_away)
    requests = [c.EmbedRequest(texts=[f"再来{n}，{m}" for m in range(4)]) for n in range(24)]
    found = await asyncio.gather(*(client.embed(request) for request in requests))
    assert [answer.dimension for answer in found] == [384] * 24


async def test_a_request_that_was_given_up_stops_costing(tier, client, spoken, silence):
    """Ten minutes of speech would occupy the recogniser for long; the caller hangs up and the next is heard at once."""
    said = spoken(SPEECH)
    long = np.tile(np.concatenate([said.samples, silence(1.0)]), 60)[: 600 * c.SAMPLE_RATE]
    body = msgspec.msgpack.encode(c.TranscribeRequest(audio=long.tobytes(), language="zh"))
    with pytest.raises(httpx.ReadTimeout):
        headers = {"Authorization": f"Bearer {tier.token}"}
        httpx.post(f"{tier.url}/v1/transcribe", content=body, headers=headers, timeout=4)
    began = time.monotonic()
    await client.transcribe(c.TranscribeRequest(audio=said.samples.tobytes(), language="zh"))
    assert time.monotonic() - began < 20, "the abandoned request was still being worked on"


# --- what only a cluster can do ---------------------------------------------------------------------


def test_whoever_has_no_token_of_the_cluster_is_refused(cluster):
    answer = httpx.get(f"{cluster.dashboard}/api/serve/applications/", timeout=10)
    assert answer.status_code in (401, 403)


async def test_a_queue_brings_another_replica_and_quiet_takes_it_away(cluster, face_frames):
    """By the shipped target of calls per replica; every call is answered, whoever answers it."""
    assert len(cluster.replicas("observe")) == 1
    request = c.ObserveRequest(frames=(face_frames * 30)[:30])
    ended = asyncio.Event()

    async def keep_asking(client: ServingClient) -> int:
        asked = 0
        while not ended.is_set():
            assert (await client.observe(request)).face_present_share == 1
            asked += 1
        return asked

    async with ServingClient(cluster.url, cluster.token) as client:
        asking = [asyncio.create_task(keep_asking(client)) for _ in range(4)]
        await asyncio.to_thread(lambda: wait_until(lambda: len(cluster.replicas("observe")) == 2, 120))
        ended.set()
        assert min(await asyncio.gather(*asking)) > 0
    await asyncio.to_thread(lambda: wait_until(lambda: len(cluster.replicas("observe")) == 1, 120))


async def test_a_new_version_is_rolled_out_while_requests_go_on(cluster):
    """No request is lost, and none waits for a model to load."""
    before = {process.pid for process in cluster.replicas("")}
    done = asyncio.Event()

    async def keep_asking() -> int:
        asked = 0
        async with ServingClient(cluster.url, cluster.token) as client:
            while not done.is_set():
                assert (await client.embed(c.EmbedRequest(texts=[f"第{asked}次"]))).dimension == 384
                asked += 1
                await asyncio.sleep(0.05)
        return asked

    asking = asyncio.create_task(keep_asking())
    await asyncio.to_thread(cluster.deploy, models="2")
    await asyncio.to_thread(lambda: wait_until(lambda: not before & steps_of(cluster), 90))
    done.set()
    assert await asking > 20
    await asyncio.to_thread(cluster.wait_for, 200)


def steps_of(cluster) -> set[int]:
    """Processes of the steps; the ingress holds no model and stays."""
    return {process.pid for step in STEPS for process in cluster.replicas(step)}


async def test_a_damaged_model_is_told_and_the_old_replicas_go_on(cluster, face_frames):
    """Rolled out with one byte changed: the new replica does not start, the old one answers, /health says so."""
    file = (
        Path(cluster.environment["DUILIAN_MODELS_DIR"]) / "face-detection/face_detection_short_range.tflite"
    )
    whole = file.read_bytes()
    file.unlink()  # a link to the file that everybody uses
    file.write_bytes(whole[:-1] + b"\xff")
    await asyncio.to_thread(cluster.deploy, models="3")
    async with ServingClient(cluster.url, cluster.token) as client:
        problems: list[str] = []
        for _ in range(200):
            assert (await client.observe(c.ObserveRequest(frames=face_frames))).face_present_share == 1
            problems = (await client.health()).problems
            if any("damaged" in problem for problem in problems):
                break
            await asyncio.sleep(0.3)
        assert any("observe" in problem and "duilian models pull" in problem for problem in problems)
        file.write_bytes(whole)
        await asyncio.to_thread(cluster.deploy, models="4")
        await asyncio.to_thread(lambda: wait_until(lambda: not asyncio.run(problems_of(cluster)), 90))


async def problems_of(cluster) -> list[str]:
    async with ServingClient(cluster.url, cluster.token) as client:
        return (await client.health()).problems


# --- training on it ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bench(cluster) -> Iterator[RayBench]:
    """A client with the cluster's token, as a worker has it in its environment."""
    with pytest.MonkeyPatch.context() as environment:
        for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_USAGE_STATS_ENABLED"):
            environment.setenv(name, cluster.environment[name])
        reset_auth_token_state()  # Ray has read the environment already, when it was imported
        yield RayBench(cluster.client)
    reset_auth_token_state()


@pytest.fixture(scope="module")
def material(embedder) -> Material:
    lines = [
        Line(
            item="一题",
            question="顾客投诉怎么办？",
            answer=said_at(n % 5 + 1, n),
            score=n % 5 + 1,
            person=str(n),
        )
        for n in range(20)
    ]
    texts = sorted(texts_of(lines))
    vectors = KnownVectors(dict(zip(texts, unit(embedder.embed(texts, "query")), strict=True)))
    return Material(lines, vectors, {"multilingual-e5-small": "1"})


def kill_one(cluster, title: str) -> bool:
    """The first process under the title; False where none came in a minute."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for process in cluster.processes(title):
            process.kill()
            return True
        time.sleep(0.01)
    return False


def as_its_job_does(bench: RayBench, material: Material) -> Learnt:
    """Tried again where the cluster is not to be had at once: Ray starts a process for each client, which may die."""
    for _ in range(2):
        with contextlib.suppress(ClusterUnusable):
            return bench.learn(material, lambda _share: None)
        time.sleep(2)
    return bench.learn(material, lambda _share: None)


class Cancelled(Exception):
    pass


def test_a_model_learned_on_the_cluster_is_the_one_learned_here(cluster, bench, material):
    """To the last byte, though a worker is killed under one of its tasks."""
    here = LocalBench().learn(material, lambda _share: None)
    with ThreadPoolExecutor(1) as pool:
        killing = pool.submit(kill_one, cluster, "ray::part")
        there = as_its_job_does(bench, material)
        assert killing.result()
    assert pack(there.head)[1] == pack(here.head)[1]
    assert there.folds == here.folds and there.core_seconds > 0


def test_cancelling_ends_the_tasks_and_what_a_task_refuses_is_said(cluster, bench, material):
    def stop(_share: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        bench.learn(material, stop)
    wait_until(lambda: not cluster.processes("ray::part"), 20)
    alike = [msgspec.structs.replace(line, score=3.0) for line in material.lines]
    with pytest.raises(OneMark):
        bench.learn(dataclasses.replace(material, lines=alike), lambda _share: None)


def test_a_cluster_that_nobody_answers_at_is_an_error_and_nothing_is_learned_here(material):
    with pytest.raises(ClusterUnusable) as told:
        RayBench("ray://127.0.0.1:9").learn(material, lambda _share: None)
    assert told.value.status == 503 and "127.0.0.1:9" in told.value.sentence("zh-CN")
