"""Whole interviews while the model tier breaks: each completes once and whole, and a person can read what happened.

One platform; its worker reaches the tier over a cable that can be cut, and whose other end can be put into another
tier: the Ray cluster, the embedded process, a process whose tensors run on Triton.
"""

from __future__ import annotations

import asyncio
import html
import os
import re
import shutil
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import msgspec
import psutil
import pytest

from cable import Cable, cable
from duilian.customization.schemas import QuestionSet
from duilian.platform.app.doctor import examine
from duilian.serving.audio import decode_audio
from duilian.serving.client import ServingClient
from duilian.serving.contracts import EmbedRequest, TranscribeRequest
from ledger import counts, jobs
from playing import Document, Part, play, publish_set, report_of, shipped, spoken, written
from stacks import free_block, own_stack
from triton_server import TritonServer, triton_server
from waiting import wait_until
from world import World, open_world

pytestmark = pytest.mark.models
SPOKEN, WRITTEN = spoken("zh", "weak", "complaint"), written("complaint", "medium", "zh")
PARTS: list[Part] = [SPOKEN[0], WRITTEN[1]]
LONG: list[Part] = [spoken("zh", "strong", "complaint")[4], WRITTEN[1]]  # 44 s: some 300 MB
NEW: list[Part] = [
    SPOKEN[0],
    written("complaint", "strong", "zh")[1],
]  # sentences whose vectors nobody remembers
SPEECH = "whisper-base/vocabulary.txt"
ONE_OF_EACH = {"reports": 1, "ready": 1, "analyses": len(PARTS), "usage": 1, "recordings": 1}


@dataclass(frozen=True)
class Platform:
    world: World
    set_key: str
    between: Cable
    undisturbed: Document  # the report of PARTS while nothing broke
    member: httpx.Client  # an administrator, signed in

    def play(self, parts: list[Part] = PARTS) -> str:
        return play(self.world, self.set_key, parts)

    def failures(self) -> str:
        """The list, as an administrator reads it."""
        return html.unescape(self.member.get("/console/failures").text)

    def waiting(self, interview: str) -> str:
        """What the list says of the interview's answers that wait."""
        rows = [row.partition("</tr>")[0] for row in self.failures().split("<tr data-job=")[1:]]
        return "".join(row for row in rows if interview in row)

    def wait_for_reason(self, interview: str, *words: str) -> None:
        """In the list, and where the interview's report will be."""
        wait_until(lambda: all(word in self.waiting(interview) for word in words), 90)
        shown = self.member.get(f"/console/interviews/{interview}/progress").text
        assert "系统会自动重试" in shown
        assert all(word in html.unescape(shown) for word in words)

    def try_now(self) -> None:
        """By the button beside each; one that is under way again by itself needs none."""
        page = self.failures()
        csrf = re.findall(r'name="csrf" value="([^"]+)"', page)[0]
        for job in re.findall(r'action="/console/failures/(\d+)/replay"', page):
            answer = self.member.post(f"/console/failures/{job}/replay", data={"csrf": csrf})
            assert answer.status_code in (303, 404)

    def reported(self, interview: str, like: Document) -> None:
        """One of everything, and the content of an undisturbed interview: nothing is missing or invented."""
        report = report_of(self.world, interview, 240)
        wait_until(lambda: counts(self.world, interview)["usage"] > 0, 60)  # by a job after the report
        assert counts(self.world, interview) == ONE_OF_EACH
        assert [answer["reason"] for answer in report["answers"]] == [None] * len(PARTS)
        assert report["sha256"] == like["sha256"]

    def completes(self, interview: str, like: Document | None = None) -> None:
        """And nothing is left to do."""
        self.reported(interview, like or self.undisturbed)
        wait_until(lambda: set(jobs(self.world)) == {"succeeded"}, 60)
        assert "一切顺利" in self.failures()

    def wait_for_work(self) -> None:
        """Until an answer is processed."""
        wait_until(lambda: "doing" in jobs(self.world), 60, every=0.02)

    def doctor(self, part: str) -> tuple[bool, str]:
        found = {f.part: f for f in asyncio.run(examine(self.world.settings))}[part]
        return found.ok, found.detail


