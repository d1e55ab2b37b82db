"""A zip of recordings with an index (录音压缩包): the index is a table, one column names the recordings."""

from __future__ import annotations

import io
import zipfile
from functools import cached_property
from pathlib import PurePosixPath

from duilian.customization.labels import errors
from duilian.customization.labels.reading import Table, ending, read_table

LARGEST_ARCHIVE = 100 * 1024 * 1024  # bytes, as uploaded
LARGEST_CONTENT = 300 * 1024 * 1024  # bytes of everything in it
LARGEST_RECORDING = 40 * 1024 * 1024
TABLES = ("xlsx", "csv", "tsv", "jsonl")
SOUNDS = ("wav", "mp3", "m4a", "aac", "ogg", "opus", "webm", "mp4", "flac", "amr", "wma")
_UTF8_NAMES = 0x800  # general purpose bit 11 (APPNOTE.TXT 4.4.4)


class Archive:
    """Raises FileTooLarge, FileUnreadable; `index` raises NoIndex and what `read_table` raises."""

    def __init__(self, data: bytes) -> None:
        if len(data) > LARGEST_ARCHIVE:
            raise errors.FileTooLarge(limit=f"{LARGEST_ARCHIVE // 2**20} MiB")
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except zipfile.BadZipFile as error:
            raise errors.FileUnreadable(reason="zip") from error
        entries = [e for e in self._zip.infolist() if not e.is_dir() and not _hidden(e.filename)]
        if sum(entry.file_size for entry in entries) > LARGEST_CONTENT:
            raise errors.FileTooLarge(limit=f"{LARGEST_CONTENT // 2**20} MiB")
        self._entries = {_named(entry): entry for entry in entries}

    @cached_property
    def index(self) -> tuple[str, Table]:
        """The table nearest to the top of the archive, and its name."""
        tables = sorted((n for n in self._entries if ending(n) in TABLES), key=lambda n: (n.count("/"), n))
        if not tables:
            raise errors.NoIndex
        return tables[0], read_table(tables[0], self._read(tables[0]))

    @cached_property
    def _sounds(self) -> dict[str, str]:
        """What an index may call a recording → its entry: the path, or the name alone where that is unique."""
        paths = [name for name in self._entries if ending(name) in SOUNDS]
        names = [PurePosixPath(path).name.casefold() for path in paths]
        alone = {name: path for name, path in zip(names, paths, strict=True) if names.count(name) == 1}
        stems = [name.rpartition(".")[0] for name in alone]
        bare = {stem: alone[name] for stem, name in zip(stems, alone, strict=True) if stems.count(stem) == 1}
        return bare | alone | {path.casefold(): path for path in paths}

    def has(self, name: str) -> bool:
        return _wanted(name) in self._sounds

    def is_small_enough(self, name: str) -> bool:
        return self._entries[self._sounds[_wanted(name)]].file_size <= LARGEST_RECORDING

    def recording(self, name: str) -> bytes:
        """Raises KeyError where there is none of the name."""
        return self._read(self._sounds[_wanted(name)])

    def _read(self, path: str) -> bytes:
        try:
            return self._zip.read(self._entries[path])
        except (
            zipfile.BadZipFile,
            NotImplementedError,
            RuntimeError,
        ) as error:  # damaged, or with a password
            raise errors.FileUnreadable(reason=path[-60:]) from error


def _wanted(name: str) -> str:
    return name.strip().replace("\\", "/").removeprefix("./").casefold()


def _named(entry: zipfile.ZipInfo) -> str:
    """Windows in Chinese writes names in GBK without saying so; the library reads them as code page 437."""
    name = entry.filename.replace("\\", "/")
    if not entry.flag_bits & _UTF8_NAMES:
        try:
            return name.encode("cp437").decode("gb18030")
        except UnicodeError:
            return name
    return name


def _hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in name.split("/"))
