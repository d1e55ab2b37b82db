"""Scales (评分量表): marks as the file has them → levels 1–5, by a table that is shown before anything is imported.

Numbers are cut at four points; the cuts proposed are those of the product's own linear map (level = 1 + 4 · share of
the scale, rounded), and whoever imports may move them. Words and letters are mapped one by one.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec

from duilian.customization.labels.cleaning import number_of

LEVELS = (1, 2, 3, 4, 5)
# Upper ends of scales people use, the smallest that holds every mark is taken.
ENDS = (5.0, 10.0, 20.0, 50.0, 100.0, 120.0, 150.0)
MOST_WORDS = 12
_LETTERS = {"a+": 5, "a": 5, "a-": 5, "b+": 4, "b": 4, "b-": 4, "c+": 3, "c": 3, "c-": 3, "d+": 2, "d": 2, "d-": 2,
            "e": 1, "f": 1}  # fmt: skip
_WORDS = {
    "优秀": 5, "优": 5, "卓越": 5, "杰出": 5, "良好": 4, "良": 4, "较好": 4, "中等": 3, "中": 3, "一般": 3, "合格": 3,
    "及格": 2, "较差": 2, "待改进": 2, "不及格": 1, "不合格": 1, "差": 1, "很差": 1,
    "excellent": 5, "outstanding": 5, "very good": 5, "good": 4, "above average": 4, "average": 3, "fair": 3,
    "satisfactory": 3, "acceptable": 3, "below average": 2, "weak": 2, "needs improvement": 2, "poor": 1,
    "unsatisfactory": 1, "very poor": 1,
    "强烈推荐": 5, "推荐": 4, "待定": 3, "不推荐": 2, "强烈不推荐": 1,
}  # fmt: skip


class Scale(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """kind "numbers": low, high and the four cuts between them (a mark at a cut belongs to the level above);
    kind "words": mark, in lower case, → level."""

    kind: Literal["numbers", "words"] = "numbers"
    low: float = 1.0
    high: float = 5.0
    cuts: Annotated[list[float], msgspec.Meta(max_length=4)] = []
    words: dict[str, int] = {}

    def level(self, mark: str) -> int | None:
        """None where the mark does not lie on the scale."""
        if self.kind == "words":
            return self.words.get(_folded(mark))
        number = number_of(mark)
        if number is None or not self.low <= number <= self.high:
            return None
        return 1 + sum(number >= cut for cut in self.cuts)

    def is_sound(self) -> bool:
        if self.kind == "words":
            return bool(self.words) and set(self.words.values()) <= set(LEVELS)
        rising = all(a < b for a, b in zip([self.low, *self.cuts], [*self.cuts, self.high], strict=True))
        return len(self.cuts) == 4 and rising


def linear(low: float, high: float) -> Scale:
    """Cuts where level = 1 + 4 · (mark − low) / (high − low), rounded, goes up by one."""
    step = (high - low) / 4
    return Scale(
        kind="numbers", low=low, high=high, cuts=[round(low + step * (k + 0.5), 4) for k in range(4)]
    )


def guess(marks: Iterable[str], kind: str = "") -> Scale:
    """From the marks of the file; where `kind` does not say, numbers unless most are words."""
    found = [mark for mark in marks if mark.strip()]
    numbers = [n for n in map(number_of, found) if n is not None]
    if kind == "numbers" or (not kind and len(numbers) * 2 >= len(found)):
        return _of_numbers(numbers)
    common = Counter(map(_folded, found)).most_common(MOST_WORDS)
    return Scale(kind="words", words={mark: _known(mark) for mark, _ in common if _known(mark)})


def unknown_words(marks: Iterable[str], scale: Scale) -> list[str]:
    """Marks that the table of words lacks, the most frequent first, `MOST_WORDS` at most."""
    counted = Counter(_folded(mark) for mark in marks if mark.strip())
    return [mark for mark, _ in counted.most_common(MOST_WORDS) if mark not in scale.words]


def _of_numbers(numbers: list[float]) -> Scale:
    """A few marks beyond the end are taken for slips, not for a longer scale."""
    ordered = sorted(numbers) or [5.0]
    top = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    high = next((end for end in ENDS if top <= end), max(ordered))
    low = 1.0 if high == ENDS[0] and ordered[0] >= 1 else 0.0
    return linear(low, high)


def _known(mark: str) -> int:
    """0 where nobody knows."""
    return _LETTERS.get(mark) or _WORDS.get(mark) or 0


def _folded(mark: str) -> str:
    return unicodedata.normalize("NFKC", mark).strip().casefold()
