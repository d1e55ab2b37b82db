"""Whom the services run as. PostgreSQL refuses root, so root lends it an account without rights."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

# Present on every Linux and macOS, owns nothing, and needs no change to the machine (initdb wants an account
# with a name, so a bare number will not do).
UNPRIVILEGED = "nobody"


@dataclass(frozen=True, slots=True)
class Account:
    name: str
    uid: int
    gid: int

    def owns(self, path: Path) -> None:
        """Gives `path` to the account."""
        os.chown(path, self.uid, self.gid)


def service_account() -> Account | None:
    """The account services run as: None (ourselves) unless we are root."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam(UNPRIVILEGED)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def reachable(directory: Path, account: Account | None) -> bool:
    """Whether the account may enter `directory` (asked of the kernel, which knows access lists and mounts)."""
    if account is None:
        return os.access(directory, os.X_OK)
    asked = subprocess.run(
        ["/bin/sh", "-c", 'test -x "$1"', "sh", str(directory.absolute())],
        user=account.uid,
        group=account.gid,
        extra_groups=[],
        cwd="/",
        check=False,
    )
    return asked.returncode == 0
