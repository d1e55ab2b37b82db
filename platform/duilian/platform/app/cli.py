"""The command line. Every command prints JSON with `--json` where it prints facts, and one clear line on error."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from pathlib import Path
from typing import Any

import click
import msgspec
import yaml

from duilian.infra.errors import Problem
from duilian.infra.settings import PREFIX, Settings, is_secret, load, load_with_sources
from duilian.platform.app.commands import Imported

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(
    cls=Imported,
    imported={
        "up": "duilian.platform.app.up:command",
        "audit": "duilian.platform.app.audit:audit",
        "doctor": "duilian.platform.app.doctor:doctor",
        "mail": "duilian.platform.app.mail:mail",
        "interview": "duilian.platform.app.interview:interview",
        "keys": "duilian.platform.app.keys:keys",
        "labels": "duilian.platform.app.labels:labels",
        "retention": "duilian.platform.app.retention:retention",
        "models": "duilian.serving.cli:models",
        "transcribe": "duilian.serving.cli:transcribe",
        "serving": "duilian.serving.cli:serving",
        "ray": "duilian.serving.ray_cli:ray_command",
        "triton": "duilian.serving.triton.cli:triton_command",
        "lab": "duilian.customization.lab.cli:lab",
        "language": "duilian.serving.language_server:language_command",
    },
)
@click.version_option(package_name="duilian")
def cli() -> None:
    """Duilian (对练): AI interviews, practice and first-round assessment."""


@cli.command()
def web() -> None:
    """Serve pages and API (Granian, one process)."""
    from granian import Granian
    from granian.constants import Interfaces

    settings = load()
    server = Granian(
        "duilian.platform.app.web:create_app",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        workers=1,
        log_access=False,
        respawn_failed_workers=True,
        workers_kill_timeout=10,
    )
    server.serve()


@cli.command()
def worker() -> None:
    """Run jobs until told to stop."""
    from duilian.platform.app.worker import run_worker

    settings = load()
    logging.basicConfig(level=settings.log_level)
    asyncio.run(run_worker(settings))


@cli.command()
@JSON
def migrate(as_json: bool) -> None:
    """Bring the database to this version's tables."""
    from duilian.platform.app.migrations import upgrade

    upgrade(load().database_owner_url)
    _say(as_json, {"migrated": True}, "The database is up to date.")


@cli.command()
@JSON
def seed(as_json: bool) -> None:
    """Open the demo tenants and print their links; safe to repeat."""
    from duilian.platform.app.seed import seed as run

    result = run(load())
    lines = [f"{t.name}: {label}  {value}" for t in result.tenants for label, value in t.rows]
    _say(as_json, msgspec.to_builtins(result), "\n".join(lines))


@cli.group(
    cls=Imported,
    imported={
        name: f"duilian.platform.app.closing:{name}" for name in ("delete", "keep", "receipt", "verify")
    },
)
def tenant() -> None:
    """Tenants."""


@tenant.command("create")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--admin-email", required=True, help="The first administrator.")
@click.option("--admin-password", prompt=True, hide_input=True, confirmation_prompt=True)
@JSON
def create(file: Path, admin_email: str, admin_password: str, as_json: bool) -> None:
    """Open a tenant from a tenant.yaml, with its industry's question sets published."""
    from duilian.platform.app.opening import open_tenant

    tenant_id = asyncio.run(open_tenant(load(), _tenant_file(file), admin_email, admin_password))
    _say(as_json, {"tenant": str(tenant_id)}, f"Tenant {tenant_id} is open.")


@tenant.command("trial")
@click.argument("slug")
@click.option(
    "--invitations", type=click.IntRange(0, 1_000_000), help="How many there may be, those before included."
)
@click.option("--days", type=click.IntRange(1, 3650), help="From today on.")
@click.option("--lift", is_flag=True, help="No limits from here on.")
@JSON
def trial(slug: str, invitations: int | None, days: int | None, lift: bool, as_json: bool) -> None:
    """A tenant's trial: shown, changed, or lifted."""
    from duilian.platform.app.trial import change_trial

    facts = asyncio.run(change_trial(load(), slug, invitations, days, lift=lift))
    words = (
        "{used} of {invitations} invitations used, until {ends_at}".format(**facts) if facts else "no limits"
    )
    _say(as_json, {"trial": facts}, f"{slug}: {words}.")


def _tenant_file(file: Path) -> Any:
    from duilian.infra.errors import Unprocessable
    from duilian.tenants.service import TenantFile

    try:
        return msgspec.convert(yaml.safe_load(file.read_text("utf-8")), TenantFile)
    except (msgspec.ValidationError, yaml.YAMLError) as error:
        raise Unprocessable(reason=f"{file}: {error}") from error


@cli.command()
@click.option("--secrets", is_flag=True, help="Show secret values too.")
@JSON
def env(secrets: bool, as_json: bool) -> None:
    """The settings in force and where each came from."""
    loaded = load_with_sources()
    rows = [
        {
            "name": PREFIX + name.upper(),
            "value": _shown(name, getattr(loaded.settings, name), secrets),
            "source": loaded.sources[name],
        }
        for name in Settings.__struct_fields__
    ]
    _say(as_json, rows, "\n".join(f"{r['name']}={r['value']}  # {r['source']}" for r in rows))


def _shown(name: str, value: object, secrets: bool) -> str:
    return "••••" if is_secret(name) and value and not secrets else str(value)


def _say(as_json: bool, facts: object, words: str) -> None:
    click.echo(json.dumps(facts, ensure_ascii=False, indent=2) if as_json else words)


def main() -> None:
    """Entry point: a problem is one line on stderr and exit code 1."""
    try:
        cli(standalone_mode=False)
    except Problem as problem:
        click.echo(f"duilian: {problem.sentence('en')}", err=True)
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
