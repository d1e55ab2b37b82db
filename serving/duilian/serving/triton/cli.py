"""`duilian triton`: the model repository, and a server of this machine on it."""

from __future__ import annotations

import os
from pathlib import Path

import click

from duilian.infra.settings import load
from duilian.serving.cli import one_line
from duilian.serving.triton.repository import write_repository
from duilian.serving.triton.server import command, variables


@click.group("triton")
def triton_command() -> None:
    """Tensors on a Triton server (张量服务)."""


@triton_command.command("repository")
@click.argument("target", type=click.Path(file_okay=False, path_type=Path))
@one_line
def repository_command(target: Path) -> None:
    """Write the model repository of the manifest to TARGET."""
    for name in write_repository(load().models_dir, target):
        click.echo(name)


@triton_command.command("serve")
@click.option("--environment", type=click.Path(file_okay=False, path_type=Path), default=Path(".venv-triton"))
@click.option(
    "--port",
    type=click.IntRange(1, 65_000),
    default=8001,
    show_default=True,
    help="gRPC; HTTP and metrics follow it.",
)
@one_line
def serve_command(environment: Path, port: int) -> None:
    """Run a Triton server with every model of the repository, until Ctrl-C."""
    settings = load()
    repository = settings.data_dir.absolute() / "triton" / "models"
    models = write_repository(settings.models_dir, repository)
    argv = command(environment, repository, port, models)
    os.execve(argv[0], argv, variables(environment))  # noqa: S606  # becomes the server: signals reach it at once
