"""Labelled answers as data folks exchange them: JSON Lines, one answer to one item a line."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from typing import Any

import msgspec

from duilian.infra.errors import Unprocessable

LONGEST = 20_000  # characters of one text


class LineBroken(Unprocessable):
    """number: of the line, from 1."""

    code = "line-broken"
    zh = "{file} 第 {number} 行无法读取：{reason}。"
    en = "Line {number} of {file} cannot be read: {reason}."


class NoLines(Unprocessable):
    code = "no-lines"
    zh = "{file} 里没有数据行。每行应是一个 JSON 对象，至少含 item 与 answer。"
    en = "{file} holds no lines. Each should be a JSON object with at least item and answer."


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """item: what was asked and of what it is judged. score, second_score: two readers' marks on the item's own scale.

    reference: answers that deserve full marks. person: who answered; the same person never stands on both sides of an
    evaluation. group: self-declared, read only when groups are compared, never by a scorer.
    """

    item: str
    question: str = ""
    reference: list[str] = []
    answer: str
    score: float | None = None
    second_score: float | None = None
    person: str | None = None
    group: str | None = None


def read_lines(path: Path) -> list[Line]:
    """Blank lines are passed over. Raises LineBroken with the first bad line, NoLines."""
    with path.open("rb") as file:
        lines = list(_lines(path.name, file))
    if not lines:
        raise NoLines(file=path.name)
    return lines


def _lines(name: str, rows: Iterator[bytes]) -> Iterator[Line]:
    for number, row in enumerate(rows, 1):
        if row.strip():
            yield _line(name, number, row)


def _line(name: str, number: int, row: bytes) -> Line:
    try:
        line = msgspec.convert(_named(msgspec.json.decode(row)), Line, strict=False)
    except msgspec.MsgspecError as error:
        raise LineBroken(file=name, number=number, reason=str(error)) from error
    if any(mark is not None and not isfinite(mark) for mark in (line.score, line.second_score)):
        raise LineBroken(file=name, number=number, reason="a score is no finite number")
    if max(map(len, [line.answer, line.question, *line.reference]), default=0) > LONGEST:
        raise LineBroken(file=name, number=number, reason=f"a text is longer than {LONGEST} characters")
    return line


def _named(value: Any) -> Any:  # Any: what JSON holds
    """Names may be numbers: 7 and "7" are the same item."""
    if not isinstance(value, dict):
        return value
    names = {
        key: str(value[key]) for key in ("item", "person", "group") if isinstance(value.get(key), int | float)
    }
    return value | names
