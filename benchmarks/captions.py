"""How long after it was said a word is shown, and what captions cost: ours against the final pass over the answer.

Answers are played in real time, a fifth of a second at a time, into the caption stream of the platform; the model tier
runs as its own process and is called over HTTP, as in production. The named reference is the full transcript of the
same process: its word times say when each word was said, its words which of ours are right, and it is what somebody
without captions would wait for.

    python benchmarks/captions.py [--data FOLDER] [--answers 3]

"shown" is the first moment a word stands where it stays, "settled" the moment it can no longer change. Delays are
measured from the end of the word. CPU share: processor seconds of both processes by seconds of speech.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

import numpy as np
import psutil
from transcribe import recordings

import ending
from duilian.platform.live.captioning import BYTES, CaptionStream, Said
from duilian.serving.audio import decode_audio
from duilian.serving.client import ServingClient
from duilian.serving.contracts import Language, TranscribeRequest, Transcript
from duilian.serving.errors import ServingUnavailable

SERVER = "from duilian.serving.cli import serving; serving()"
GOAL = 2.0  # seconds, 95th percentile of "shown"
BLOCK = BYTES // 5
PREFERRED = ("zh/medium/complaint/01.webm", "zh/strong/complaint/02.webm", "en/weak/fault-finding/02.webm")


@dataclass
class Played:
    """What one answer gave. updates: (seconds since the answer began, what was said)."""

    language: Language
    seconds: float
    cpu: float = 0.0
    looks: int = 0
    updates: list[tuple[float, Said]] = field(default_factory=list)

    @property
    def standing(self) -> str:
        return "".join(said.added for _, said in self.updates)


@dataclass(frozen=True)
class Delays:
    """Seconds from the end of each word that both passes heard."""

    shown: list[float]
    settled: list[float]
    final: list[float]
    agreement: float


def main() -> None:
    arguments = _arguments()
    folder = recordings(arguments.data)
    known = json.loads((folder / "transcripts.json").read_text("utf-8"))
    names = [name for name in PREFERRED if name in known] or [
        n for n, row in known.items() if row["language"] in ("zh", "en")
    ]
    process, url = start()
    try:
        found = asyncio.run(
            measure(url, process, [(folder / n, known[n]["language"]) for n in names[: arguments.answers]])
        )
    finally:
        process.terminate()
        process.wait(20)
    sys.exit(report(found))


def start() -> tuple[psutil.Popen, str]:
    """The model tier on a free port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "DUILIAN_SERVING_PORT": str(port), "DUILIAN_SERVING_TOKEN": ""}
    return psutil.Popen(
        [sys.executable, "-c", SERVER], env=environment, stderr=subprocess.DEVNULL
    ), f"http://127.0.0.1:{port}"


Result = tuple[Played, Transcript, float, float]  # with seconds and processor seconds of the final pass


async def measure(url: str, process: psutil.Popen, answers: list[tuple[Path, Language]]) -> list[Result]:
    found: list[Result] = []
    async with ServingClient(url) as client:
        while not await _ready(client):
            assert process.is_running(), "the model tier has ended"
            await asyncio.sleep(0.5)
        await CaptionStream(client, "zh").finish()
        for path, language in answers:
            sound = decode_audio(path).tobytes()
            played = await play(client, process, sound, language)
            began, cpu = time.perf_counter(), _cpu(process)
            final = await client.transcribe(TranscribeRequest(audio=sound, language=language))
            found.append((played, final, time.perf_counter() - began, _cpu(process) - cpu))
    return found


async def _ready(client: ServingClient) -> bool:
    try:
        return (await client.health()).ready
    except ServingUnavailable:
        return False


