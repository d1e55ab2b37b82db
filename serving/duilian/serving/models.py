"""The model pack on disk: pull what is missing, verify what is there.

Files are written beside their place and renamed when their sha256 is right, so a model is whole or absent and a
pull that was cut off goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from duilian.serving.disk import sha256_of
from duilian.serving.errors import ModelBroken, ModelMissing
from duilian.serving.manifest import Model, ModelFile, find, selected
from duilian.serving.sources import Places, Progress, fetch, silent

DEFAULT_DIR = Path("~/.cache/duilian/models")


class Finding(msgspec.Struct, frozen=True):
    """What verification found of one model. problem: None where every byte is as pinned."""

    model: str
    version: str
    bytes: int
    problem: str | None


def pull(
    models_dir: Path,
    names: Sequence[str] = (),
    progress: Progress = silent,
    *,
    folder: Path | None = None,
    mirror: str | None = None,
) -> list[Finding]:
    """Fetch the named models (default: those the manifest marks) and verify them.

    folder: a local copy of a models folder; mirror: the address of a bucket with the same layout.
    Raises UnknownModel, BrokenDownload, NoSource, DiskFull.
    """
    places = Places(models_dir.expanduser(), folder, mirror)
    wanted = selected(list(names))
    for model in wanted:
        fetch(model, places, progress)
    return [inspect(model, places.models_dir) for model in wanted]


def verify(models_dir: Path, names: Sequence[str] = ()) -> list[Finding]:
    """Hash every file of the named models (default: those the manifest marks)."""
    return [inspect(model, models_dir.expanduser()) for model in selected(list(names))]


def locate(models_dir: Path, name: str) -> tuple[Path, str]:
    """The folder of a model whose bytes are right, and its version (12 digits of the main file's sha256).

    Raises UnknownModel, ModelMissing, ModelBroken.
    """
    model = find(name)
    folder = _installed_folder(model, models_dir.expanduser())
    for file in model.file:
        check_file(model, file, folder)
    main = folder / model.main
    if not main.is_file():
        raise ModelMissing(name=name, folder=folder, file=model.main)
    return folder, _version(model, main)


def inspect(model: Model, models_dir: Path) -> Finding:
    """One model's state, as a value."""
    try:
        folder, version = locate(models_dir, model.name)
    except (ModelMissing, ModelBroken) as problem:
        return Finding(model.name, "", 0, problem.sentence("en"))
    return Finding(model.name, version, sum(p.stat().st_size for p in _files(model, folder)), None)


def check_file(model: Model, file: ModelFile, folder: Path) -> None:
    """Raises ModelMissing or ModelBroken."""
    path = folder / file.path
    if not path.is_file():
        raise ModelMissing(name=model.name, folder=folder, file=file.path)
    got = sha256_of(path)
    if got != file.sha256:
        raise ModelBroken(name=model.name, file=path, expected=file.sha256, got=got)


def _installed_folder(model: Model, models_dir: Path) -> Path:
    try:
        return model.folder(models_dir)
    except ModuleNotFoundError as error:
        raise ModelMissing(name=model.name, folder=model.package, file=model.main) from error


def _version(model: Model, main: Path) -> str:
    pins = {file.path: file.sha256 for file in model.file}
    return (pins.get(model.main) or sha256_of(main))[:12]


def _files(model: Model, folder: Path) -> list[Path]:
    return [folder / f.path for f in model.file] or [p for p in folder.iterdir() if p.is_file()]
