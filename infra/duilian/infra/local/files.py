"""Files of the data directory that only their owner may read, and logs that do not grow for ever."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

LOG_LIMIT = 10 * 1024 * 1024  # bytes
TAIL_LINES = 15


def write_private(path: Path, text: str) -> None:
    """Writes `path` in one step with mode 0600: a reader sees the old text or the new, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    new.replace(path)


def kept_secrets(path: Path, names: tuple[str, ...]) -> dict[str, str]:
    """Random secrets by name, made on first use and kept in `path` (JSON, 0600)."""
    known: dict[str, str] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    missing = {name: secrets.token_hex(24) for name in names if name not in known}
    if missing:
        known = known | missing
        write_private(path, json.dumps(known, indent=1))
    return known


def open_log(path: Path) -> int:
    """A descriptor to append to `path`; a log over 10 MiB is moved aside first. The caller closes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > LOG_LIMIT:
        path.replace(path.with_suffix(".old.log"))
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def tail(path: Path, lines: int = TAIL_LINES) -> str:
    """The last lines of a log, indented; empty when there is none."""
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 16_384))
        text = file.read().decode("utf-8", "replace")
    return "\n".join(f"  {line}" for line in text.splitlines()[-lines:])
