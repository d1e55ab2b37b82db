"""A PostgreSQL cluster on disk: made once, checked at each start, tidied after a crash."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from duilian.infra.local.accounts import Account
from duilian.infra.local.errors import ClusterUnusable, StartFailed
from duilian.infra.local.files import open_log, tail, write_private

SOCKET_LIMIT = 107  # bytes of sun_path, the terminating zero not counted
INITDB = [
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--auth=scram-sha-256",
    "--no-instructions",
]


@dataclass(frozen=True, slots=True)
class Cluster:
    """home: the folder that holds it. programs: PostgreSQL's `bin`. account: whom the server runs as."""

    home: Path
    programs: Path
    account: Account | None
    log_file: Path

    @property
    def path(self) -> Path:
        return self.home / "cluster"

    @property
    def exists(self) -> bool:
        return (self.path / "PG_VERSION").exists()

    def check_version(self) -> None:
        """Raises ClusterUnusable when another major version made it."""
        found = (self.path / "PG_VERSION").read_text("ascii").strip()
        told = subprocess.run(
            [self.programs / "postgres", "--version"], capture_output=True, text=True, check=True
        )
        ours = told.stdout.split()[-1].split(".")[0]
        if found != ours:
            reason = f"PostgreSQL {found} made it and this is {ours}; export it with the old one, or use --data-dir"
            raise ClusterUnusable(path=self.path, reason=reason)

    def initialise(self, administrator: str, password: str, *, durable: bool) -> None:
        """initdb into a folder beside, renamed when whole, so that an interrupted one is done again."""
        partial = self.home / "cluster.partial"
        if partial.exists():
            shutil.rmtree(partial)
        partial.mkdir(mode=0o700)
        password_file = self.home / "initial-password"
        write_private(password_file, password)
        if self.account:
            self.account.owns(partial)
            self.account.owns(password_file)
        options = [
            f"--username={administrator}",
            f"--pwfile={password_file}",
            *([] if durable else ["--no-sync"]),
        ]
        try:
            self._run_initdb(partial, options)
        finally:
            password_file.unlink()
        partial.rename(self.path)

    def socket_settings(self, port: int) -> dict[str, str]:
        """A socket in the cluster's own folder; none where the path is too long for one."""
        folder = self.home / "run"
        if len(os.fsencode(folder / f".s.PGSQL.{port}.lock")) > SOCKET_LIMIT:
            return {"unix_socket_directories": ""}
        folder.mkdir(exist_ok=True, mode=0o711)
        if self.account:
            self.account.owns(folder)
        return {"unix_socket_directories": str(folder), "unix_socket_permissions": "0700"}

    def clear_stale(self) -> None:
        """After a crash: ends a server left behind, or drops a lock whose number another process has now.

        A lock of a dead process stays: the server itself checks it against backends that still hang on.
        """
        lock = self.path / "postmaster.pid"
        if not lock.exists():
            return
        pid = int(lock.read_text("ascii").splitlines()[0])
        if self._serves(pid):
            _end(pid)
        elif psutil.pid_exists(pid):
            lock.unlink()

    def _serves(self, pid: int) -> bool:
        """Whether process `pid` is a server of this cluster."""
        try:
            return str(self.path) in psutil.Process(pid).cmdline()
        except psutil.NoSuchProcess:
            return False

    def _run_initdb(self, target: Path, options: list[str]) -> None:
        log = open_log(self.log_file)
        try:
            done = subprocess.run(
                [self.programs / "initdb", "-D", target, *INITDB, *options],
                env=server_environment(),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                user=self.account.uid if self.account else None,
                group=self.account.gid if self.account else None,
                extra_groups=[] if self.account else None,
                check=False,
            )
        finally:
            os.close(log)
        if done.returncode:
            reason = f"exit code {done.returncode}"
            raise StartFailed(name="initdb", reason=reason, log_file=self.log_file, tail=tail(self.log_file))


def _end(pid: int) -> None:
    """Fast shutdown of a server that outlived its supervisor; killed when it takes over 15 s."""
    process = psutil.Process(pid)
    process.send_signal(signal.SIGINT)
    deadline = time.monotonic() + 15
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > deadline:
            process.kill()
        time.sleep(0.05)


def server_environment() -> dict[str, str]:
    """Nothing of ours goes into the server: no PG* variables, no locale."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
