"""STAR structure (situation, task, action, result): which sentence carries which part, if any does.

Cue words first, in the order in which accounts are told; a part without a cue is missing, not guessed.
"""

from __future__ import annotations

import re

from duilian.serving.contracts import Language, Sentence, StarPart

_CUES: dict[Language, dict[StarPart, re.Pattern[str]]] = {
    "zh": {
        "situation": re.compile(
            r"有一次|有一回|当时|那时|去年|前年|上个月|上周|有一天|那天|之前在|在.{1,14}(?:工作|实习|门店|公司|车间|期间)|有(?:一)?(?:位|个)(?:顾客|客人|客户|阿姨|先生|女士|大姐|大爷)|遇到(?:过)?|碰到(?:过)?|突然|发现.{0,12}(?:报警|异常|停机|故障)"
        ),
        "task": re.compile(
            r"我(?:的任务|负责|需要|必须|得|要做的)|目标是|要求(?:我|我们)|任务是|为了|希望(?:能)?|想要的是|要在.{1,12}(?:之前|以内|内)|由我"
        ),
        "action": re.compile(
            r"首先|第一步|然后|接着|于是|我(?:就|先|马上|立刻|主动|把|给|用|带|请|问|查|找|跟|向|建议|联系|检查|核对|安排|解释|道歉|测|换|拆|调|又|再)"
        ),
        "result": re.compile(
            r"最后|最终|结果|后来|(?:提高|提升|降低|下降|减少|增加|恢复|缩短|节省)(?:了|到)|百分之|满意|好评|表扬|解决了|回头客|没有再|再也没"
        ),
    },
    "en": {
        "situation": re.compile(
            r"\b(?:once|one (?:day|evening|morning|night|time|saturday)|last (?:year|month|week|summer|winter|spring|autumn)|"
            r"when I (?:was|worked)|while I was|there was|we had (?:a|an)|in my (?:last|previous|old) job|a customer (?:came|had|was)|"
            r"suddenly|during (?:a|the|my))\b",
            re.IGNORECASE,
        ),
        "task": re.compile(
            r"\b(?:my (?:job|task|role|goal|responsibility) was|I (?:had|needed|was asked|was responsible|wanted) (?:to|for)|"
            r"we (?:had|needed) to|the goal was|it was (?:my|up to me)|the target)\b",
            re.IGNORECASE,
        ),
        "action": re.compile(
            r"\b(?:first|then|after that|next|so I|I (?:then |first |immediately |also )?(?:asked|called|checked|took|made|explained|"
            r"offered|wrote|apologi[sz]ed|listened|measured|replaced|set|started|stopped|told|tested|suggested|showed|arranged|"
            r"locked|isolated|compared|handled|changed|pulled|swapped|traced))\b",
            re.IGNORECASE,
        ),
        "result": re.compile(
            r"\b(?:in the end|finally|as a result|eventually|afterwards|since then|the result|it (?:worked|went|dropped|fell|rose)|"
            r"(?:went|dropped|fell|rose|increased|improved|came) (?:up |down |back )?(?:to|by|from|again|the)|percent|per cent|"
            r"was (?:happy|satisfied|back)|thanked|never (?:came|happened)|we (?:were|got) (?:back|running))\b",
            re.IGNORECASE,
        ),
    },
}


def star_parts(sentences: list[Sentence], language: Language) -> dict[StarPart, str | None]:
    """Per part the sentence that carries it, verbatim, or None. The result is looked for from the end."""
    found: dict[StarPart, str | None] = {}
    for part, cue in _CUES[language].items():
        ordered = list(reversed(sentences)) if part == "result" else sentences
        found[part] = next((s.text for s in ordered if cue.search(s.text)), None)
    return found
