"""A mail server for one machine: takes every message, sends none on, keeps each as a file.

python -m duilian.infra.local.mailbox --port 8703 --folder .duilian/mail
"""

from __future__ import annotations

import email
import os
import socket
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import click

from duilian.infra.errors import NotFound
from duilian.infra.local.process import Command

HOST = "127.0.0.1"
MOST_KEPT = 2000
LARGEST = 10 * 1024 * 1024  # bytes of one message


class NoSuchMail(NotFound):
    code = "no-such-mail"
    zh = "没有编号为 {name} 的邮件。用 duilian mail list 查看全部。"
    en = "There is no message {name}. `duilian mail list` shows all."


@dataclass(frozen=True)
class Kept:
    """A message that was caught. name: counts up with time."""

    name: str
    path: Path
    message: EmailMessage

    @property
    def to(self) -> str:
        return str(self.message["X-Caught-To"])

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(int(self.name.partition("-")[0]) / 1000).astimezone()

    def part(self, subtype: str) -> str:
        """The words as text/{subtype}: "plain" or "html"."""
        body = self.message.get_body((subtype,))
        return str(body.get_content()).replace("\r\n", "\n") if body else ""


def folder_of(data_dir: Path) -> Path:
    return data_dir / "mail"


def kept(folder: Path) -> list[Kept]:
    """Oldest first."""
    return [_read(path) for path in sorted(folder.glob("*.eml"))]


def find(folder: Path, name: str) -> Kept:
    """By the name that `kept` shows. Raises NoSuchMail."""
    path = next((p for p in folder.glob("*.eml") if p.stem == name), None)
    if path is None:
        raise NoSuchMail(name=name)
    return _read(path)


def _read(path: Path) -> Kept:
    message = email.message_from_bytes(path.read_bytes(), policy=default)
    assert isinstance(message, EmailMessage)  # what the default policy makes
    return Kept(path.stem, path, message)


def command(data_dir: Path, port: int) -> Command:
    """The process that `duilian up` keeps running."""
    folder = folder_of(data_dir)
    argv = [sys.executable, "-m", __name__, "--port", str(port), "--folder", str(folder)]
    log = data_dir / "logs" / "mail.log"
    return Command(name="mail", argv=argv, environment=os.environ, log_file=log, ready=lambda: _answers(port))


def _answers(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=1) as connection:
            return connection.recv(3) == b"220"
    except OSError:
        return False


class Catcher:
    """What aiosmtpd calls for each message."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
        self._last = 0

    async def handle_DATA(
        self, _server: object, _session: object, envelope: object
    ) -> str:  # its name for it
        recipients: list[str] = getattr(envelope, "rcpt_tos")  # noqa: B009  # the library ships no types
        content: bytes = getattr(envelope, "original_content")  # noqa: B009
        self._keep(f"X-Caught-To: {', '.join(recipients)}\r\n".encode() + content)
        return "250 kept"

    def _keep(self, content: bytes) -> None:
        self._last = max(self._last + 1, time.time_ns() // 1_000_000)
        new = self._folder / f".{self._last}.new"
        new.touch(mode=0o600)
        new.write_bytes(content)
        new.replace(self._folder / f"{self._last}.eml")
        for old in sorted(self._folder.glob("*.eml"))[:-MOST_KEPT]:
            old.unlink(missing_ok=True)


@click.command()
@click.option("--port", type=int, required=True)
@click.option("--folder", type=click.Path(path_type=Path), required=True)
def main(port: int, folder: Path) -> None:
    """Until it is told to stop."""
    import asyncio

    from aiosmtpd.smtp import SMTP

    async def serve() -> None:
        catcher = Catcher(folder)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: SMTP(catcher, data_size_limit=LARGEST, hostname="duilian.local"),
            HOST,
            port,
        )
        async with server:
            await server.serve_forever()

    asyncio.run(serve())


if __name__ == "__main__":
    main()
