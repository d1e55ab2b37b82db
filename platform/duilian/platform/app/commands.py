"""Commands that are imported when they are called: serving models needs no database driver, and starts at once."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class Imported(click.Group):
    """imported: name of a command → where it lies, "module:attribute"."""

    def __init__(
        self, *args: Any, imported: Mapping[str, str], **options: Any
    ) -> None:  # Any: as click.Group
        super().__init__(*args, **options)
        self._imported = imported

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self._imported})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        place = self._imported.get(cmd_name)
        if place is None:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = place.partition(":")
        return getattr(import_module(module), attribute)
