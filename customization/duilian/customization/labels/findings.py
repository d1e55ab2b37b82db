"""What is wrong with a row, or what becomes of it: a code with its words in both languages (`words/labels.*.yaml`)."""

from __future__ import annotations

from typing import Literal

import msgspec

from duilian.platform.web.words import t

Weight = Literal["error", "duplicate"]
MOST_KEPT = 2000  # findings kept with an import; the counts tell of all
LONGEST_VALUE = 60  # characters of a cell that a finding quotes


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """row: as a spreadsheet shows it. field: of the mapping, "" for the row as a whole. Errors and duplicates are not
    imported."""

    row: int
    field: str = ""
    code: str
    weight: Weight = "error"
    params: dict[str, str] = {}

    def sentence(self, locale: str) -> str:
        """What is wrong and what to do."""
        return t(locale, f"labels.finding.{self.code}", **self.params)


def quoted(value: str) -> str:
    return value if len(value) <= LONGEST_VALUE else value[: LONGEST_VALUE - 1] + "…"
