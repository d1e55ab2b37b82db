"""The Triton executor against a real server: the same numbers as in this process, and its faults in our words."""

from __future__ import annotations

import asyncio
import hashlib
import re
import threading
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from alike import assert_same
from duilian.infra.settings import Settings
from duilian.serving import contracts as c
from duilian.serving.audio import sample_frames
from duilian.serving.desks import embedder_slot
from duilian.serving.errors import ServingUnavailable, TooSlow
from duilian.serving.loading import load_embedder, load_observer
from duilian.serving.triton.client import Triton
from duilian.serving.triton.repository import write_repository
from duilian.serving.triton.tenants import TenantModels
from face_clip import ensure_face_clip
from stacks import free_block
from triton_server import TritonServer, triton_server

pytestmark = pytest.mark.models
E5, FACE = "multilingual-e5-small", "face-detection"
POINTS = {"face-landmarks", "iris-landmarks"}
FILE = "face_detection_short_range.tflite"
TEXTS = ["我先安抚顾客的情绪，再处理退货。", "I calmed the customer, then handled the return.", ""]


@pytest.fixture(scope="module")
def server(models_dir, tmp_path_factory) -> Generator[TritonServer]:
    with triton_server(free_block(), tmp_path_factory.mktemp("triton"), models_dir) as server:
        yield server


@pytest.fixture
def triton(server) -> Triton:
    return Triton(server.address)


@pytest.fixture
def there(server, models_dir) -> Settings:
    return Settings(models_dir=models_dir, executor="triton", triton_address=server.address)


def test_a_version_that_is_there_is_left_alone_and_told_as_what_it_is(models_dir, tmp_path):
    """With other bytes than the manifest's. What is new is whole, with nothing beside it."""
    (old := tmp_path / FACE / "1").mkdir(parents=True)
    other = (models_dir / FACE / FILE).read_bytes() + b"\0"
    kept = {FILE: other, "model.py": b"# ours"}
    for name, octets in kept.items():
        (old / name).write_bytes(octets)
    assert set(write_repository(models_dir, tmp_path)) == {E5, FACE, *POINTS}
    assert {file.name: file.read_bytes() for file in old.iterdir()} == kept
    sha = hashlib.sha256(other).hexdigest()[:12]
    assert sha in (tmp_path / FACE / "config.pbtxt").read_text("utf-8")
    assert sorted(p.name for p in (tmp_path / E5).iterdir()) == ["1", "config.pbtxt"]
    assert sorted(p.name for p in (tmp_path / E5 / "1").iterdir()) == ["e5-small-q4.bin", "model.py"]


def test_embeddings_equal_those_of_this_process(there, embedder):
    loaded = load_embedder(there)
    for kind in ("query", "passage"):
        request = c.EmbedRequest(texts=TEXTS, kind=kind)
        assert_same(loaded.step.respond(request), embedder.respond(request))
    assert loaded.versions == embedder.versions, "the version is the server's own"


def test_faces_equal_those_of_this_process(there, observer, tmp_path):
    frames = sample_frames(ensure_face_clip(tmp_path), width=480, every_seconds=0.5)
    request = c.ObserveRequest(frames=frames, measures=["gaze", "expression"])
    found = load_observer(there).step.observe(request)
    assert found.face_present_share == 1 and found.versions.keys() > POINTS
    assert all(frame.gaze is not None for frame in found.frames), "the points were found"
    assert_same(found, observer.observe(request))


def test_calls_at_the_same_time_are_batched_and_do_not_mix(server, triton, embedder):
    """Each thread asks for its own sentence; the server runs fewer times than it is asked."""
    before = executions(server)
    sentences = [f"这是第{n}句话，讲的是一件小事。" for n in range(48)]

    def one(text: str) -> np.ndarray:
        inputs = {"TEXT": np.array([[text.encode()]], dtype=object), "QUERY": np.array([[False]])}
        return triton.infer(E5, inputs, ["VECTOR"])["VECTOR"][0]

    with ThreadPoolExecutor(12) as pool:
        rows = list(pool.map(one, sentences))
    assert np.abs(np.stack(rows) - embedder.embed(sentences)).max() < 1e-3
    assert executions(server) - before < len(sentences)