@pytest.fixture(scope="module")
def platform(cluster) -> Iterator[Platform]:
    with (
        cable(cluster.port) as between,
        own_stack(serving_url=between.url, serving_token=cluster.token, worker_concurrency=3) as stack,
    ):
        world = open_world(stack.settings)
        set_key = publish_set(world, two_questions())
        undisturbed = report_of(world, play(world, set_key, PARTS))
        assert undisturbed["total"]["outcome"] == "scored"
        yield Platform(world, set_key, between, undisturbed, world.console("admin"))


def two_questions() -> QuestionSet:
    """Either may be answered in writing too."""
    whole = shipped("retail", "complaint")
    questions = [
        msgspec.structs.replace(question, modes=["video", "audio", "text"])
        for question in whole.questions[: len(PARTS)]
    ]
    return msgspec.structs.replace(whole, key="complaint-two", questions=questions)


# --- the cluster ------------------------------------------------------------------------------------------


def kill_a_replica(platform: Platform, cluster) -> None:
    """In the middle of hearing the answer."""
    (victim,) = cluster.replicas("transcribe")
    idle = seconds_of(victim)
    wait_until(lambda: seconds_of(victim) > idle + 0.3, 60, every=0.02)
    victim.kill()
    wait_until(lambda: victim.pid not in {process.pid for process in cluster.replicas("transcribe")}, 10)
    wait_until(lambda: "transcribe at" in platform.doctor("serving")[1].partition("replicas lost")[2], 30)


def seconds_of(process: psutil.Process) -> float:
    """That it has worked."""
    times = process.cpu_times()
    return times.user + times.system


def restart_the_head(platform: Platform, cluster) -> None:
    platform.wait_for_work()
    cluster.kill()
    assert not platform.doctor("serving")[0], "whoever looks is told"
    cluster.start()
    cluster.deploy()


@pytest.mark.parametrize("fault", [kill_a_replica, restart_the_head])
def test_the_cluster_breaks_while_an_answer_is_processed(platform, cluster, fault):
    """The worker asks again until somebody answers."""
    with ThreadPoolExecutor(1) as pool:
        breaking = pool.submit(fault, platform, cluster)
        interview = platform.play()
        breaking.result()
    platform.completes(interview)


def test_the_cable_is_cut_while_an_answer_is_processed(platform):
    """Doctor says so, and the answers' places say why they wait; mended, it goes on by itself."""
    with ThreadPoolExecutor(1) as pool:
        cutting = pool.submit(lambda: (platform.wait_for_work(), platform.between.cut()))
        interview = platform.play()
        cutting.result()
    ok, detail = platform.doctor("serving")
    assert not ok and "127.0.0.1" in detail
    platform.wait_for_reason(interview, "模型服务暂时不可用", "127.0.0.1")
    assert "tried again (The model tier is unavailable" in platform.doctor("queue")[1]
    platform.between.mend()
    platform.completes(interview)
    wait_until(lambda: platform.doctor("serving")[0], 60)
    gone_through = platform.failures().partition('id="mended"')[2]
    assert interview in gone_through and "模型服务暂时不可用" in gone_through, "it stays to be read"
    assert "went through in the end (The model tier is unavailable" in platform.doctor("queue")[1]


# --- the embedded process ----------------------------------------------------------------------------------


