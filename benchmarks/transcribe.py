"""Audio seconds per CPU second: our recogniser against faster-whisper, over answers that arrive together.

The first peer is faster-whisper's `transcribe`, one answer after the other; the second its BatchedInferencePipeline,
which batches within one file. Ours gathers windows of all answers under way (`--at-once`, as the model tier does).

Same weights, same compute type, same threads, beam 5, word times; the language is given and, for Chinese, the same
prompt. Ours includes everything a transcript holds (voice activity, loudness, sentences, delivery). The folder has
a transcripts.json: {"path": {"language": "zh" | "en", "text": "…"}}; other languages are left out.

    python benchmarks/transcribe.py [--data FOLDER] [--model NAME] [--rounds 3] [--threads 2]
        [--answers 16] [--at-once 16]

Three ratios are printed: against the peer with the same number of threads, and against the peer on one thread, where
it wastes least, and against the batched pipeline. Error rates are compared by a paired bootstrap over the answers (Bisani & Ney 2004): "equal" is a
difference whose 95 % interval holds zero.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from faster_whisper import BatchedInferencePipeline, WhisperModel
from peers.goals import at_least

from duilian.infra.settings import Settings, load
from duilian.serving.audio import decode_audio
from duilian.serving.contracts import SAMPLE_RATE, Language, TranscribeRequest
from duilian.serving.loading import load_recogniser
from duilian.serving.models import locate
from duilian.serving.steps.chinese import PROMPT, simplified

FIXTURES = Path(__file__).parent.parent / "tests/fixtures/speech"
GOAL, GOAL_BATCHED = 2.0, 1.3
PEER, PEER_FRUGAL, PEER_BATCHED = "faster-whisper", "faster-whisper, 1 thread", "faster-whisper, batched"
OURS = "duilian"
RESAMPLES = 4000
DIGITS = "零一二三四五六七八九"


@dataclass(frozen=True)
class Answer:
    """samples: int16 mono at 16 kHz."""

    samples: np.ndarray
    language: Language
    text: str

    @property
    def seconds(self) -> float:
        return len(self.samples) / SAMPLE_RATE


@dataclass
class Run:
    """Best of the rounds: CPU and wall seconds; texts are the same in every round."""

    cpu: float = float("inf")
    wall: float = float("inf")
    texts: tuple[str, ...] = ()


Recognise = Callable[[list[Answer]], list[str]]


def main() -> None:
    arguments = _arguments()
    settings = msgspec.structs.replace(load(), speech_model=arguments.model, cpu_threads=arguments.threads)
    answers = mixed(read_answers(recordings(arguments.data)), arguments.answers)
    frugal = msgspec.structs.replace(settings, cpu_threads=1)
    contenders = {
        PEER: faster_whisper(settings),
        PEER_FRUGAL: faster_whisper(frugal),
        PEER_BATCHED: faster_whisper(settings, batched=True),
        OURS: ours(settings, arguments.at_once),
    }
    for recognise in contenders.values():
        recognise(answers[:1])
    runs = {(name, code): Run() for name in contenders for code in ("zh", "en")}
    for _ in range(arguments.rounds):
        for (name, code), best in runs.items():
            measure(contenders[name], [a for a in answers if a.language == code], best)
    sys.exit(report(answers, runs))


def recordings(folder: Path | None) -> Path:
    """The folder, or our own where it holds no recordings: `make bench DATA=folder` names one folder for all benchmarks."""
    if folder is None or not (folder / "transcripts.json").is_file():
        print(f"recordings: {FIXTURES}")
        return FIXTURES
    return folder


def read_answers(folder: Path) -> list[Answer]:
    known = json.loads((folder / "transcripts.json").read_text(encoding="utf-8"))
    return [
        Answer(decode_audio(folder / path), row["language"], row["text"])
        for path, row in known.items()
        if row["language"] in ("zh", "en")
    ]


def mixed(answers: list[Answer], count: int) -> list[Answer]:
    """So many, languages in turn, spread over the folder's order; 0 means all of them."""
    if not count:
        return answers
    kinds = [[a for a in answers if a.language == code] for code in ("zh", "en")]
    kinds = [kind for kind in kinds if kind]
    each = -(-count // len(kinds))
    spread = [kind[:: max(1, len(kind) // each)][:each] for kind in kinds]
    return [answer for group in spread for answer in group][:count]


def faster_whisper(settings: Settings, *, batched: bool = False) -> Recognise:
    """One answer after the other; batched: by BatchedInferencePipeline, each file on its own."""
    folder, _ = locate(settings.models_dir, settings.speech_model)
    model = WhisperModel(
        str(folder), device="cpu", compute_type=settings.compute_type, cpu_threads=settings.cpu_threads
    )

    transcribe: Any = BatchedInferencePipeline(model).transcribe if batched else model.transcribe

    def one(answer: Answer) -> str:
        segments, _ = transcribe(
            answer.samples.astype(np.float32) / 32768,
            language=answer.language,
            beam_size=5,
            word_timestamps=True,
            initial_prompt=PROMPT if answer.language == "zh" else None,
        )
        return "".join(segment.text for segment in segments)

    return lambda answers: [one(answer) for answer in answers]


def ours(settings: Settings, at_once: int) -> Recognise:
    """As the model tier calls it: so many answers under way, their windows gathered."""
    recogniser = load_recogniser(settings).step

    def one(answer: Answer) -> str:
        request = TranscribeRequest(audio=answer.samples.tobytes(), language=answer.language)
        return recogniser.transcribe(request).text

    def recognise(answers: list[Answer]) -> list[str]:
        with ThreadPoolExecutor(at_once) as pool:
            return list(pool.map(one, answers))

    return recognise


def measure(recognise: Recognise, answers: list[Answer], best: Run) -> None:
    cpu, wall = time.process_time(), time.perf_counter()
    best.texts = tuple(recognise(answers))
    best.cpu = min(best.cpu, time.process_time() - cpu)
    best.wall = min(best.wall, time.perf_counter() - wall)


def report(answers: list[Answer], runs: dict[tuple[str, str], Run]) -> int:
    """Prints the table; exit code 1 where the error rate is certainly higher or a goal was missed."""
    print(f"{'':28}{'audio s':>8}{'CPU s':>8}{'audio/CPU':>11}{'audio/wall':>12}{'errors':>9}")
    for (name, code), run in runs.items():
        said = [a for a in answers if a.language == code]
        seconds = sum(a.seconds for a in said)
        rate = error_rate(said, run.texts)
        print(
            f"{name:25}{code:3}{seconds:8.1f}{run.cpu:8.2f}{seconds / run.cpu:11.2f}{seconds / run.wall:12.2f}{rate:9.2%}"
        )
    good = True
    for code in ("zh", "en"):
        said = [a for a in answers if a.language == code]
        low, high = interval(said, runs[PEER, code].texts, runs[OURS, code].texts)
        good &= low <= 0
        verdict = "equal" if low <= 0 <= high else "lower" if high < 0 else "HIGHER"
        print(f"errors, {code}: ours minus peer's {low:+.2%} to {high:+.2%} (95 %): {verdict}")
    cpu = {name: sum(run.cpu for (n, _), run in runs.items() if n == name) for name, _ in runs}
    good &= at_least(f"audio per CPU second by {PEER}", cpu[PEER] / cpu[OURS], GOAL)
    good &= at_least(f"by {PEER_BATCHED}", cpu[PEER_BATCHED] / cpu[OURS], GOAL_BATCHED)
    print(f"by {PEER_FRUGAL}: ratio {cpu[PEER_FRUGAL] / cpu[OURS]:.3f}, no goal")
    return 0 if good else 1


def interval(answers: list[Answer], peer: tuple[str, ...], own: tuple[str, ...]) -> tuple[float, float]:
    """95 % bootstrap interval of our error rate minus the peer's, answers drawn with replacement."""
    said = [units(a.text, a.language) for a in answers]
    more = np.array(
        [
            edits(s, units(o, a.language)) - edits(s, units(p, a.language))
            for s, o, p, a in zip(said, own, peer, answers, strict=True)
        ]
    )
    length = np.array([len(s) for s in said])
    drawn = np.random.default_rng(0).integers(0, len(said), (RESAMPLES, len(said)))
    low, high = np.quantile(more[drawn].sum(axis=1) / length[drawn].sum(axis=1), (0.025, 0.975))
    return float(low), float(high)


def error_rate(answers: list[Answer], texts: tuple[str, ...]) -> float:
    """Edits by length over all answers: characters for Chinese, words for English."""
    pairs = [(units(a.text, a.language), units(t, a.language)) for a, t in zip(answers, texts, strict=True)]
    return sum(edits(said, heard) for said, heard in pairs) / max(1, sum(len(said) for said, _ in pairs))


def units(text: str, language: str) -> list[str]:
    """Without marks and case; Chinese numbers in characters, however they were written."""
    if language == "en":
        return re.findall(r"[\w']+", text.lower().replace("’", "'"))
    spoken = re.sub(r"\d+", lambda number: in_characters(int(number[0])), simplified(text).lower())
    return list(re.sub(r"[\W_]", "", spoken))


def in_characters(number: int) -> str:
    """Chinese numerals up to 9999, digit by digit beyond."""
    if number < 10 or number > 9999:
        return "".join(DIGITS[int(d)] for d in str(number))
    text = ""
    for digit, unit in zip(f"{number:04}", "千百十 ", strict=True):
        text += DIGITS[int(digit)] + (unit.strip() if digit != "0" else "")
    text = re.sub("零+", "零", text).strip("零")
    return text.removeprefix("一") if 10 <= number < 20 else text


def edits(said: list[str], heard: list[str]) -> int:
    """Levenshtein distance."""
    row = list(range(len(heard) + 1))
    for i, unit in enumerate(said, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (unit != other))
    return row[-1]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Audio seconds per CPU second, against faster-whisper.")
    parser.add_argument("--data", type=Path, help="folder with transcripts.json")
    parser.add_argument("--model", default="whisper-base")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--answers", type=int, default=16, help="so many, languages mixed; 0: all")
    parser.add_argument("--at-once", type=int, default=16, help="answers under way")
    return parser.parse_args()


if __name__ == "__main__":
    main()
