"""Reading files of history: Excel, CSV, JSON Lines → a table of text. Values only: formulas and macros never run."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from typing import Any

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from duilian.customization.labels import errors, headers

MOST_ROWS = 20_000
MOST_COLUMNS = 100
LARGEST_TABLE = 20 * 1024 * 1024  # bytes of a table as uploaded
LARGEST_UNPACKED = 300 * 1024 * 1024  # bytes of a workbook once unpacked
MOST_EMPTY = 500  # empty rows in a row after which a sheet is taken to end
HEADER_WITHIN = 10  # rows among which the one that names the columns is looked for
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # of .xls, and of workbooks with a password


@dataclass(frozen=True)
class Row:
    """number: as a spreadsheet shows it. cells: by column; missing ones are empty."""

    number: int
    cells: dict[str, str]


@dataclass(frozen=True)
class Table:
    """columns: names in order, made distinct. broken: rows that could not be read, number → reason."""

    columns: list[str]
    rows: list[Row]
    broken: dict[int, str] = field(default_factory=dict[int, str])

    def column(self, name: str) -> list[str]:
        return [row.cells.get(name, "") for row in self.rows]


def ending(name: str) -> str:
    return name.lower().rpartition(".")[2]


def read_table(name: str, data: bytes) -> Table:
    """Raises OldExcel, UnknownFormat, FileUnreadable, FileTooLarge, TooManyRows, EmptyFile."""
    if len(data) > LARGEST_TABLE:
        raise errors.FileTooLarge(limit=f"{LARGEST_TABLE // 2**20} MiB")
    if data.startswith(OLE):
        raise errors.OldExcel
    kind = ending(name)
    if kind in ("xlsx", "xlsm"):
        table = _workbook(data)
    elif kind in ("csv", "tsv", "txt"):
        table = _separated(_decoded(data))
    elif kind in ("jsonl", "ndjson"):
        table = _json_lines(_decoded(data))
    elif kind == "xls":
        raise errors.OldExcel
    else:
        raise errors.UnknownFormat(name=name[-60:])
    if not table.rows and not table.broken:
        raise errors.EmptyFile
    if len(table.rows) > MOST_ROWS:
        raise errors.TooManyRows(most=MOST_ROWS)
    return table


def _decoded(data: bytes) -> str:
    """UTF-8, UTF-16 with its mark, or GB 18030, which holds GBK and GB 2312."""
    for start, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(start):
            return _as(data, encoding)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _as(data, "gb18030")


def _as(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise errors.FileUnreadable(reason=f"{encoding}, byte {error.start}") from error


def _workbook(data: bytes) -> Table:
    """The first sheet that holds something."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > LARGEST_UNPACKED:
                raise errors.FileTooLarge(limit=f"{LARGEST_UNPACKED // 2**20} MiB")
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, SyntaxError) as error:
        raise errors.FileUnreadable(reason=type(error).__name__) from error
    try:
        for sheet in book.worksheets:
            sheet.reset_dimensions()  # what a file says of its size is often wrong
            if rows := list(
                islice(_filled(sheet.iter_rows(values_only=True)), MOST_ROWS + HEADER_WITHIN + 1)
            ):
                return _table(rows)
    except (KeyError, ValueError, SyntaxError) as error:
        raise errors.FileUnreadable(reason=type(error).__name__) from error
    finally:
        book.close()
    raise errors.EmptyFile


def _filled(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[int, list[str]]]:
    """Rows that hold something, with their numbers. Any: whatever a cell holds."""
    empty = 0
    for number, values in enumerate(rows, 1):
        cells = [_said(value) for value in values[:MOST_COLUMNS]]
        empty = 0 if any(cells) else empty + 1
        if empty > MOST_EMPTY:
            return
        if not empty:
            yield number, cells


def _said(value: Any) -> str:
    """A cell as text: 85.0 is 85, a date is ISO 8601."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if not (value.hour or value.minute) else value.isoformat(" ")[:19]
    return value.isoformat() if isinstance(value, date) else str(value)


def _separated(source: str) -> Table:
    first = source.partition("\n")[0]
    delimiter = max((",", "\t", ";"), key=first.count)
    try:
        reader = csv.reader(io.StringIO(source, newline=""), delimiter=delimiter)
        rows = [
            (number, cells[:MOST_COLUMNS])
            for number, cells in enumerate(reader, 1)
            if any(map(str.strip, cells))
        ]
    except csv.Error as error:
        raise errors.FileUnreadable(reason=str(error)) from error
    if not rows:
        raise errors.EmptyFile
    return _table(rows)


def _table(rows: list[tuple[int, list[str]]]) -> Table:
    """The row that names most columns is the header; titles above it are passed over."""
    scores = [headers.recognised(cells) for _, cells in rows[:HEADER_WITHIN]]
    place = scores.index(max(scores)) if max(scores) > 1 else 0
    columns = _distinct(rows[place][1])
    return Table(
        columns, [Row(number, dict(zip(columns, cells, strict=False))) for number, cells in rows[place + 1 :]]
    )


def _distinct(cells: list[str]) -> list[str]:
    """Names of columns: unnamed ones by their place, repeated ones numbered."""
    found: list[str] = []
    for place, cell in enumerate(cells, 1):
        name = " ".join(cell.split())[:80] or f"#{place}"
        while name in found:
            name = f"{name} ({place})"
        found.append(name)
    return found


def _json_lines(source: str) -> Table:
    rows: list[Row] = []
    broken: dict[int, str] = {}
    columns: dict[str, None] = {}
    for number, line in enumerate(source.splitlines(), 1):
        if line.strip():
            try:
                found = json.loads(line)
            except ValueError as error:
                broken[number] = str(error)
                continue
            if not isinstance(found, dict):
                broken[number] = "no object"
                continue
            cells = {str(key)[:80] or "#": _plain(value) for key, value in list(found.items())[:MOST_COLUMNS]}
            columns |= dict.fromkeys(cells)
            rows.append(Row(number, cells))
    return Table(list(columns), rows, broken)


def _plain(value: Any) -> str:  # Any: what JSON can say
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return _said(value)
