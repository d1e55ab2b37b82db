"""`duilian up`: the whole platform on one machine, from an empty folder to links that open, until Ctrl-C.

Nothing is downloaded twice and no data are lost between two starts: everything lies in the data directory.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import click

from duilian.infra.keys import create_master
from duilian.infra.local import lock, mailbox, preflight
from duilian.infra.local.plan import (
    environment_of,
    keeps_mail,
    places_of,
    plan,
    ports_of,
    runs_serving,
    with_serving_token,
    write_environment,
)
from duilian.infra.local.process import Command
from duilian.infra.local.services import DataServices
from duilian.infra.local.supervisor import Supervisor, orderly_end, uninterrupted
from duilian.infra.seals import SealKey
from duilian.infra.settings import Settings
from duilian.platform.app import migrations
from duilian.platform.app.readiness import WorkerHeartbeat, answers
from duilian.platform.app.screen import Screen
from duilian.platform.app.seed import SeedResult, seed
from duilian.serving import models


@dataclass(frozen=True, slots=True)
class Stack:
    """A running platform. seeded: None when seeding was left out."""

    settings: Settings
    supervisor: Supervisor
    seeded: SeedResult | None


def up(overrides: Mapping[str, object], *, with_seed: bool = True, tests: bool = False) -> None:
    """Starts everything, prints the links, restarts what crashes, stops all on Ctrl-C or SIGTERM.

    overrides: settings by field name. tests: throw-away data, nothing waits for the disk.
    Raises the Problem that kept it from starting or running.
    """
    began = time.monotonic()
    screen = Screen()
    try:
        with orderly_end(), running(overrides, screen, with_seed=with_seed, tests=tests) as stack:
            screen.ready(stack.settings, stack.seeded, time.monotonic() - began)
            stack.supervisor.watch()
    except KeyboardInterrupt:
        screen.stopped()


@contextmanager
def running(
    overrides: Mapping[str, object], screen: Screen, *, with_seed: bool = True, tests: bool = False
) -> Generator[Stack]:
    """The platform, for as long as the block lasts."""
    settings = plan(overrides)
    preflight.check((), places_of(settings))
    with lock.held(settings.data_dir, settings.public_url):
        preflight.check(ports_of(settings).uses(), ())
        supervisor = Supervisor(screen.notice)
        try:
            yield _start(settings, supervisor, screen, with_seed=with_seed, durable=not tests)
        finally:
            with uninterrupted():
                screen.stopping()
                supervisor.stop()


def _start(
    settings: Settings, supervisor: Supervisor, screen: Screen, *, with_seed: bool, durable: bool
) -> Stack:
    with screen.step("模型", "models"), screen.download() as progress:
        models.pull(settings.models_dir, progress=progress)
    settings = with_serving_token(settings)
    # It loads its models while the rest comes up.
    serving = [supervisor.launch(serving_command(settings))] if runs_serving(settings) else []
    with screen.step("数据库与存储", "database and object store"):
        services = DataServices(settings.data_dir, ports_of(settings), durable=durable)
        services.start(supervisor, settings.s3_bucket)
    catcher = [supervisor.launch(_mail_command(settings))] if keeps_mail(settings) else []
    settings = services.settings(settings)
    create_master(settings)
    SealKey.create(settings.audit_key_file)
    with screen.step("数据表", "migrations"):
        migrations.upgrade(settings.database_owner_url, settings=settings)
    write_environment(settings)
    with screen.step("示例数据", "demo data"):
        seeded = seed(settings) if with_seed else None
    with screen.step("服务", "mail, serving, worker, web"):
        for process in [
            *catcher,
            *serving,
            *map(supervisor.launch, (worker_command(settings), web_command(settings))),
        ]:
            process.wait_ready()
    return Stack(settings, supervisor, seeded)


def serving_command(settings: Settings) -> Command:
    """The model tier; it is started before the database's addresses are known and never gets them."""
    url = f"http://127.0.0.1:{settings.serving_port}/health"
    return _command(
        "serving", settings, ready=lambda: answers(url), ready_seconds=180, death_signal=signal.SIGKILL
    )


def worker_command(settings: Settings) -> Command:
    """The jobs; one that is cut short when we stop is taken up at the next start."""
    heartbeat = WorkerHeartbeat(settings.database_owner_url)
    command = _command("worker", settings, ready=heartbeat, death_signal=signal.SIGKILL)
    return replace(command, before=heartbeat.begin, stop_seconds=4)


def web_command(settings: Settings) -> Command:
    """Pages and API."""
    url = f"http://127.0.0.1:{settings.port}/health"
    return _command("web", settings, ready=lambda: answers(url))


def _mail_command(settings: Settings) -> Command:
    """Keeps what is mailed on this machine, where no other server was named."""
    return mailbox.command(settings.data_dir, ports_of(settings).mail)


def _command(
    name: str,
    settings: Settings,
    *,
    ready: Callable[[], bool],
    ready_seconds: float = 60,
    death_signal: signal.Signals = signal.SIGTERM,
) -> Command:
    return Command(
        name=name,
        argv=[str(Path(sys.executable).with_name("duilian")), name],
        environment=os.environ | environment_of(settings) | {"PYTHONUNBUFFERED": "1"},
        log_file=settings.data_dir / "logs" / f"{name}.log",
        ready=ready,
        ready_seconds=ready_seconds,
        stop_seconds=3,
        death_signal=death_signal,
    )


@click.command("up")
@click.option(
    "--port", type=click.IntRange(1, 65_000), help="Port of the pages; the other services follow it."
)
@click.option(
    "--data-dir", type=click.Path(file_okay=False, path_type=Path), help="Where data, keys and logs lie."
)
@click.option("--no-seed", is_flag=True, help="Start without the demo tenants.")
def command(port: int | None, data_dir: Path | None, no_seed: bool) -> None:
    """Start the whole platform on this machine and print the links; Ctrl-C stops it."""
    given = {"port": port, "data_dir": data_dir}
    up({name: value for name, value in given.items() if value is not None}, with_seed=not no_seed)
