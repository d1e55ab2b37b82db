"""How a file's columns and marks are to be read: guessed when it is uploaded, corrected by a person, kept with the import."""

from __future__ import annotations

from typing import Literal

import msgspec

from duilian.customization.labels import headers, scales
from duilian.customization.labels.errors import BadMapping
from duilian.customization.labels.reading import Table
from duilian.customization.labels.scales import Scale

KINDS = ("answers", "outcomes")
Kind = Literal["answers", "outcomes"]


class Mapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """columns: field → column. scale: of the marks. set_key, competency, language: what holds for rows that do not say
    so themselves; "" is left to the row's question and words.
    """

    columns: dict[str, str] = {}
    scale: Scale = msgspec.field(default_factory=lambda: scales.linear(1, 5))
    set_key: str = ""
    competency: str = ""
    language: Literal["", "zh", "en"] = ""

    def check(self, table: Table, kind: str, *, audio: bool) -> None:
        """Raises BadMapping naming the field."""
        for field, column in self.columns.items():
            if field not in headers.FIELDS[kind] or column not in table.columns:
                raise BadMapping(field=field)
        if len(set(self.columns.values())) < len(self.columns):
            raise BadMapping(field=_taken_twice(self.columns))
        for field in needed(kind, audio=audio):
            if field not in self.columns:
                raise BadMapping(field=field)
        if kind == "outcomes" and not set(self.columns) & {
            "probation_performance",
            "retained_days",
            "left_on",
        }:
            raise BadMapping(field="probation_performance")
        if "score" in self.columns and not self.scale.is_sound():
            raise BadMapping(field="scale")


def needed(kind: str, *, audio: bool) -> tuple[str, ...]:
    """Fields without which no row can be read."""
    if kind == "outcomes":
        return ("person",)
    return ("question", "audio") if audio else ("question", "answer")


def guess(table: Table, kind: str, *, audio: bool) -> Mapping:
    """From names of columns; the scale is guessed from the marks (`imports.guessed_scale`)."""
    columns = headers.guess(table.columns, kind)
    if not audio:
        columns.pop("audio", None)
    return Mapping(columns=columns)


def _taken_twice(columns: dict[str, str]) -> str:
    seen: set[str] = set()
    for field, column in columns.items():
        if column in seen:
            return field
        seen.add(column)
    return ""
