"""One Triton server on this machine, from the environment that `make` prepares (.venv-triton).

The wheel of nvidia-pytriton holds a whole server; it is started directly. Its Python backend wants the stub of its
own Python beside it, the Python library on the loader's path, and that environment's Python first on PATH.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from duilian.serving.errors import NoTritonEnvironment

SITE = Path("lib/python3.11/site-packages/pytriton/tritonserver")
HOST = "127.0.0.1"


def command(environment: Path, repository: Path, port: int, models: list[str]) -> list[str]:
    """port: gRPC; HTTP and metrics are the two behind it. Raises NoTritonEnvironment."""
    site = environment.absolute() / SITE
    if not (site / "bin" / "tritonserver").is_file():
        raise NoTritonEnvironment(folder=environment)
    return [
        str(site / "bin" / "tritonserver"),
        f"--model-repository={repository}",
        f"--backend-directory={_backends(site, repository.parent / 'backends')}",
        "--model-control-mode=explicit",
        *(f"--load-model={name}" for name in models),
        "--exit-on-error=false",
        f"--grpc-address={HOST}",
        f"--grpc-port={port}",
        f"--http-address={HOST}",
        f"--http-port={port + 1}",
        f"--metrics-address={HOST}",
        f"--metrics-port={port + 2}",
        "--backend-config=python,shm-default-byte-size=4194304",
    ]


def variables(environment: Path) -> dict[str, str]:
    """What the server's process needs around it."""
    python = environment.absolute() / "bin" / "python"
    asked = [str(python), "-c", "import sysconfig; print(sysconfig.get_config_var('LIBDIR'))"]
    libraries = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    path = os.pathsep.join([str(python.parent), os.environ.get("PATH", "")])
    return os.environ | {
        "PATH": path,
        "LD_LIBRARY_PATH": libraries,
        "VIRTUAL_ENV": str(environment.absolute()),
    }


def _backends(site: Path, target: Path) -> Path:
    """The Python backend and the stub of its Python in one folder, as links: both find their libraries from where
    they really lie, and files of the installed environment stay as they are.
    """
    python = target / "python"
    shutil.rmtree(python, ignore_errors=True)
    python.mkdir(parents=True)
    stub = site / "python_backend_stubs" / "3.11" / "triton_python_backend_stub"
    for file in [*(site / "backends" / "python").glob("*.*"), stub]:
        (python / file.name).symlink_to(file)
    return target
