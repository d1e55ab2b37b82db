"""Mixed load at 80 % of capacity for some minutes: memory flat, no request lost.

    python benchmarks/mixed_load.py [--data FOLDER] [--minutes 10] [--share 0.8]

A round is what one answer asks for: a look for captions at its beginning, the whole transcribed, eight pictures observed, its
sentences embedded (no two rounds' alike) and judged. Answers are of all lengths that the folder has. Capacity is measured
first, for a twentieth of the time: as many rounds at a time as the process works on, so that it has also seen its largest load; before that,
the encoder's memory of vectors is filled. Then rounds begin at `--share` of that
rate, at random moments (Poisson).
Printed: rounds, those lost, the delay's p50 and p95, and the memory of the second half by that of the first (after a
tenth to warm up): as it was, and at equal load. An answer under way holds its sound and its windows, some 8 MB for one of 44 s, so
memory follows how many are under way, which is chance; what does not come back shows while equally many are. Exit code 1 where a round
was lost or memory at equal load grew by more than 5 %.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

import psutil
from peers.goals import at_most
from peers.loads import serving_process
from transcribe import Answer, read_answers, recordings

import ending
from duilian.infra.errors import Problem
from duilian.serving import contracts as c
from duilian.serving.audio import sample_frames
from duilian.serving.client import ServingClient
from duilian.serving.steps.remembered import MOST as REMEMBERED
from face_clip import ensure_face_clip
from heads import score_request

GROWTH = 1.05
AT_ONCE = 16  # as many answers as a process of two cores transcribes at a time (desks.ANSWERS_PER_THREAD)
PICTURES = 8
PORTION = 256  # texts
LOOK = 4  # seconds of sound behind one look for captions


@dataclass
class Seen:
    delays: list[float] = field(default_factory=list[float])
    lost: list[str] = field(default_factory=list[str])
    memory: list[int] = field(default_factory=list[int])
    load: list[int] = field(default_factory=list[int])  # rounds under way at the same moments
    under_way: int = 0


def main() -> None:
    arguments = _arguments()
    work = Work(answers_of_all_lengths(arguments.data, 8), pictures())
    with serving_process() as server:
        seen, rate = asyncio.run(load(server.url, server.token, server.pid, work, arguments))
    sys.exit(report(seen, rate))


@dataclass
class Work:
    answers: list[Answer]
    frames: list[c.Frame]
    rounds: int = 0


def answers_of_all_lengths(folder: Path | None, count: int) -> list[Answer]:
    found = sorted(read_answers(recordings(folder)), key=lambda a: (a.seconds, a.text))
    return [found[round(n * (len(found) - 1) / (count - 1))] for n in range(count)]


def pictures() -> list[c.Frame]:
    with tempfile.TemporaryDirectory() as folder:
        return (sample_frames(ensure_face_clip(Path(folder))) * PICTURES)[:PICTURES]


async def load(
    url: str, token: str, pid: int, work: Work, arguments: argparse.Namespace
) -> tuple[Seen, float]:
    async with ServingClient(url, token) as client:
        await fill(client)
        capacity = await capacity_of(client, work, arguments.minutes * 3)
        rate, seen = capacity * arguments.share, Seen()
        watching = asyncio.create_task(watch(pid, seen))
        await at_rate(client, work, rate, arguments.minutes * 60, seen)
        watching.cancel()
    return seen, rate


async def fill(client: ServingClient) -> None:
    """What the encoder remembers is full from the beginning: how it fills is no growth to look for."""
    for first in range(0, REMEMBERED, PORTION):
        await client.embed(c.EmbedRequest(texts=[f"第{first + n}句" for n in range(PORTION)]))


async def capacity_of(client: ServingClient, work: Work, seconds: float) -> float:
    """Rounds per second, with the process always busy."""
    await one_round(client, work, work.answers[0])
    until, done = time.monotonic() + seconds, 0

    async def keep_busy(first: int) -> None:
        nonlocal done
        number = first
        while time.monotonic() < until:
            await one_round(client, work, work.answers[number % len(work.answers)])
            done, number = done + 1, number + AT_ONCE

    began = time.monotonic()
    await asyncio.gather(*(keep_busy(n) for n in range(AT_ONCE)))
    return done / (time.monotonic() - began)


async def at_rate(client: ServingClient, work: Work, rate: float, seconds: float, seen: Seen) -> None:
    dice, until = random.Random(5), time.monotonic() + seconds  # arrival times, no secret
    under_way: list[asyncio.Task[None]] = []
    while time.monotonic() < until:
        under_way.append(asyncio.create_task(noted(client, work, dice.choice(work.answers), seen)))
        await asyncio.sleep(dice.expovariate(rate))
    await asyncio.gather(*under_way)


async def noted(client: ServingClient, work: Work, answer: Answer, seen: Seen) -> None:
    began, seen.under_way = time.monotonic(), seen.under_way + 1
    try:
        await one_round(client, work, answer)
    except Problem as problem:
        seen.lost.append(problem.code)
    else:
        seen.delays.append(time.monotonic() - began)
    finally:
        seen.under_way -= 1


async def one_round(client: ServingClient, work: Work, answer: Answer) -> None:
    audio, number = answer.samples.tobytes(), work.rounds
    work.rounds += 1
    beginning = audio[: LOOK * 2 * c.SAMPLE_RATE]
    await client.caption(c.CaptionRequest(audio=beginning, language=answer.language))
    transcript = await client.transcribe(c.TranscribeRequest(audio=audio, language=answer.language))
    await client.observe(c.ObserveRequest(frames=work.frames))
    texts = [
        f"{sentence.text} {number}" for sentence in transcript.sentences
    ]  # nothing is remembered of another's
    if texts:
        await client.embed(c.EmbedRequest(texts=texts))
    await client.score(score_request(transcript.text or "没有。"))


async def watch(pid: int, seen: Seen) -> None:
    process = psutil.Process(pid)
    while True:
        seen.memory.append(process.memory_info().rss)
        seen.load.append(seen.under_way)
        await asyncio.sleep(1)


def report(seen: Seen, rate: float) -> int:
    warm, load = (column[len(seen.memory) // 10 :] for column in (seen.memory, seen.load))
    half = len(warm) // 2
    ratio = statistics.median(warm[half:]) / statistics.median(warm[:half])
    equal = at_equal_load((warm[:half], load[:half]), (warm[half:], load[half:]))
    p95 = statistics.quantiles(seen.delays, n=20)[-1]
    print(f"{len(seen.delays)} rounds at {rate:.2f}/s, {len(seen.lost)} lost {sorted(set(seen.lost))}")
    print(f"delay p50 {statistics.median(seen.delays):.2f} s, p95 {p95:.2f} s")
    print(f"memory {max(warm) >> 20} MB at most; by the minute {by_the_minute(seen.memory)}")
    print(f"rounds under way: by the minute {by_the_minute(seen.load, 0)}")
    print(f"memory of the second half by the first, as it was: {ratio:.3f}")
    flat = at_most("memory of the second half by the first at equal load", equal, GROWTH)
    return 0 if flat and not seen.lost else 1


Half = tuple[list[int], list[int]]  # memory and load at the same moments


def at_equal_load(first: Half, second: Half) -> float:
    """Second by first, medians of the moments with equally many rounds under way, each number counting as often as its rarer half."""
    halves = [by_load(*half) for half in (first, second)]
    common = halves[0].keys() & halves[1].keys()
    weights = {load: min(len(half[load]) for half in halves) for load in common}
    ratios = {
        load: statistics.median(halves[1][load]) / statistics.median(halves[0][load]) for load in common
    }
    return sum(weights[load] * ratios[load] for load in common) / sum(weights.values())


def by_load(memory: list[int], load: list[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for octets, rounds in zip(memory, load, strict=True):
        found.setdefault(rounds, []).append(octets)
    return found


def by_the_minute(values: list[int], shift: int = 20) -> list[int]:
    """Median of each minute (MB of bytes): shows whether growth goes on or comes to rest."""
    return [int(statistics.median(values[n : n + 60])) >> shift for n in range(0, len(values), 60)]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Mixed load at a share of capacity.")
    parser.add_argument("--data", type=Path, help="folder with transcripts.json")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--share", type=float, default=0.8)
    return parser.parse_args()


if __name__ == "__main__":
    ending.run(main)
