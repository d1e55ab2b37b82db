"""`duilian lab`: train, evaluate and use scoring models on files. Needs no server and no database."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import click
import msgspec

from duilian.customization.lab import artefacts
from duilian.customization.lab.evaluation import (
    agreement,
    cross_validated,
    curve,
    evaluate,
    unseen_items,
)
from duilian.customization.lab.judging import judge_lines
from duilian.customization.lab.learning import learn
from duilian.customization.lab.lines import Line, read_lines
from duilian.customization.lab.vectors import Vectors
from duilian.customization.training.adapting import adapt, check_labels
from duilian.infra.settings import load
from duilian.serving.cli import one_line
from duilian.serving.scoring.learned.model import Learned, Model
from duilian.serving.scoring.learned.observe import Observer

DATA = click.argument("data", type=click.Path(exists=True, dir_okay=False, path_type=Path))
MODEL = click.argument("model", type=click.Path(exists=True, dir_okay=False, path_type=Path))

INDUSTRY = click.option(
    "--industry", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Marked answers of others, same scale, that items without labels are judged by too.",
)  # fmt: skip


class Numbers(click.ParamType[list[int]]):
    """Whole numbers above zero, separated by commas."""

    name = "N,N,…"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        try:
            numbers = sorted({int(part) for part in str(value).split(",")})
        except ValueError:
            self.fail(f"{value} is no list of whole numbers such as 10,25,50", param, ctx)
        if numbers[0] < 1:
            self.fail("numbers of labels are 1 or more", param, ctx)
        return numbers


@click.group()
def lab() -> None:
    """Learn to score from labelled answers, and measure it. Lines are JSON: item, question, reference, answer, score."""


@lab.command("train")
@DATA
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Where the model goes."
)
@click.option(
    "--adapter", "adapted", is_flag=True, help="Also fine-tune the encoder: English, 200 labels or more."
)
@INDUSTRY
@one_line
def train(data: Path, out: Path, adapted: bool, industry: Path | None) -> None:
    """Learn from all lines of DATA that carry a score."""
    began = time.monotonic()
    adapter = _adapter(data) if adapted else b""
    lines, vectors, observer = _open(data, adapter)
    others = _others(industry, vectors)
    learned = learn(lines, observer, vectors.encoder, industry=others)
    learned = msgspec.structs.replace(learned, adapter=adapter)
    seconds = time.monotonic() - began
    sha256 = artefacts.write(learned, out)
    _print({
        "model": str(out), "sha256": sha256, "items": len(learned.items),
        "labels": sum(len(item.scores) - item.examples for item in learned.items), "industry": len(others),
        "scale": learned.scale or [learned.low, learned.high], "seconds": round(seconds, 1),
        "left_out_exact": None if adapter else _left_out(learned),
        "encoder": vectors.encoder,
    })  # fmt: skip


def _adapter(data: Path) -> bytes:
    """Progress goes to stderr where that is a screen."""
    lines = read_lines(data)
    check_labels(lines)
    with click.progressbar(length=1000, label="adapter", file=sys.stderr) as bar:
        return adapt([lines], load(), lambda share: bar.update(round(1000 * share) - bar.pos))[0]


def _left_out(learned: Learned) -> float:
    """Share of labels met exactly by all others. An adapter has seen each of them, so it says nothing beside one."""
    model = Model(learned)
    met = [
        prediction.score == mark
        for item in learned.items
        for prediction, mark in zip(model.left_out[item.key], item.scores, strict=False)
    ]
    return round(sum(met) / len(met), 4)


@lab.command("evaluate")
@MODEL
@DATA
@one_line
def evaluate_model(model: Path, data: Path) -> None:
    """Agreement of MODEL with the readers of DATA, with 95 % intervals. DATA must not be what it was trained on."""
    ready, sha256, lines, observer = _both(model, data)
    _print({"sha256": sha256} | _plain(evaluate(ready, lines, observer)))


@lab.command("curve")
@DATA
@click.option("--labels", type=Numbers(), default="10,25,50,100,200", show_default=True, help="An item.")
@click.option("--repeats", type=click.IntRange(1, 100), default=3, show_default=True, help="Draws of labels.")
@click.option("--cross-validate", is_flag=True, help="Also ten-fold, with all labels.")
@click.option("--unseen", is_flag=True, help="Also items left out whole.")
@INDUSTRY
@one_line
def learning_curve(
    data: Path, labels: list[int], repeats: int, cross_validate: bool, unseen: bool, industry: Path | None
) -> None:
    """Agreement on held-out people by the number of labels an item; the last point has all that there are."""
    lines, vectors, observer = _open(data)
    found: dict[str, Any] = {"points": []}
    others = _others(industry, vectors)
    for point in curve(lines, labels, observer, vectors.encoder, repeats=repeats, industry=others):
        found["points"].append(_plain(point))
        click.echo(f"{point.labels or 'all'}: {point.mean_qwk.value}", err=True)
    if cross_validate:
        found["cross_validated"] = _plain(
            agreement(cross_validated(lines, observer, vectors.encoder, industry=others))
        )
    if unseen:
        found["unseen_items"] = _plain(
            agreement(unseen_items(lines, observer, vectors.encoder, industry=others))
        )
    _print(found)


@lab.command("score")
@MODEL
@DATA
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Lines go here, not to the screen."
)
@one_line
def score(model: Path, data: Path, out: Path | None) -> None:
    """Score every line of DATA, in its order: a JSON line each. Who said nothing gets no score."""
    ready, _, lines, observer = _both(model, data)
    rows = b"".join(msgspec.json.encode(judged) + b"\n" for judged in judge_lines(ready, lines, observer))
    if out is None:
        sys.stdout.buffer.write(rows)
    else:
        out.write_bytes(rows)


def _both(model: Path, data: Path) -> tuple[Model, str, list[Line], Observer]:
    """The model with its sha256, and the lines read by the encoder that it was learned with."""
    learned, sha256 = artefacts.read(model)
    lines, vectors, observer = _open(data, learned.adapter)
    return artefacts.ready(learned, model.name, vectors.encoder), sha256, lines, observer


def _open(data: Path, adapter: bytes = b"") -> tuple[list[Line], Vectors, Observer]:
    """The lines, all their texts read by the encoder, with the adapter where there is one."""
    lines = read_lines(data)
    vectors = Vectors(load(), adapter=adapter)
    _read(lines, vectors)
    return lines, vectors, Observer(vectors)


def _others(industry: Path | None, vectors: Vectors) -> list[Line]:
    """Those that carry a score."""
    lines = [line for line in read_lines(industry) if line.score is not None] if industry else []
    _read(lines, vectors)
    return lines


def _read(lines: list[Line], vectors: Vectors) -> None:
    vectors.read([text for line in lines for text in (line.question, *line.reference, line.answer)])


def _plain(result: msgspec.Struct) -> dict[str, Any]:
    return msgspec.to_builtins(result)


def _print(facts: dict[str, Any]) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(facts), indent=2).decode())
