"""Time from the end of the last answer to the report, as a share of that answer's length.

Interviews of 1, 3 and 6 spoken Mandarin answers, recorded one after the other on a platform of its own: each answer
takes a candidate `--pace` of its length (1 is real time; less is harder, for less is processed before the end). Every
interview ends with the same recording, so that the rows can be compared. The goal: flat, and under 0.5.

    python benchmarks/report_latency.py [--pace 0.5] [--rounds 1]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import av
import msgspec
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

import ending
from duilian.platform.app.candidate_client import Candidate, Staff
from playing import answer, publish_set, shipped, spoken
from stacks import own_stack
from world import World, open_world

GOAL = 0.5
LENGTHS = (1, 3, 6)
POLL = 0.02  # seconds


@dataclass(frozen=True)
class Run:
    """seconds: from the finish of the last answer to the report; last: the length of that answer in seconds."""

    answers: int
    last: float
    seconds: float

    @property
    def share(self) -> float:
        return self.seconds / self.last


def length_of(path: Path) -> float:
    """Seconds of audio, by its packets."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        return max(
            float((p.pts + (p.duration or 0)) * p.time_base)
            for p in container.demux(stream)
            if p.pts is not None
        )


def publish_last(world: World, count: int) -> str:
    """The last `count` questions of the complaint set, its first one asked twice to make six."""
    whole = shipped("retail", "complaint")
    once_more = msgspec.structs.replace(whole.questions[0], key="once-more")
    questions = [once_more, *whole.questions][-count:]
    return publish_set(world, msgspec.structs.replace(whole, key=f"last-{count}", questions=questions))


def recordings(count: int) -> list[Path]:
    """The answers to those questions; the last is the same for every count."""
    speech = spoken("zh", "strong", "complaint")
    return [speech[0], *speech][-count:]


async def measure(world: World, set_key: str, count: int, pace: float) -> Run:
    invitation = world.invite(set_key, locale="zh-CN")
    files = recordings(count)
    async with Candidate(world.url, world.slug, invitation["token"], "zh-CN") as candidate:
        questions = (await candidate.begin())["questions"]
        for question, file in zip(questions, files, strict=True):
            await asyncio.sleep(pace * length_of(file))
            await answer(candidate, question, file)
        finished = time.monotonic()
        await candidate.submit()
    return Run(count, length_of(files[-1]), await seconds_to_report(world, invitation["interview"], finished))


async def seconds_to_report(world: World, interview: str, since: float) -> float:
    async with Staff(world.url, world.api_key) as staff:
        while (await staff.interview(interview))["status"] != "reported":  # noqa: ASYNC110  # over HTTP
            await asyncio.sleep(POLL)
        seconds = time.monotonic() - since
        report = await staff.report(interview)
    assert [a["outcome"] for a in report["answers"]] == ["read"] * len(report["answers"]), report["answers"]
    return seconds


def show(runs: list[Run], pace: float) -> None:
    table = Table(
        "answers",
        "last answer",
        "to the report",
        "share",
        f"goal {GOAL}",
        title=f"Last answer to report (pace {pace})",
    )
    for run in runs:
        met = "met" if run.share < GOAL else "missed"
        table.add_row(str(run.answers), f"{run.last:.1f} s", f"{run.seconds:.1f} s", f"{run.share:.2f}", met)
    Console().print(table)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--pace", type=float, default=0.5, help="seconds a candidate takes per second of answer"
    )
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--data", help="not used: the recordings are those of the tests")
    options = parser.parse_args()
    with own_stack() as stack:
        world = open_world(stack.settings)
        sets = {count: publish_last(world, count) for count in LENGTHS}
        asyncio.run(measure(world, sets[1], 1, 0))  # the first answer after a start finds cold models
        runs = [
            asyncio.run(measure(world, key, count, options.pace))
            for count, key in sets.items()
            for _ in range(options.rounds)
        ]
    show(runs, options.pace)


if __name__ == "__main__":
    ending.run(main)
