"""Commands of the model tier: `models`, `transcribe`, `serving`. They need no server and no database."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn
from rich.table import Table

from duilian.infra.errors import Problem
from duilian.infra.settings import Settings, load
from duilian.serving import manifest
from duilian.serving.models import Finding, pull, verify

Params = ParamSpec("Params")
Result = TypeVar("Result")


def one_line(command: Callable[Params, Result]) -> Callable[Params, Result]:
    """A Problem ends the command with its sentence on stderr and exit code 1."""

    @wraps(command)
    def run(*args: Params.args, **kwargs: Params.kwargs) -> Result:
        try:
            return command(*args, **kwargs)
        except Problem as problem:
            click.echo(f"duilian: {problem.sentence('en')}", err=True)
            sys.exit(1)

    return run


def _settings(models_dir: Path | None) -> Settings:
    settings = load()
    return msgspec.structs.replace(settings, models_dir=models_dir.expanduser()) if models_dir else settings


MODELS_DIR = click.option(
    "--models-dir",
    type=click.Path(path_type=Path),
    help="Where models lie (default: the setting models_dir).",
)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def models() -> None:
    """Pull, list and verify model files (模型)."""


@models.command("pull")
@click.argument("names", nargs=-1)
@MODELS_DIR
@click.option(
    "--folder", type=click.Path(path_type=Path), help="A local copy of a models folder, tried first."
)
@click.option("--mirror", help="Address of a bucket with the same layout, tried next.")
@one_line
def pull_command(
    names: tuple[str, ...], models_dir: Path | None, folder: Path | None, mirror: str | None
) -> None:
    """Fetch models and check every byte (default: those a single machine needs)."""
    with ProgressBars() as bars:
        findings = pull(_settings(models_dir).models_dir, names, bars.update, folder=folder, mirror=mirror)
    for finding in findings:
        click.echo(f"{finding.model} {finding.version}")


@models.command("list")
@AS_JSON
@MODELS_DIR
@one_line
def list_command(as_json: bool, models_dir: Path | None) -> None:
    """What the manifest knows and what is on this machine."""
    found = {f.model: f for f in verify(_settings(models_dir).models_dir, list(manifest.models()))}
    if as_json:
        click.echo(msgspec.json.encode(list(found.values())).decode())
        return
    table = Table("model", "task", "licence", "bytes", "state", box=None)
    for model in manifest.models().values():
        state = found[model.name]
        size = f"{state.bytes or model.bytes:,}" if state.bytes or model.bytes else "not pinned"
        table.add_row(model.name, model.task, model.licence, size, state.version or "not pulled")
    Console().print(table)


@models.command("verify")
@click.argument("names", nargs=-1)
@AS_JSON
@MODELS_DIR
@one_line
def verify_command(names: tuple[str, ...], as_json: bool, models_dir: Path | None) -> None:
    """Hash every file; exit code 1 if one is missing or damaged."""
    findings = verify(_settings(models_dir).models_dir, names)
    if as_json:
        click.echo(msgspec.json.encode(findings).decode())
    for finding in findings:
        _tell(finding, quiet=as_json)
    if any(finding.problem for finding in findings):
        sys.exit(1)


def _tell(finding: Finding, *, quiet: bool) -> None:
    if finding.problem:
        click.echo(finding.problem, err=True)
    elif not quiet:
        click.echo(f"{finding.model} {finding.version} ok")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--language", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
@AS_JSON
@MODELS_DIR
@one_line
def transcribe(file: Path, language: str, as_json: bool, models_dir: Path | None) -> None:
    """The words of a recording, with times and confidence (语音转写)."""
    from duilian.serving.audio import decode_audio
    from duilian.serving.contracts import TranscribeRequest
    from duilian.serving.loading import load_recogniser
    from duilian.serving.transcripts import as_lines

    audio = decode_audio(file).tobytes()
    request = msgspec.convert({"audio": audio, "language": language}, TranscribeRequest)
    transcript = load_recogniser(_settings(models_dir)).step.transcribe(request)
    click.echo(msgspec.json.encode(transcript).decode() if as_json else as_lines(transcript))


@click.command()
@MODELS_DIR
@one_line
def serving(models_dir: Path | None) -> None:
    """Run the model tier (模型服务)."""
    from duilian.serving.run import serve

    serve(_settings(models_dir))


class ProgressBars:
    """One bar per thing that is under way; a thing of unknown size counts its bytes."""

    def __init__(self) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        self._bars = Progress(*columns, console=Console(stderr=True))
        self._tasks: dict[str, TaskID] = {}

    def update(self, what: str, done: int, total: int) -> None:
        if what not in self._tasks:
            self._tasks[what] = self._bars.add_task(what, total=total or None)
        self._bars.update(self._tasks[what], completed=done, total=total or None)

    def __enter__(self) -> ProgressBars:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()
