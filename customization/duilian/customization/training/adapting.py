"""Fine-tuning the encoder to a tenant's labels: in the training environment, in a process of its own.

The process reads texts and marks from its input, so that they lie in no file, and gives back an adapter (scripts/adapt.py).
It gets none of our settings, may be stopped at any moment, and ends at the deadline.
"""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import IO

import msgspec

from duilian.customization.lab.learning import OneMark, by_item
from duilian.customization.lab.lines import Line
from duilian.customization.training.errors import (
    AdapterFailed,
    AdapterTooSlow,
    OtherLanguage,
    TooFewToAdapt,
    TrainingEnvironmentMissing,
)
from duilian.infra.settings import Settings
from duilian.serving.loading import ADAPTABLE
from duilian.serving.manifest import find
from duilian.serving.models import locate
from duilian.serving.scoring.adapter import Adapter
from duilian.serving.scoring.text import is_foreign

LEAST_LABELS = 200  # below it no difference on held-out people could be told from chance (docs/lab.md)
LARGEST_SHARE_ELSE = 0.05  # of answers in a language that the encoder does not read
LOOK = 0.5  # seconds between two looks at the deadline and at whether the run goes on
SCRIPT = Path(__file__).parent / "scripts" / "adapt.py"
MEMORY = "/dev/shm"  # noqa: S108  # a folder of our own is made in it
Tick = Callable[[float], None]  # told the share done; raises to stop


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What the script is given. items, marks: of each text; marks 0–1, references 1. base: sha256 of the encoder's weights.

    rank, alpha, modules: of LoRA; rate: the largest learning rate; decay: of weights; batch: texts.
    """

    texts: list[str]
    items: list[int]
    marks: list[float]
    base: str
    rank: int = 8
    alpha: int = 16
    modules: tuple[str, ...] = ("query", "key", "value", "dense")
    epochs: int = 2
    rate: float = 5e-4
    decay: float = 0.01
    batch: int = 48
    seed: int = 1


def check_labels(lines: Sequence[Line]) -> None:
    """Whether these are labels to fine-tune on. Raises TooFewToAdapt, OneMark, OtherLanguage."""
    marked = [line for line in lines if line.score is not None]
    languages = find(ADAPTABLE).languages
    check_counts(len(marked), sum(all(is_foreign(line.answer, one) for one in languages) for line in marked))
    if len({line.score for line in marked}) == 1:
        raise OneMark(mark=marked[0].score)


def check_counts(labels: int, foreign: int) -> None:
    """foreign: answers in a language that the encoder does not read. Raises TooFewToAdapt, OtherLanguage."""
    if labels < LEAST_LABELS:
        raise TooFewToAdapt(found=labels, least=LEAST_LABELS)
    if foreign > LARGEST_SHARE_ELSE * labels:
        raise OtherLanguage(found=foreign, labels=labels)


def check_environment(settings: Settings) -> Path:
    """Python of the training environment. Raises TrainingEnvironmentMissing."""
    python = settings.training_python.absolute()
    if not os.access(python, os.X_OK):
        raise TrainingEnvironmentMissing(python=python)
    return python


def adapt(taught: Sequence[Sequence[Line]], settings: Settings, tick: Tick) -> list[bytes]:
    """An adapter from each of these sets of labels, as safetensors; one process learns them all. tick: about twice a second.

    taught: each of at least two different marks; see `check_labels`. Raises TrainingEnvironmentMissing, AdapterFailed,
    AdapterTooSlow, ModelMissing, ModelBroken, and whatever `tick` raises.
    """
    python = check_environment(settings)
    encoder, _ = locate(settings.models_dir, ADAPTABLE)
    tasks = msgspec.json.encode([task_of(lines) for lines in taught])
    with TemporaryDirectory(prefix="duilian-adapter-", dir=_memory()) as name:
        folder = Path(name)
        files = [folder / f"{number}.adapter" for number in range(len(taught))]
        command = [str(part) for part in (python, SCRIPT, encoder, *files)]
        _run(command, tasks, folder, settings.adapter_seconds * len(taught), tick)
        found = [out.read_bytes() for out in files]
    for octets in found:
        Adapter.of(octets)
    return found


def _memory() -> str | None:
    """Where files are in memory; None, the usual place, on machines that have none."""
    return MEMORY if os.access(MEMORY, os.W_OK | os.X_OK) else None


def task_of(lines: Sequence[Line]) -> Task:
    """References deserve the highest mark. The order is that of items and lines."""
    scores = [line.score for line in lines if line.score is not None]
    low, high = min(scores), max(scores)
    rows: list[tuple[str, int, float]] = []
    for number, (_, group) in enumerate(sorted(by_item(lines).items())):
        rows += [(text, number, 1.0) for text in group[0].reference if text.strip()]
        rows += [
            (line.answer, number, (line.score - low) / (high - low))
            for line in group
            if line.score is not None and line.answer.strip()
        ]
    texts, items, marks = (list(column) for column in zip(*rows, strict=True))
    return Task(texts=texts, items=items, marks=marks, base=find(ADAPTABLE).sha256)


def _run(command: list[str], given: bytes, folder: Path, seconds: float, tick: Tick) -> None:
    """given: what the process reads, whole."""
    with (folder / "errors").open("w+b") as errors:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=_environment(folder)
        )
        assert process.stdin is not None and process.stdout is not None
        writer = Thread(target=_give, args=(process.stdin, given), daemon=True)
        writer.start()  # whoever does not read must not keep us from the deadline
        try:
            _watch(process.stdout, seconds, tick)
            code = process.wait(LOOK)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
            writer.join()
        if code:
            errors.seek(0)
            raise AdapterFailed(reason=_last_line(errors.read()) or f"exit code {code}")


def _give(to: IO[bytes], octets: bytes) -> None:
    """A process that ended without reading says itself why."""
    with suppress(BrokenPipeError), to:
        to.write(octets)


def _watch(output: IO[bytes], seconds: float, tick: Tick) -> None:
    """Until the process closes its output. Raises AdapterTooSlow."""
    deadline, share = time.monotonic() + seconds, 0.0
    for line in _lines(output):
        if time.monotonic() > deadline:
            raise AdapterTooSlow(seconds=seconds)
        if line.startswith(b"progress "):
            share = float(line.split()[1])
        tick(share)


def _lines(output: IO[bytes]) -> Iterator[bytes]:
    """Whole lines as they come, and an empty one whenever nothing came for a while."""
    kept = b""
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        while True:
            if not selector.select(LOOK):
                yield b""
                continue
            if not (came := os.read(output.fileno(), 1 << 16)):
                return
            *whole, kept = (kept + came).split(b"\n")
            yield from whole


def _environment(folder: Path) -> dict[str, str]:
    """Nothing of ours: no keys, no addresses. Nothing is fetched, and nothing is kept but the adapter."""
    return {
        "PATH": os.defpath, "HOME": str(folder), "TMPDIR": str(folder), "LANG": "C.UTF-8", "PYTHONHASHSEED": "0",
        "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": "",
    }  # fmt: skip


def _last_line(octets: bytes) -> str:
    lines = [line for line in octets.decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1].strip()[:300] if lines else ""