@contextmanager
def plugged_into(platform: Platform, port: int) -> Iterator[None]:
    """The other end of the cable for as long as the block lasts."""
    before, platform.between.target = platform.between.target, port
    platform.between.cut()  # calls go through connections made before
    platform.between.mend()
    try:
        yield
    finally:
        platform.between.target = before


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def test_a_model_has_no_memory_for_one_answer(platform, launch, models_dir):
    """The process may grow no further: the long answer waits with its reason, a short one is heard meanwhile."""
    server = launch(models_dir)
    server.wait_for(200)
    asyncio.run(warm(server))
    with plugged_into(platform, port_of(server.url)):
        platform.reported(platform.play(), platform.undisturbed)  # every step has put aside what it needs
        with memory_of(server.process.pid, 64 << 20):
            interview = platform.play(LONG)
            platform.wait_for_reason(interview, "内存不足")
            platform.reported(platform.play(), platform.undisturbed)
        platform.try_now()
        platform.completes(interview, report_of(platform.world, platform.play(LONG)))
    server.process.kill()
    server.process.wait(20)


async def warm(server) -> None:
    """What the first calls allocate is there from then on: threads, and whatever the models put aside."""
    audio = decode_audio(SPOKEN[0]).tobytes()
    request = TranscribeRequest(audio=audio, language="zh")
    async with ServingClient(server.url, server.token) as client:
        await asyncio.gather(
            *(client.transcribe(request) for _ in range(2)), client.embed(EmbedRequest(texts=["你好"]))
        )


@contextmanager
def memory_of(pid: int, more: int) -> Iterator[None]:
    """The process may allocate so many bytes more than it has: less than the long answer needs, more than others do."""
    process = psutil.Process(pid)
    process.rlimit(psutil.RLIMIT_DATA, (process.memory_info().data + more, psutil.RLIM_INFINITY))
    try:
        yield
    finally:
        process.rlimit(psutil.RLIMIT_DATA, (psutil.RLIM_INFINITY, psutil.RLIM_INFINITY))


# --- Triton --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def triton(models_dir, tmp_path_factory) -> Iterator[TritonServer]:
    with triton_server(free_block(), tmp_path_factory.mktemp("triton"), models_dir) as server:
        yield server


@pytest.fixture(scope="module")
def apart(platform, launch, triton, models_dir, tmp_path_factory) -> Iterator[Path]:
    """A process with its tensors on Triton, in the place of the cluster, whose recogniser is damaged; gives its models."""
    models = shutil.copytree(models_dir, tmp_path_factory.mktemp("apart") / "models", copy_function=os.link)
    damage(models / SPEECH)
    server = launch(models, executor="triton", triton_address=triton.address, step_seconds=8)
    with plugged_into(platform, port_of(server.url)):
        wait_until(lambda: only_speech_is_missing(platform), 60)
        yield models
    server.process.kill()
    server.process.wait(20)


def damage(file: Path) -> None:
    whole = file.read_bytes()
    file.unlink()  # a link to the file that everybody uses
    file.write_bytes(whole[:-1] + b"\xff")


def only_speech_is_missing(platform: Platform) -> bool:
    ok, detail = platform.doctor("serving")
    return not ok and "speech:" in detail and "damaged" in detail and "is being loaded" not in detail


def test_a_model_file_is_damaged_and_triton_is_killed(platform, apart, triton, models_dir):
    """The spoken answer waits for one, the written one for the other, and each says so."""
    triton.kill()
    interview = platform.play()
    platform.wait_for_reason(interview, "duilian models pull whisper-base", "Triton at")
    shutil.copyfile(models_dir / SPEECH, apart / SPEECH)
    triton.start()
    triton.wait_ready()
    wait_until(lambda: platform.doctor("serving")[0], 60)
    platform.try_now()
    platform.completes(interview)


def test_a_model_is_slow(platform, apart, triton):
    """Triton stands still; its answers are waited for so long and no longer."""
    triton.signal(signal.SIGSTOP)
    interview = platform.play(NEW)
    platform.wait_for_reason(interview, "8 秒内没有完成")
    triton.signal(signal.SIGCONT)
    platform.try_now()
    platform.completes(interview, report_of(platform.world, platform.play(NEW)))
