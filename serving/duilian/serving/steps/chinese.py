"""Chinese text as Whisper gives it, made even: simplified characters, full-width marks. Lengths never change."""

from __future__ import annotations

import re
from functools import cache
from threading import Lock
from typing import Protocol, cast

from opencc import OpenCC

PROMPT = "以下是普通话的句子，请用简体字和标点。"
MARKS = str.maketrans(",?!:;", "，？！：；")
_turn = Lock()  # the converter keeps state while it works
AFTER_CHARACTER = re.compile(r"(?<=[一-鿿])[,?!:;]")


class _Converter(Protocol):
    def convert(self, string: str) -> str: ...


@cache
def _converter() -> _Converter:
    return cast(_Converter, OpenCC("t2s"))


def simplified(text: str) -> str:
    """Traditional to simplified, character for character, so that offsets hold.

    Phrases give the context ("乾隆" keeps its 乾); where a phrase would change the length, single characters
    are converted instead.
    """
    with _turn:
        converted = _converter().convert(text)
        if len(converted) != len(text):
            converted = "".join(_one(character) for character in text)
    return AFTER_CHARACTER.sub(lambda mark: mark[0].translate(MARKS), converted)


def _one(character: str) -> str:
    converted = _converter().convert(character)
    return converted if len(converted) == 1 else character
