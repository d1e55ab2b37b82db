"""What should not matter, swapped in a transcript: a name, gendered words, dialect words, hesitations, misheard words.

Every swap is a fixed table applied everywhere, so that the same transcript always gives the same variants. A variant
without a change is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

import msgspec

from duilian.serving.contracts import Language, Sentence, Transcript

Kind = Literal["name", "gender", "dialect", "hesitation", "misheard"]
Change = Callable[[str], str]
KINDS: tuple[Kind, ...] = ("name", "gender", "dialect", "hesitation", "misheard")
NAMES: dict[Language, tuple[str, ...]] = {"zh": ("王秀英", "阿依古丽"), "en": ("Emily", "Jamal", "Fatima")}
_SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许何吕张孔曹严华金魏陶姜谢邹章苏潘葛范彭马方俞任袁柳鲍史唐费薛雷贺汤罗毕郝邵康伍余顾孟黄穆萧尹姚戴宋熊纪舒项董梁杜阮蓝江郭梅林钟徐邱骆高夏蔡田胡霍万柯管卢莫丁邓程石崔龚刘叶白赖谭温游覃廖文欧曾关易侯龙段黎常武乔贾傅卜"
_INTRODUCED: dict[Language, re.Pattern[str]] = {
    "zh": re.compile(
        rf"(?:我叫|我的名字(?:叫|是)|我是)([{_SURNAMES}][\u4e00-\u9fff]{{1,2}})(?=[，,。、\s]|$)"
    ),
    "en": re.compile(r"\b(?:[Mm]y name is|[Mm]y name's|I'm|I am) ([A-Z][a-z]+)(?=[ ,.;]|$)"),
}
_GENDER: dict[Language, list[tuple[str, str]]] = {
    "zh": [
        ("他", "她"), ("先生", "女士"), ("大哥", "大姐"), ("叔叔", "阿姨"), ("大爷", "大妈"), ("小伙子", "小姑娘"),
        ("老公", "老婆"), ("爸爸", "妈妈"), ("父亲", "母亲"), ("儿子", "女儿"), ("男", "女"), ("哥哥", "姐姐"),
    ],
    "en": [
        ("he", "she"), ("him", "her"), ("himself", "herself"), ("man", "woman"), ("men", "women"), ("boy", "girl"),
        ("guy", "lady"), ("husband", "wife"), ("father", "mother"), ("son", "daughter"), ("brother", "sister"),
        ("sir", "madam"), ("mr", "mrs"), ("gentleman", "lady"),
    ],
}  # fmt: skip
_DIALECT: dict[Language, list[tuple[str, str]]] = {
    "zh": [("什么", "啥"), ("怎么", "咋"), ("这里", "这儿"), ("那里", "那儿"), ("知道", "晓得"), ("昨天", "昨儿"), ("非常", "老"), ("很", "蛮")],
    "en": [("isn't", "ain't"), ("wasn't", "weren't"), ("going to", "gonna"), ("want to", "wanna"), ("because", "cos"), ("nothing", "nowt"), ("yes", "aye"), ("my", "me")],
}  # fmt: skip
_MISHEARD: dict[Language, list[tuple[str, str]]] = {
    "zh": [("在", "再"), ("做", "作"), ("到", "道"), ("以", "已"), ("里", "理"), ("后", "候"), ("它", "他")],
    "en": [("to", "too"), ("their", "there"), ("then", "than"), ("for", "four"), ("here", "hear"), ("its", "it's"), ("by", "buy")],
}  # fmt: skip
_HESITATION: dict[Language, tuple[str, str]] = {"zh": ("嗯，", "，那个，"), "en": ("Um, ", ", you know, ")}


def variants(transcript: Transcript, kind: Kind, name: str = "") -> list[Transcript]:
    """The transcript with this swapped; empty where nothing of it is said. name: the candidate's own, where known."""
    made = [_changed(transcript, change) for change in _changes(transcript, kind, name)]
    return [variant for variant in made if variant.text != transcript.text]


def _changes(transcript: Transcript, kind: Kind, name: str) -> list[Change]:
    language = transcript.language
    match kind:
        case "name":
            said = _names_in(transcript.text, language, name)
            return [_named(said, other) for other in NAMES[language] if other not in said]
        case "gender":
            return [_table(_both_ways(_GENDER[language]), language)]
        case "dialect":
            return [_table(dict(_DIALECT[language]), language)]
        case "misheard":
            return [_table(dict(_MISHEARD[language]), language)]
        case "hesitation":
            return [_hesitating(*_HESITATION[language])]


def _names_in(text: str, language: Language, name: str) -> list[str]:
    found = set(_INTRODUCED[language].findall(text))
    known = [name] if language == "zh" else name.split()
    return sorted({*found, *(part for part in known if part and part in text)}, key=len, reverse=True)


def _named(said: list[str], other: str) -> Change:
    def change(text: str) -> str:
        for one in said:
            text = text.replace(one, other)
        return text

    return change


def _both_ways(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """The first pair that has a word decides what it turns into."""
    table: dict[str, str] = {}
    for one, other in pairs:
        table.setdefault(one, other)
        table.setdefault(other, one)
    return table | ({"his": "her", "hers": "his"} if "he" in table else {})


def _table(table: dict[str, str], language: Language) -> Change:
    """All words at once, so that none is swapped back."""
    words = "|".join(re.escape(word) for word in sorted(table, key=len, reverse=True))
    pattern = re.compile(words if language == "zh" else rf"(?<![\w'])(?:{words})(?![\w'])", re.IGNORECASE)

    def one(match: re.Match[str]) -> str:
        word = table[match.group().lower()]
        return word.capitalize() if match.group()[0].isupper() else word

    return lambda text: pattern.sub(one, text)


def _hesitating(opening: str, inner: str) -> Change:
    """At the beginning of each sentence and at its first comma."""
    return lambda text: opening + re.sub(r"[，,]\s*", inner, text, count=1)


def _changed(transcript: Transcript, change: Change) -> Transcript:
    """Sentence by sentence; what lies between them stays."""
    text, sentences, at = "", list[Sentence](), 0
    for sentence in transcript.sentences:
        text += transcript.text[at : sentence.offset]
        said = change(sentence.text)
        sentences.append(msgspec.structs.replace(sentence, text=said, offset=len(text), length=len(said)))
        text, at = text + said, sentence.offset + sentence.length
    return msgspec.structs.replace(
        transcript, text=text + transcript.text[at:], sentences=sentences, words=[]
    )
