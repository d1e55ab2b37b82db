"""kill -9 in the middle of an interview: what was acknowledged is kept, and nothing is done twice.

Each part of the platform is killed at a moment when an answer is being processed (the web server while a recording
arrives). The supervisor of `make up` starts it again. The report must equal that of an undisturbed interview.
"""

from __future__ import annotations

import asyncio
import html
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from duilian.platform.app.candidate_client import Candidate
from duilian.platform.app.doctor import examine
from duilian.platform.app.up import Stack
from ledger import counts, jobs, rows
from playing import Document, Part, play, publish_written, report_of, shipped, spoken, written
from stacks import own_stack
from world import World, open_world, run

SPOKEN, WRITTEN = spoken("zh", "weak", "complaint"), written("complaint", "medium", "zh")
PARTS: list[Part] = [SPOKEN[0], WRITTEN[1], SPOKEN[2], WRITTEN[3], WRITTEN[4]]
RECOVERY = 120.0  # seconds; a dead worker's job is taken up after about 25
PIECE = 2048


@pytest.fixture(scope="module")
def durable() -> Iterator[Stack]:
    with own_stack() as stack:
        yield stack


@pytest.fixture(scope="module")
def world(durable: Stack) -> World:
    return open_world(durable.settings)


@pytest.fixture(scope="module")
def set_key(world: World) -> str:
    return publish_written(world, shipped("retail", "complaint"))


@pytest.fixture(scope="module")
def undisturbed(world: World, set_key: str) -> Document:
    report = report_of(world, play(world, set_key, PARTS))
    assert report["total"]["outcome"] == "scored"
    return report


def kill(stack: Stack, name: str) -> None:
    """kill -9 of the process and of all that it started. Restarting is the supervisor's work."""
    victim = stack.supervisor.process(name).pid
    for pid in [victim, *_descendants(victim)]:
        with suppress(ProcessLookupError):  # a backend that ended in the meantime
            os.kill(pid, signal.SIGKILL)


def _descendants(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:  # it has ended
        return []
    return [d for child in map(int, children) for d in (child, *_descendants(child))]


def wait_for_restart(stack: Stack, name: str, before: int) -> None:
    process, deadline = stack.supervisor.process(name), time.monotonic() + 60
    while process.pid == before or not process.command.ready():
        assert time.monotonic() < deadline, f"{name} was not started again"
        time.sleep(0.1)


def processing(world: World) -> bool:
    statement = (
        "select 1 as one from procrastinate_jobs where status = 'doing'"
        " and task_name = 'scoring.process_answer' and args->>'tenant_id' = :tenant"
    )
    return bool(rows(world, statement, tenant=str(world.tenant_id)))


def wait_until_processing(world: World) -> None:
    deadline = time.monotonic() + 30
    while not processing(world):
        assert time.monotonic() < deadline, "nothing is being processed"
        time.sleep(0.02)


def assert_once_and_whole(world: World, report: Document, undisturbed: Document) -> None:
    """One of everything, no job left or given up, and the same content as without the kill."""
    deadline = time.monotonic() + RECOVERY
    while set(jobs(world)) != {"succeeded"} and time.monotonic() < deadline:
        time.sleep(0.2)
    assert set(jobs(world)) == {"succeeded"}
    spoken_parts = sum(isinstance(part, Path) for part in PARTS)
    assert counts(world, report["interview"]) == {
        "reports": 1,
        "ready": 1,
        "analyses": len(PARTS),
        "usage": 1,
        "recordings": spoken_parts,
    }
    assert [a["reason"] for a in report["answers"]] == [None] * len(PARTS)
    assert report["sha256"] == undisturbed["sha256"]


@pytest.mark.parametrize("name", ["serving", "postgres", "seaweedfs", "worker"])
def test_report_comes_although_a_part_is_killed_while_an_answer_is_processed(
    durable: Stack, world: World, set_key: str, undisturbed: Document, name: str
) -> None:
    before = durable.supervisor.process(name).pid
    began = datetime.now(UTC)
    killer = threading.Thread(target=lambda: (wait_until_processing(world), kill(durable, name)))
    killer.start()
    interview = play(world, set_key, PARTS)  # the client sends again what was not acknowledged
    killer.join()
    wait_for_restart(durable, name, before)
    assert_once_and_whole(world, report_of(world, interview, RECOVERY), undisturbed)
    assert_told(world, name, interview, began)


def assert_told(world: World, name: str, interview: str, began: datetime) -> None:
    """A person can see what happened: when the model tier began anew, and whose work another worker took up."""
    found = {one.part: one.detail for one in asyncio.run(examine(world.settings))}
    if name == "serving":
        since = found["serving"].partition("since ")[2].partition(" ")[0]
        assert datetime.fromisoformat(since) > began
    if name == "worker":
        assert "went through in the end (The worker that had it stopped" in found["queue"]
        page = html.unescape(world.console("admin").get("/console/failures").text)
        gone_through = page.partition('id="mended"')[2]
        assert interview in gone_through and "已由另一个进程接手" in gone_through


def test_recording_arrives_whole_although_the_web_server_is_killed(
    durable: Stack, world: World, set_key: str, undisturbed: Document
) -> None:
    before = durable.supervisor.process("web").pid
    invitation = world.invite(set_key, locale="zh-CN")

    async def take_interview() -> None:
        async with Candidate(world.url, world.slug, invitation["token"], "zh-CN") as candidate:
            for question, part in zip((await candidate.begin())["questions"], PARTS, strict=True):
                await candidate.open(question["key"])
                if isinstance(part, str):
                    await candidate.write(question["key"], part)
                else:
                    await record(candidate, question, part.read_bytes())
            await candidate.submit()

    async def record(candidate: Candidate, question: Document, data: bytes) -> None:
        key = question["key"]
        path = f"/api/v1/t/{world.slug}/interview/questions/{key}/takes"
        await candidate.call("POST", path, json={"mode": "video", "content_type": "video/webm"})
        pieces = [data[i : i + PIECE] for i in range(0, len(data), PIECE)]
        for seq, piece in enumerate(pieces):
            if question["position"] == 1 and seq == len(pieces) // 2:
                kill(durable, "web")
            await candidate.chunk(key, 1, seq, piece)
        await candidate.finish(key, 1, [sha256(piece).hexdigest() for piece in pieces])

    run(take_interview())
    wait_for_restart(durable, "web", before)
    assert_once_and_whole(world, report_of(world, invitation["interview"], RECOVERY), undisturbed)
