"""`duilian audit`: verifying an exported audit log where nothing of the platform is at hand."""

from __future__ import annotations

import json
from pathlib import Path

import click

from duilian.infra.audit_verification import verify


@click.group()
def audit() -> None:
    """The audit log."""


@audit.command("verify")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--key", "keys", multiple=True, help="A public key (hex) that may have sealed; others are refused."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify_file(file: Path, keys: tuple[str, ...], as_json: bool) -> None:
    """Check an export offline: every entry, their chain, the daily seals. Exits 1 at the first that does not fit."""
    with file.open(encoding="utf-8", newline="\n") as lines:
        verdict = verify(lines, set(keys) or None)
    facts = {
        "tenant": str(verdict.tenant),
        "entries": verdict.entries,
        "sealed_days": verdict.sealed_days,
        "sealed_up_to": verdict.sealed_up_to,
        "keys": sorted(verdict.keys),
    }
    if as_json:
        click.echo(json.dumps(facts, indent=2))
    else:
        click.echo(
            f"{verdict.entries} entries hold together; {verdict.sealed_days} days are sealed, up to entry"
            f" {verdict.sealed_up_to}, by {', '.join(sorted(verdict.keys)) or 'nobody yet'}."
        )