async def play(client: ServingClient, process: psutil.Popen, sound: bytes, language: Language) -> Played:
    """As fast as it was spoken; the stream is looked after as the platform's socket does."""
    stream, played = CaptionStream(client, language), Played(language, len(sound) / BYTES)
    cpu, began = _cpu(process) + time.process_time(), time.perf_counter()

    async def speak() -> None:
        for start in range(0, len(sound), BLOCK):
            due = (start + BLOCK) / BYTES
            await asyncio.sleep(max(0.0, due - (time.perf_counter() - began)))
            stream.feed(sound[start : start + BLOCK])

    speaking = asyncio.create_task(speak())
    while not speaking.done():
        if not stream.is_due:
            await asyncio.sleep(0.02)
            continue
        said = await stream.step()
        played.looks += 1
        if said is not None:
            played.updates.append((time.perf_counter() - began, said))
    if (rest := await stream.finish()) is not None:
        played.updates.append((time.perf_counter() - began, rest))
    played.cpu = _cpu(process) + time.process_time() - cpu
    return played


def delays(played: Played, final: Transcript, after: float) -> Delays:
    """after: seconds that the final pass took."""
    settled_at = [at for at, said in played.updates for _ in said.added]
    shown_at = _shown(played)
    said_at = _ends(final)
    blocks = SequenceMatcher(None, played.standing, final.text, autojunk=False).get_matching_blocks()
    pairs = [
        (block.a + i, block.b + i)
        for block in blocks
        for i in range(block.size)
        if played.standing[block.a + i].isalnum() and block.b + i in said_at
    ]
    return Delays(
        shown=[shown_at[a] - said_at[b] for a, b in pairs],
        settled=[settled_at[a] - said_at[b] for a, b in pairs],
        final=[played.seconds + after - end for end in said_at.values()],
        agreement=len(pairs) / max(1, len(said_at)),
    )


def _ends(final: Transcript) -> dict[int, float]:
    """When the word of each character ended."""
    return {word.offset + i: word.end for word in final.words for i, c in enumerate(word.text) if c.isalnum()}


def _shown(played: Played) -> list[float]:
    """For each character that stands in the end: since when it has been there without a break."""
    whole, since = played.standing, [float("nan")] * len(played.standing)
    before = ""
    for at, said in played.updates:
        before += said.added
        display = before + said.tail
        for i in range(len(whole)):
            right = i < len(display) and display[i] == whole[i]
            since[i] = (at if np.isnan(since[i]) else since[i]) if right else float("nan")
    return since


def _cpu(process: psutil.Popen) -> float:
    times = process.cpu_times()
    return times.user + times.system


def report(found: list[Result]) -> int:
    measured = [delays(played, final, after) for played, final, after, _ in found]
    speech = sum(played.seconds for played, *_ in found)
    rows = {
        "captions, shown": [d for one in measured for d in one.shown],
        "captions, settled": [d for one in measured for d in one.settled],
        "final pass": [d for one in measured for d in one.final],
    }
    print(
        f"{len(found)} answers, {speech:.0f} s of speech, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the end"
    )
    print(f"{'delay after the word':<22}{'p50':>8}{'p95':>8}{'max':>8}  seconds")
    for name, values in rows.items():
        p50, p95 = np.percentile(values, [50, 95])
        print(f"{name:<22}{p50:8.2f}{p95:8.2f}{max(values):8.2f}")
    captions_cpu = sum(played.cpu for played, *_ in found) / speech
    final_cpu = sum(cpu for *_, cpu in found) / speech
    looks = sum(played.looks for played, *_ in found) / speech
    print(
        f"CPU share: captions {captions_cpu:.2f} of a core ({looks:.1f} looks a second), final pass {final_cpu:.2f}"
    )
    print(
        f"characters of the final pass that captions have too: {np.mean([one.agreement for one in measured]):.0%}"
    )
    p95 = float(np.percentile(rows["captions, shown"], 95))
    ratio = p95 / float(np.percentile(rows["final pass"], 95))
    print(
        f"ratio of p95, captions shown : final pass = {ratio:.3f}; CPU ratio = {captions_cpu / final_cpu:.2f}"
    )
    print(f"goal: p95 of shown under {GOAL:.0f} s: {'met' if p95 < GOAL else 'MISSED'}")
    return 0 if p95 < GOAL else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="delay and cost of live captions")
    parser.add_argument("--data", type=Path, help="folder with transcripts.json")
    parser.add_argument("--answers", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    ending.run(main)
