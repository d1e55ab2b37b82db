"""p50 and p99 of the main pages and calls while 50 candidates take interviews at once, on a platform of its own.

Each candidate opens the page, reads the question and records by video: a chunk of about 60 kB a second, as a browser
sends it, then the finish. Two members read lists and reports meanwhile. All but `--scored` candidates have refused
scoring: the model tier of one machine could not follow 50 voices, and what is measured here is the pages. The load
comes from a process of its own, on the same machine; its own work is part of what it measures.

    python benchmarks/pages.py [--candidates 50] [--seconds 60] [--scored 2]
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import multiprocessing
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import av
import httpx
import numpy as np
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

import ending
from duilian.platform.app.candidate_client import Candidate
from duilian.platform.media.chain import head
from playing import play, report_of, spoken
from stacks import own_stack
from world import PASSWORD, World, open_world

SET = "complaint"
ANSWER_SECONDS = 9
PAUSE = 1.0  # seconds between a member's pages
Samples = dict[str, list[float]]


@dataclass(frozen=True)
class Plan:
    """What the load process needs. tokens: of candidates who have started. pieces: the chunks of one answer."""

    url: str
    slug: str
    tokens: list[str]
    interviews: list[str]
    report: str
    pieces: list[bytes]
    seconds: float


@dataclass
class Clock:
    """Seconds per call, by name; what did not answer as it should."""

    samples: Samples = field(default_factory=lambda: defaultdict(list))
    problems: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    async def call(self, name: str, http: httpx.AsyncClient, method: str, path: str, **options: Any) -> Any:
        began = time.perf_counter()
        answer = await http.request(method, path, **options)
        self.samples[name].append(time.perf_counter() - began)
        if not answer.is_success:
            self.problems[f"{name}: {answer.status_code}"] += 1
        return answer


def recording(path: Path) -> list[bytes]:
    """Speech with a moving picture (VP8, about 480 kbit/s), cut into a piece per second."""
    rng = np.random.default_rng(3)
    with (
        av.open(str(spoken("zh", "weak", "complaint")[0])) as speech,
        av.open(str(path), "w", format="webm") as out,
    ):
        voice = out.add_stream_from_template(speech.streams.audio[0])
        picture: Any = out.add_stream("libvpx", rate=10)  # Any: PyAV's stream types differ by codec
        picture.width, picture.height, picture.pix_fmt, picture.bit_rate = 320, 240, "yuv420p", 480_000
        for number in range(ANSWER_SECONDS * 10):
            coarse = rng.integers(0, 255, (30, 40, 3), dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(coarse.repeat(8, 0).repeat(8, 1))
            frame.pts, frame.time_base = number, Fraction(1, 10)
            out.mux(picture.encode(frame))
        out.mux(picture.encode())
        for packet in speech.demux(speech.streams.audio[0]):
            if packet.pts is not None:
                packet.stream = voice
                out.mux(packet)
    data = path.read_bytes()
    size = -(-len(data) // ANSWER_SECONDS)
    return [data[i : i + size] for i in range(0, len(data), size)]


async def start_candidates(world: World, count: int, scored: int) -> tuple[list[str], list[str]]:
    """Tokens and interviews of candidates who have given their consents and started."""
    invited = [world.invite(SET, locale="zh-CN") for _ in range(count)]
    for number, invitation in enumerate(invited):
        async with Candidate(world.url, world.slug, invitation["token"], "zh-CN") as candidate:
            await candidate.begin(scoring=number < scored)
    return [i["token"] for i in invited], [i["interview"] for i in invited]


def drive(plan: Plan) -> tuple[dict[str, list[float]], dict[str, int]]:
    """The load, in a process of its own."""
    clock = Clock()
    asyncio.run(_drive(plan, clock))
    return dict(clock.samples), dict(clock.problems)


async def _drive(plan: Plan, clock: Clock) -> None:
    people = [
        _candidate(plan, clock, token, UUID(interview), wait=i / len(plan.tokens) * 5)
        for i, (token, interview) in enumerate(zip(plan.tokens, plan.interviews, strict=True))
    ]
    people += [_member(plan, clock) for _ in range(2)]
    try:
        async with asyncio.timeout(plan.seconds):
            await asyncio.gather(*people)
    except TimeoutError:
        return


@asynccontextmanager
async def _browser(plan: Plan, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=plan.url, timeout=30, trust_env=False, headers=headers, follow_redirects=True
    ) as http:
        yield http


async def _candidate(plan: Plan, clock: Clock, token: str, interview: UUID, wait: float) -> None:
    """Question after question until all are answered. wait: seconds until this one comes."""
    api, pages = f"/api/v1/t/{plan.slug}/interview", f"/t/{plan.slug}/i/{token}"
    await asyncio.sleep(wait)
    async with _browser(plan, Authorization=f"Bearer {token}") as http:
        await clock.call("candidate page: welcome", http, "GET", pages)
        state = (await clock.call("call: state", http, "GET", api)).json()
        for question in state["questions"]:
            key = question["key"]
            await clock.call("call: open", http, "POST", f"{api}/questions/{key}/open")
            await clock.call("candidate page: question", http, "GET", f"{pages}/question/{key}")
            await _record(plan, clock, http, f"{api}/questions/{key}/takes", interview, key)
            await clock.call("call: state", http, "GET", api)


async def _record(
    plan: Plan, clock: Clock, http: httpx.AsyncClient, takes: str, interview: UUID, key: str
) -> None:
    await clock.call("call: take", http, "POST", takes, json={"mode": "video", "content_type": "video/webm"})
    for seq, piece in enumerate(plan.pieces):
        began = time.perf_counter()
        digest = base64.b64encode(sha256(piece).digest()).decode()
        path, headers = f"{takes}/1/segments/0/chunks/{seq}", {"Content-Digest": f"sha-256=:{digest}:"}
        await clock.call("call: chunk", http, "PUT", path, content=piece, headers=headers)
        await asyncio.sleep(max(0.0, 1 - (time.perf_counter() - began)))
    hashes = [sha256(piece).hexdigest() for piece in plan.pieces]
    segment = {"chunks": len(hashes), "head": head(interview, key, 1, 0, hashes), "duration_ms": 9000}
    await clock.call("call: finish", http, "POST", f"{takes}/1/finish", json={"segments": [segment]})


async def _member(plan: Plan, clock: Clock) -> None:
    """Signs in, then looks at lists and a report, a page a second."""
    async with _browser(plan, Accept="text/html") as http:
        form = {
            "tenant": plan.slug,
            "email": f"admin@{plan.slug}.example",
            "password": PASSWORD,
            "lang": "en",
        }
        await clock.call("staff page: sign-in", http, "POST", "/console/sign-in", data=form)
        while True:
            for name, path in (
                ("staff page: home", "/console"),
                ("staff page: interviews", "/console/interviews"),
                ("staff page: report", f"/console/interviews/{plan.report}"),
            ):
                await clock.call(name, http, "GET", path)
                await asyncio.sleep(PAUSE)


def show(samples: Samples, problems: dict[str, int], options: argparse.Namespace) -> None:
    title = f"{options.candidates} candidates, {options.seconds} s, {options.scored} of them scored"
    table = Table("page or call", "n", "p50", "p99", "worst", title=title)
    for name in sorted(samples):
        p50, p99, worst = (1000 * np.percentile(samples[name], q) for q in (50, 99, 100))
        table.add_row(name, str(len(samples[name])), f"{p50:.0f} ms", f"{p99:.0f} ms", f"{worst:.0f} ms")
    Console().print(table)
    for problem, count in problems.items():
        Console().print(f"refused: {problem} × {count}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--candidates", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--scored", type=int, default=2, help="how many agree to scoring")
    parser.add_argument("--data", help="not used: the recordings are those of the tests")
    options = parser.parse_args()
    with own_stack() as stack, TemporaryDirectory() as folder:
        world = open_world(stack.settings)
        finished = play(world, SET, spoken("zh", "weak", "complaint"))
        report_of(world, finished)
        people = asyncio.run(start_candidates(world, options.candidates, options.scored))
        pieces = recording(Path(folder) / "answer.webm")
        plan = Plan(world.url, world.slug, *people, finished, pieces, options.seconds)
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
            samples, problems = process.submit(drive, plan).result()
    show(samples, problems, options)
    if problems:
        sys.exit(1)


if __name__ == "__main__":
    ending.run(main)
