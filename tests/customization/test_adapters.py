"""Fine-tuning the encoder: what torch learns is what the model tier reads with, on one session for all tenants."""

from __future__ import annotations

import json
import random
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import psutil
import pytest
from click.testing import CliRunner

from duilian.customization.lab.cli import lab
from duilian.customization.lab.lines import Line
from duilian.customization.training.adapting import SCRIPT, adapt, task_of
from duilian.customization.training.errors import AdapterFailed, AdapterTooSlow, TrainingEnvironmentMissing
from duilian.infra.settings import Settings
from duilian.serving.adapters import Adapters
from duilian.serving.errors import AdapterBroken
from duilian.serving.loading import ADAPTABLE, load_adaptable
from duilian.serving.models import DEFAULT_DIR, locate, pull
from duilian.serving.scoring.adapter import Adapter

HERE = Path(__file__).parents[1]
PYTHON = HERE.parent / ".venv-training/bin/python"
POINTS = ("call", "search", "refund", "report")
IDLE = ("rain", "lunch", "music")


def lines(count: int, seed: int = 1) -> list[Line]:
    """Answers that hold some of four points; the score is how many."""
    dice, found = random.Random(seed), list[Line]()
    for number in range(count):
        said = dice.sample(POINTS, number % 5)
        text = ", ".join([*said, dice.choice(IDLE), str(number)])
        found.append(Line(item="late", question="What do you do when a delivery is late?", reference=[", ".join(POINTS)], answer=text, score=len(said), person=f"p{seed}.{number}"))  # fmt: skip
    return found


def write(path: Path, rows: list[Line]) -> Path:
    path.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    return path


@pytest.fixture(scope="module")
def settings() -> Settings:
    folder = DEFAULT_DIR.expanduser()
    pull(folder, [ADAPTABLE])
    return Settings(models_dir=folder, training_python=PYTHON)


@pytest.fixture(scope="module")
def adapters(settings: Settings) -> Adapters:
    return Adapters(lambda: load_adaptable(settings))


@pytest.fixture(scope="module")
def drawn(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Adapter, list[str], np.ndarray]:
    """An adapter drawn by lot, texts, and their vectors by torch and peft."""
    folder = tmp_path_factory.mktemp("peft")
    task = task_of(lines(8))
    files = [folder / name for name in ("task.json", "adapter", "vectors.npy")]
    files[0].write_bytes(msgspec.json.encode(task))
    encoder, _ = locate(settings.models_dir, ADAPTABLE)
    command = [PYTHON, HERE / "support/peft_vectors.py", encoder, *files]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return Adapter.of(files[1].read_bytes()), task.texts, np.load(files[2])


def test_the_tier_reads_as_torch_does(
    adapters: Adapters, drawn: tuple[Adapter, list[str], np.ndarray]
) -> None:
    adapter, texts, expected = drawn
    plain = replace(
        adapter, matrices={name: 0 * matrix for name, matrix in adapter.matrices.items()}, sha256="0"
    )
    read, unadapted = (adapters.reading(one).embed(texts) for one in (adapter, plain))
    assert np.abs(read - expected).max() < 1e-3
    assert np.abs(unadapted - expected).max() > 1e-2, "the adapter makes a difference"
    assert np.array_equal(adapters.reading(adapter).embed(texts[:1]), read[:1]), "and leaves nothing behind"


def test_an_adapter_for_another_encoder_is_refused(
    adapters: Adapters, drawn: tuple[Adapter, list[str], np.ndarray]
) -> None:
    adapter, _, _ = drawn
    name = next(iter(adapter.matrices))
    for wrong in (
        replace(adapter, base="0" * 64),
        replace(adapter, matrices={**adapter.matrices, name: np.zeros((3, 3), np.float32)}),
        replace(adapter, matrices={"encoder.layer.99.output.dense.down": np.zeros((3, 3), np.float32)}),
    ):
        with pytest.raises(AdapterBroken):
            adapters.reading(wrong)
    with pytest.raises(AdapterBroken):
        Adapter.of(b"\xff" * 40)


def test_a_model_is_trained_evaluated_and_used_with_its_adapter(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUILIAN_TRAINING_PYTHON", str(PYTHON))
    monkeypatch.setenv("DUILIAN_MODELS_DIR", str(settings.models_dir))
    data, model = write(tmp_path / "train.jsonl", lines(200)), tmp_path / "model"
    facts = json.loads(run("train", data, "--adapter", "--out", model))
    assert facts["encoder"].keys() == {ADAPTABLE, "adapter"} and facts["labels"] == 200
    others = write(tmp_path / "test.jsonl", lines(30, seed=2))
    assert json.loads(run("evaluate", model, others))["pooled_qwk"]["value"] > 0.8
    assert len(run("score", model, others).splitlines()) == 30


def run(*arguments: object) -> Any:
    result = CliRunner().invoke(lab, [str(a) for a in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_same_labels_give_the_same_adapter(settings: Settings) -> None:
    first, second = adapt([lines(10), lines(10)], settings, lambda _: None)
    assert first == second


def under_way() -> list[psutil.Process]:
    return [one for one in psutil.Process().children() if str(SCRIPT) in one.cmdline()]


def test_fine_tuning_is_stopped_and_says_what_is_wrong(settings: Settings) -> None:
    class Enough(Exception):
        pass

    def stop(_: float) -> None:
        (process,) = under_way()
        files = list(Path(process.cmdline()[-1]).parent.iterdir())
        assert files and not any(b"refund" in file.read_bytes() for file in files), "no answer lies in a file"
        raise Enough

    with pytest.raises(Enough):
        adapt([lines(10)], settings, stop)
    assert not under_way(), "it was killed"
    with pytest.raises(AdapterTooSlow):
        adapt([lines(10)], msgspec.structs.replace(settings, adapter_seconds=0.1), lambda _: None)
    with pytest.raises(TrainingEnvironmentMissing, match="make training"):
        adapt(
            lines(10), msgspec.structs.replace(settings, training_python=PYTHON / "nowhere"), lambda _: None
        )
    ours = HERE.parent / ".venv/bin/python"
    with pytest.raises(AdapterFailed, match="torch"):
        adapt([lines(10)], msgspec.structs.replace(settings, training_python=ours), lambda _: None)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (lines(199), "at least 200"),
        ([msgspec.structs.replace(row, answer="我先听他说完。") for row in lines(200)], "reads English"),
    ],
)
def test_labels_that_do_not_suffice_are_refused(rows: list[Line], said: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(
        lab, ["train", str(write(tmp_path / "d", rows)), "--adapter", "--out", str(tmp_path / "m")]
    )
    assert result.exit_code == 1 and said in result.output
