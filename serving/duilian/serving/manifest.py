"""The model manifest (模型清单): which files make a model, their pins, and where they may come from."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import msgspec

from duilian.serving.errors import UnknownModel

Source = Literal["folder", "mirror", "packages", "hub", "installed"]


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the manifest's tables: a misspelt key stops the load."""


class Part(Row, frozen=True):
    """A member of a pinned package's wheel. package: "name==version"."""

    package: str
    member: str


class ModelFile(Row, frozen=True):
    """path: below the model's folder; the parts, in order, make the file."""

    path: str
    bytes: int
    sha256: str
    part: list[Part] = []


class OnTriton(Row, frozen=True):
    """How a Triton server runs the model (triton/configuration.py).

    script: of triton/scripts. version: of the repository; raise it with new files. delay_us: how long a call may wait
    for others to be batched with; timeout_us, queue: how long and how many may wait at all.
    """

    script: Literal["embedding", "tflite"]
    version: int = 1
    max_batch: int = 16
    delay_us: int = 500
    timeout_us: int = 30_000_000
    queue: int = 256
    instances: int = 1
    kind: Literal["KIND_CPU", "KIND_GPU"] = "KIND_CPU"


class Model(Row, frozen=True):
    """main: the file whose sha256 names the version. package: where an `installed` model lies.

    languages: that it reads; empty means Chinese and English.
    runtime: the adapter of a recogniser (loading.decoder_of). hub_files: what is taken of a hub's repository; empty
    where faster-whisper's own loader knows.
    """

    name: str
    task: Literal["speech", "face", "embedding", "voice", "language"]
    about: str
    licence: str
    main: str
    sources: list[Source]
    default: bool = False
    languages: list[Literal["zh", "en"]] = []
    file: list[ModelFile] = []
    package: str | None = None
    hub: str | None = None
    hub_files: list[str] = []
    runtime: Literal["whisper", "sense-voice"] = "whisper"
    triton: OnTriton | None = None

    @property
    def pinned(self) -> bool:
        """Whether every byte is known beforehand (models of the hub are not)."""
        return bool(self.file)

    @property
    def sha256(self) -> str:
        """Of the main file, as pinned; "" where it is not."""
        return next((file.sha256 for file in self.file if file.path == self.main), "")

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.file)

    def folder(self, models_dir: Path) -> Path:
        """Where the model's files lie. Raises ModuleNotFoundError if its package is not installed."""
        if self.package is None:
            return models_dir / self.name
        spec = find_spec(self.package)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(f"{self.package} is not installed; install duilian[serving]")
        return Path(spec.origin).parent


class Manifest(Row, frozen=True):
    model: list[Model]


@cache
def models() -> dict[str, Model]:
    """Every model of the manifest by name, in its order."""
    text = (files("duilian.serving") / "models.toml").read_bytes()
    return {model.name: model for model in msgspec.toml.decode(text, type=Manifest).model}


def find(name: str) -> Model:
    """Raises UnknownModel."""
    if name not in models():
        raise UnknownModel(name=name, known=", ".join(models()))
    return models()[name]


def selected(names: list[str]) -> list[Model]:
    """The models named, or the default ones. Raises UnknownModel."""
    return [find(name) for name in names] or [model for model in models().values() if model.default]
