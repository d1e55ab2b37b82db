"""Real models and real speech. The models are pulled by the manifest once and shared by every test."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pytest

from duilian.infra.settings import Settings
from duilian.serving.audio import decode_audio
from duilian.serving.contracts import SAMPLE_RATE, TranscribeRequest, Transcript
from duilian.serving.loading import load_captioner, load_embedder, load_observer, load_recogniser
from duilian.serving.models import DEFAULT_DIR, pull
from duilian.serving.steps.caption import Captioner
from duilian.serving.steps.embed import Embedder
from duilian.serving.steps.observe import Observer
from duilian.serving.steps.recognise import Recogniser
from ray_cluster import RayCluster, ray_cluster
from stacks import free_block

SPEECH = Path(__file__).parents[1] / "fixtures" / "speech"
SERVER = "from duilian.serving.cli import serving; serving()"


@dataclass(frozen=True)
class Spoken:
    """A spoken fixture: what was said, and int16 samples at 16 kHz."""

    path: Path
    language: str
    text: str
    samples: np.ndarray


@pytest.fixture(scope="session")
def models_dir() -> Path:
    folder = DEFAULT_DIR.expanduser()
    pull(folder)
    return folder


@pytest.fixture(scope="session")
def recogniser(models_dir: Path) -> Recogniser:
    return load_recogniser(Settings(models_dir=models_dir)).step


@pytest.fixture(scope="session")
def captioner(models_dir: Path) -> Captioner:
    """The answers' recogniser is another one here, as in production it may be."""
    return load_captioner(Settings(models_dir=models_dir, speech_model="sense-voice-small")).step


@pytest.fixture(scope="session")
def observer(models_dir: Path) -> Observer:
    return load_observer(Settings(models_dir=models_dir)).step


@pytest.fixture(scope="session")
def embedder(models_dir: Path) -> Embedder:
    return load_embedder(Settings(models_dir=models_dir)).step


@pytest.fixture(scope="session")
def spoken() -> Callable[[str], Spoken]:
    known = json.loads((SPEECH / "transcripts.json").read_text(encoding="utf-8"))

    def read(path: str) -> Spoken:
        row = known[path]
        return Spoken(SPEECH / path, row["language"], row["text"], decode_audio(SPEECH / path))

    return read


@pytest.fixture(scope="session")
def hear(recogniser: Recogniser) -> Callable[..., Transcript]:
    """Float or int16 samples to a transcript."""

    def run(samples: np.ndarray, language: str = "zh", vocabulary: list[str] | None = None) -> Transcript:
        if samples.dtype != np.int16:
            samples = (np.clip(samples, -1, 1) * 32767).astype(np.int16)
        request = TranscribeRequest(audio=samples.tobytes(), language=language, vocabulary=vocabulary or [])
        return recogniser.transcribe(request)

    return run


@pytest.fixture(scope="session")
def silence() -> Callable[[float], np.ndarray]:
    """So many seconds of a quiet room: noise at −70 dBFS, int16."""

    def make(seconds: float) -> np.ndarray:
        noise = np.random.default_rng(7).standard_normal(int(seconds * SAMPLE_RATE))
        return (noise * 10 ** (-70 / 20) * 32768).astype(np.int16)

    return make


@dataclass(frozen=True)
class Server:
    """The real process on a free port of this machine."""

    url: str
    token: str
    process: subprocess.Popen[bytes]

    def status(self) -> int | None:
        """Of /health; None while nobody answers."""
        try:
            return httpx.get(f"{self.url}/health", timeout=2).status_code
        except httpx.TransportError:
            return None

    def wait_for(self, status: int, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while self.status() != status:
            assert self.process.poll() is None, "the server has ended"
            assert time.monotonic() < deadline, f"/health never answered {status}"
            time.sleep(0.1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def launch() -> Generator[Callable[..., Server]]:
    """Starts servers and stops them at the end."""
    running: list[Server] = []

    def start(
        models_dir: Path, token: str = "a-token", port: int | None = None, **settings: object
    ) -> Server:
        port = port or free_port()
        environment = {
            **os.environ,
            "DUILIAN_SERVING_PORT": str(port),
            "DUILIAN_SERVING_TOKEN": token,
            "DUILIAN_MODELS_DIR": str(models_dir),
            **{f"DUILIAN_{name.upper()}": str(value) for name, value in settings.items()},
        }
        process = subprocess.Popen([sys.executable, "-c", SERVER], env=environment)
        running.append(Server(f"http://127.0.0.1:{port}", token, process))
        return running[-1]

    yield start
    for server in running:
        server.process.kill()
        server.process.wait(20)


@pytest.fixture(scope="session")
def server(launch: Callable[..., Server], models_dir: Path) -> Server:
    running = launch(models_dir)
    running.wait_for(200)
    return running


@pytest.fixture(scope="session")
def cluster(models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[RayCluster]:
    """The one Ray Serve instance of this process; a short queue, so that a crowd fills it, and one step whose scaling does
    not take its time.

    Its models lie in a folder of its own, where one may be damaged.
    """
    models_dir = shutil.copytree(
        models_dir, tmp_path_factory.mktemp("cluster") / "models", copy_function=os.link
    )
    at_once = {"max_replicas": 2, "upscale_delay_s": 0.5, "downscale_delay_s": 2}
    looks = {"metrics_interval_s": 0.5, "look_back_period_s": 1}
    limits = {
        "embed": {"max_ongoing_requests": 4, "max_queued_requests": 8},
        "observe": {"autoscaling_config": at_once | looks},
    }
    with ray_cluster(free_block(), {"DUILIAN_MODELS_DIR": str(models_dir)}, limits=limits) as cluster:
        cluster.wait_for(200)
        yield cluster
