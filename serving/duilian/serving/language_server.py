"""A language model on this machine: llama.cpp behind the same OpenAI-compatible protocol as a vLLM cluster."""

from __future__ import annotations

import importlib
import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import click

from duilian.infra.errors import Problem
from duilian.infra.settings import load
from duilian.serving.cli import one_line
from duilian.serving.manifest import find
from duilian.serving.models import locate

HOST, PORT = "127.0.0.1", 8790  # `duilian up` takes 8700 to 8719
CONTEXT = 8192  # tokens of prompt and answer together


class NoLlama(Problem):
    status = 500
    code = "no-llama"
    zh = "本机未安装 llama.cpp（xllamacpp）。请安装 duilian[local]。"
    en = "llama.cpp (xllamacpp) is not installed on this machine. Install duilian[local]."


class LlamaNotStarted(Problem):
    status = 500
    code = "llama-not-started"
    zh = "llama.cpp 没有启动：端口 {port} 可能已被占用，或模型文件 {file} 无法使用。请用 --port 换一个端口，或检查文件。"
    en = "llama.cpp did not start: port {port} may be taken, or the model file {file} may be unusable. Choose another --port, or check the file."


@click.group("language")
def language_command() -> None:
    """A language model on this machine (大语言模型)."""


@language_command.command("serve")
@click.option("--port", type=click.IntRange(1, 65_535), default=PORT, show_default=True)
@click.option("--model", help="Row of the manifest (default: the setting language_model).")
@click.option("--file", type=click.Path(dir_okay=False, path_type=Path), help="A GGUF file instead of a row.")
@click.option("--threads", type=click.IntRange(0, 256), help="Default: the setting cpu_threads.")
@one_line
def serve_command(port: int, model: str | None, file: Path | None, threads: int | None) -> None:
    """Serve a GGUF model with JSON schemas on 127.0.0.1 until Ctrl-C; warmed up before it is ready."""
    settings = load()
    name = model or settings.language_model
    path, version = (file, "") if file else _file_of(settings.models_dir, name)
    server = start(
        path,
        port,
        name=f"{name}@{version}" if version else name,
        threads=settings.cpu_threads if threads is None else threads,
    )
    click.echo(f"DUILIAN_LANGUAGE_URL={server.listening_address}")
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    stopped.wait()


def start(file: Path, port: int, *, name: str, threads: int) -> Any:  # Any: the library ships no types
    """The running server. threads: 0 means all cores. Raises NoLlama, LlamaNotStarted."""
    try:
        library: Any = importlib.import_module("xllamacpp")
    except ImportError as error:
        raise NoLlama from error
    parameters: Any = library.CommonParams()
    parameters.model.path = str(file)
    parameters.model_alias = {name}
    parameters.hostnames, parameters.port = [HOST], port
    parameters.n_ctx, parameters.n_parallel = CONTEXT, 1
    parameters.warmup, parameters.ui = True, False
    parameters.cache_prompt = False  # an answer must not depend on what was asked before
    if threads:
        parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = threads
    try:
        return library.Server(parameters)
    except RuntimeError as error:
        raise LlamaNotStarted(port=port, file=file.name) from error


def _file_of(models_dir: Path, name: str) -> tuple[Path, str]:
    """The file and its version. Raises UnknownModel, ModelMissing, ModelBroken."""
    folder, version = locate(models_dir, name)
    return folder / find(name).main, version