async def test_the_step_sends_what_it_misses_together_and_several_calls_at_once(server, there, embedder):
    """Forty sentences of one call are three batches of sixteen at most; calls of several callers share the server's runs."""
    slot = embedder_slot(there)
    await asyncio.to_thread(slot.load)
    sentences = [f"第{n}个顾客要换货，我先看了小票。" for n in range(40)]
    before = executions(server)
    rows = await slot.run(lambda step: step.embed([*sentences, sentences[0]]))
    assert np.abs(rows - embedder.embed([*sentences, sentences[0]])).max() < 1e-3
    assert executions(server) - before == 3
    await slot.run(lambda step: step.embed(sentences))
    assert executions(server) - before == 3, "what was read is remembered"
    others = [f"第{n}位客人问了另一件事。" for n in range(24)]
    rows = await asyncio.gather(*(slot.run(lambda step, text=text: step.embed([text])[0]) for text in others))
    assert np.abs(np.stack(rows) - embedder.embed(others)).max() < 1e-3
    assert executions(server) - before - 3 < len(others)
    slot.close()


def executions(server: TritonServer) -> int:
    found = re.search(rf'nv_inference_exec_count{{model="{E5}",version="1"}} (\d+)', server.metrics())
    assert found is not None
    return int(found[1])


def test_a_tenants_model_is_loaded_run_and_unloaded(triton):
    random = np.random.default_rng(5)
    models = TenantModels(triton)
    ours, theirs = (random.standard_normal((384, 5)).astype(np.float32) for _ in range(2))
    bias = np.arange(5, dtype=np.float32)
    rows = random.standard_normal((3, 384)).astype(np.float32)
    names = [models.load(tenant, weights, bias) for tenant, weights in (("a", ours), ("b", theirs))]
    assert len(set(names)) == 2
    assert models.run(names[0], rows) == pytest.approx(rows @ ours + bias, abs=1e-3)
    assert models.run(names[1], rows) == pytest.approx(rows @ theirs + bias, abs=1e-3)
    models.unload(names[0])
    while triton.loaded(names[0]):
        time.sleep(0.05)
    with pytest.raises(ServingUnavailable, match=names[0]):
        models.run(names[0], rows)
    assert models.run(names[1], rows).shape == (3, 5), "another tenant's stays"
    models.unload(names[1])


def test_a_broken_model_and_an_unknown_one_say_so(triton):
    with pytest.raises(ServingUnavailable, match="broken"):
        triton.load("broken", {"name": "broken", "backend": "python"}, {"1/model.py": b"raise SystemExit"})
    with pytest.raises(ServingUnavailable, match="no-such-model"):
        triton.version("no-such-model")


def test_a_deadline_ends_the_wait(server):
    hurried = Triton(server.address, deadline=0.001)
    with pytest.raises(TooSlow):
        hurried.infer(FACE, {"input": np.zeros((8, 128, 128, 3), np.float32)}, ["regressors"])


def test_nobody_there():
    began = time.monotonic()
    nobody = Triton("127.0.0.1:1")
    assert not nobody.ready()
    with pytest.raises(ServingUnavailable, match=r"127\.0\.0\.1:1"):
        nobody.infer(FACE, {"input": np.zeros((1, 128, 128, 3), np.float32)}, ["regressors"])
    assert time.monotonic() - began < 20


def test_a_server_that_is_killed_is_missed_until_it_is_back(server, there):
    """kill -9 between two calls: told in words while it is gone, and the same step goes on once it is back."""
    step = load_embedder(there).step
    vector = step.embed(["之前"])
    server.kill()
    with pytest.raises(ServingUnavailable, match="Triton at"):
        step.embed(["其间"])
    restart = threading.Timer(0.2, server.start)
    restart.start()
    restart.join()
    server.wait_ready()
    assert step.embed(["之后"]).shape == (1, 384)
    assert np.array_equal(step.embed(["之前"]), vector)
