"""Sentences that praise, prescribe or conclude and tell nothing: what anybody, or a program, can say about any question.

Such a sentence has the form of a generality and holds no number, no time and no action of the speaker.
"""

from __future__ import annotations

import re

from duilian.serving.contracts import Language
from duilian.serving.scoring.text import specificity

_FORMS: dict[Language, re.Pattern[str]] = {
    "zh": re.compile(
        # Essay connectives, creeds, prescriptions, praise of oneself.
        r"综上所述|总而言之|总的来说|^总之|归根结底|由此可见|不可或缺|至关重要|众所周知"
        r"|作为一[名个位]|始终(?:秉持|坚持|以)|秉持|本着|理念|力求|致力于|不断(?:提升|完善|改进|学习|进步)|持续改进|综合素质|共赢|创造(?:更大的)?价值"
        r"|(?:关键|核心|重点)(?:在于|是)|是成功的|(?:首先|其次|再次|最后|第[一二三四]|要|应该?|应当|必须|需要)[，,]?(?:要|应当?|必须|需要)(?:保持|积极|充分|学会|善于|注重|加强|做到|总结|坚持)"
        r"|一是.{1,20}二是|我(?:相信|坚信|深信)|胜任"
        r"|最(?:优秀|棒|出色|合适)的|(?:能力|意识|水平|表现)[^。]{0,12}(?:一流|出色|优秀|突出|很强)|(?:非常|十分|表现得)(?:优秀|出色)|认可我"
    ),
    "en": re.compile(
        r"\b(?:in conclusion|in summary|overall|all in all|to sum up|ultimately)\b|\bas an? \w+ (?:professional|employee|person|individual|team player)\b"
        r"|\b(?:committed|dedicated|passionate) (?:to|about)\b|\bstrive\b|\bcontinuous(?:ly)? improv|\badd value\b|\bwin-win\b|\bexcellence\b|\bgreat fit\b|\bcustomer-centric\b"
        r"|\bis (?:the )?key\b|\b(?:it is|it's) (?:important|essential|crucial|vital)\b|\b(?:one|we|you|people|everyone) (?:should|must|need to|ought to)\b|\bthings matter\b|\bcan (?:only )?be achieved\b"
        r"|\bI (?:firmly |truly |strongly )?believe\b|\bI am confident\b"
        r"|\bI am (?:the best|excellent|outstanding)\b|\bskills? (?:is|are)[^.]{0,20}\b(?:first class|excellent|outstanding|superb)\b|\bfirst[- ]class\b|\brecogni[sz]es? my\b",
        re.IGNORECASE,
    ),
}
_COUNTED = re.compile(
    r"作为一[名个位]|(?:一|二|三|四|三个|两个|几个)(?:是|方面|点)|\b(?:one|two|three) (?:things?|aspects?|points?)\b",
    re.IGNORECASE,
)


def is_general(text: str, language: Language) -> bool:
    """Points that are counted off ("三个方面", "three things") are no numbers of an account."""
    return bool(_FORMS[language].search(text)) and specificity(_COUNTED.sub("", text), language) == 0
