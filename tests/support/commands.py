"""The command line as its users call it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from duilian.platform.app.up import Stack

DUILIAN = Path(sys.executable).with_name("duilian")


def duilian(
    stack: Stack, *arguments: str, words: str | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """words: what is typed."""
    settings = {"DUILIAN_SETTINGS": str(stack.settings.data_dir / "env")}
    return subprocess.run(
        [str(DUILIAN), *arguments],
        env=os.environ | settings | environment,
        input=words,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def refused(result: subprocess.CompletedProcess[str], *words: str) -> None:
    assert result.returncode != 0
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    for word in words:
        assert word in lines[0]
