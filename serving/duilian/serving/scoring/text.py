"""Text measures: n-gram overlap, specificity, cue words. Shares are 0–1."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import zip_longest

from duilian.serving.contracts import Language, Sentence

_END = re.compile(r"[^。！？!?；;\n.]+(?:[。！？!?；;\n]+|\.(?=\s|$)|$|\.)")
HAN_ENDS = "。！？；"
ENDS = HAN_ENDS + "!?;."
_OPEN = "，,、：: —-"
_HAN_SIGN = re.compile(r"[\u3400-\u9fff]")
_CLAUSE = re.compile(r"[。！？!?；;，,\n]+|\.(?=\s|$)")
_WORD = re.compile(r"[A-Za-z0-9']+")
_HAN = re.compile(r"[\u4e00-\u9fff]|[0-9]+|[A-Za-z]+")
_NUMBERS = {
    "zh": re.compile(
        r"\d+(?:\.\d+)?%?|百分之[零一二三四五六七八九十百]+|[一二两三四五六七八九十百千半几]+(?:个|次|天|年|月|小时|分钟|名|位|块|元|万|倍|成|台|件|份|周|秒|吨|毫米|度)"
    ),
    "en": re.compile(
        r"\d+(?:[.,]\d+)?%?|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|"
        r"fifty|sixty|eighty|ninety|hundred|thousand|half|twice)\b",
        re.IGNORECASE,
    ),
}
_OWN_ACTION = {
    "zh": re.compile(
        r"我(?:先|就|马上|立刻|当时|主动|首先|又|再|还|会|把|给|用|带|请|问|查|找|拿|跟|向|让|建议|联系|检查|核对|整理|安排|记录|解释|道歉|测|换|拆|调)"
    ),
    "en": re.compile(
        r"\bI (?:then |first |also |just |even |\w+ly )?(?:\w{2,}ed|took|made|wrote|found|set|told|went|gave|got|put|ran|"
        r"built|led|brought|kept|sat|stood|pulled|drove|held|said|showed|spoke|rang|sent|cut|read|chose|taught|bought|"
        r"sold|drew|swapped|knelt|met|left|paid|came|began|did (?!so|it|that|this)|fed|shut|split|spent|drafted)\b",
        re.IGNORECASE,
    ),
}
_TIME = {
    "zh": re.compile(
        r"去年|今年|前年|上个月|上周|那天|当天|第二天|有一次|当时|春节|国庆|双十一|早上|中午|下午|晚上|夜班|早班"
    ),
    "en": re.compile(
        r"\b(?:last|that|next|following) (?:year|month|week|day|morning|night|summer|winter|spring|autumn|friday|saturday|"
        r"sunday|monday|tuesday|wednesday|thursday|shift)\b|\bonce\b|\bone (?:day|evening|morning|night|time)\b|\bin (?:19|20)\d\d\b",
        re.IGNORECASE,
    ),
}


def split_sentences(text: str) -> list[Sentence]:
    """Sentences of a written answer; without times."""
    found: list[Sentence] = []
    for match in _END.finditer(text):
        words = match.group()
        lead = len(words) - len(words.lstrip())
        stripped = words.strip()
        if stripped:
            start = match.start() + lead
            found.append(_untimed(stripped, start))
    return found


def as_told(text: str, pieces: Sequence[Sentence]) -> str:
    """The pieces of an answer, in their order, as they stand in it: whole, the answer itself. What stood before something
    left out ends there as a sentence does, so that nothing is gained by what it was cut off from."""
    found: list[str] = []
    for piece, following in zip_longest(pieces, pieces[1:]):
        end = piece.offset + len(piece.text)
        between = text[end : following.offset if following else len(text)]
        cut = any(sign.isalnum() for sign in between)
        found += [_ended(piece.text)] if cut else [piece.text, between]
    return "".join(found).strip()


def _ended(words: str) -> str:
    if words[-1] in ENDS:
        return words if words[-1] in HAN_ENDS else f"{words} "
    return words.rstrip(_OPEN) + ("。" if _HAN_SIGN.search(words) else ". ")


def _untimed(text: str, offset: int) -> Sentence:
    return Sentence(text=text, offset=offset, length=len(text), start=0.0, end=0.0, first_word=0, last_word=0)


def clauses(text: str, language: Language) -> list[str]:
    """What a sentence names one after the other, verbatim; shorter than four units is part of its neighbour's thought."""
    parts = [part.strip() for part in _CLAUSE.split(text)]
    return [part for part in parts if len(units(part, language)) >= 4]


def units(text: str, language: Language) -> list[str]:
    """Characters (zh; a Latin word or a number is one) or lower-case words (en), without punctuation."""
    return _HAN.findall(text) if language == "zh" else [w.lower() for w in _WORD.findall(text)]


def overlap(text: str, other: str, language: Language) -> float:
    """Share of the 3-grams of `text` that stand in `other` as well."""
    mine, theirs = _grams(text, language), set(_grams(other, language))
    return sum(gram in theirs for gram in mine) / len(mine) if mine else 0.0


def _grams(text: str, language: Language) -> list[tuple[str, ...]]:
    parts = units(text, language)
    return [tuple(parts[i : i + 3]) for i in range(len(parts) - 2)]


def specificity(text: str, language: Language) -> float:
    """How concrete an account is: numbers, own actions, times; saturating at about nine of them."""
    numbers = len(_NUMBERS[language].findall(text))
    actions = len(_OWN_ACTION[language].findall(text))
    times = len(_TIME[language].findall(text))
    return min(1.0, (min(numbers, 4) + min(actions, 5) + min(times, 2)) / 9)


def keyword_hits(text: str, keywords: list[str], language: Language) -> list[tuple[str, int]]:
    """Keywords that occur, with the character position of the first occurrence."""
    found: list[tuple[str, int]] = []
    for keyword in keywords:
        if language == "zh":
            position = text.find(keyword)
        else:
            match = re.search(rf"(?<!\w){re.escape(keyword)}(?!\w)", text, re.IGNORECASE)
            position = match.start() if match else -1
        if position >= 0:
            found.append((keyword, position))
    return found


def listed_share(text: str, keywords: list[str], language: Language) -> float:
    """Share of the text that is nothing but keywords: an account stays low, a stuffed list comes near 1."""
    covered: set[int] = set()
    for keyword, _ in keyword_hits(text, keywords, language):
        for match in re.finditer(re.escape(keyword), text, re.IGNORECASE):
            covered |= set(range(*match.span()))
    letters = [i for i, character in enumerate(text) if character.isalnum()]
    return sum(i in covered for i in letters) / len(letters) if letters else 0.0


def is_foreign(text: str, language: Language) -> bool:
    """Whether most units are of the other script: such a sentence is not read in this language."""
    han = len(re.findall(r"[\u4e00-\u9fff]", text))
    latin = len(re.findall(r"[A-Za-z]+", text))
    return latin > han if language == "zh" else han > latin
