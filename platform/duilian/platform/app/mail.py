"""`duilian mail`: reading what was mailed, where `duilian up` keeps it on this machine."""

from __future__ import annotations

import json

import click

from duilian.infra.local import mailbox
from duilian.infra.local.mailbox import Kept
from duilian.infra.settings import load

LATEST = "latest"


@click.group()
def mail() -> None:
    """What was mailed on this machine."""


@mail.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_mail(as_json: bool) -> None:
    """Newest first."""
    kept = mailbox.kept(mailbox.folder_of(load().data_dir))[::-1]
    if as_json:
        click.echo(json.dumps([_facts(one) for one in kept], ensure_ascii=False, indent=2))
        return
    for one in kept:
        click.echo(f"{one.name}  {one.at:%Y-%m-%d %H:%M:%S}  {one.to}  {one.message['Subject']}")
    if not kept:
        click.echo("No mail yet.")


@mail.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(name: str, as_json: bool) -> None:
    """The words of one message; NAME as `duilian mail list` prints it, or “latest”."""
    folder = mailbox.folder_of(load().data_dir)
    kept = mailbox.kept(folder)
    one = kept[-1] if kept and name == LATEST else mailbox.find(folder, name)
    if as_json:
        click.echo(json.dumps(_facts(one) | {"text": one.part("plain")}, ensure_ascii=False, indent=2))
        return
    for header in ("From", "To", "Subject", "Date"):
        click.echo(f"{header}: {one.message[header]}")
    click.echo(f"File: {one.path}\n\n{one.part('plain')}")


def _facts(one: Kept) -> dict[str, str]:
    return {"name": one.name, "at": one.at.isoformat(), "to": one.to, "subject": str(one.message["Subject"])}
