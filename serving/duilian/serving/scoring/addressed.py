"""Words to whoever marks the answer, in either language: orders to the model, asking for marks, made-up markings.

Such a sentence is no account of anything. The patterns ask for the form of a request or a marking, not for a word:
"a customer gave us five stars" is an account, "please give five" is not one.
"""

from __future__ import annotations

import re

_TOP_ZH = r"(?:满分|高分|最高(?:分|等级|级别|级)|[五5]\s*级|[十五]分|10\s*分|5\s*分|优秀|多(?:给)?点分)"
_ZH = (
    # Rules are to be dropped.
    r"(?:忽略|无视|忘掉|忘记|跳过|绕过|(?:不要|别|不用|无需)(?:再)?(?:按照?|遵守|遵循|理会|管))[^。！？]{0,12}(?:规则|指令|指示|提示词?|设定|评分|标准|rubric)",
    # A request for marks.
    rf"(?:请|麻烦|务必|必须|直接|希望|恳请|拜托|求求?|应该|应当|值得|理应)[^。！？]{{0,24}}(?:给|打|评|判|得|输出|拿)[^了过。！？]{{0,10}}{_TOP_ZH}",
    r"(?:给|打|评|判)我?[^了过。！？]{0,4}(?:多点分|高一?点分|满分吧)",
    r"(?:多|高)给?(?:点|一点|些)分",
    rf"每(?:项|个能力项?|一项)[^。！？]{{0,6}}(?:打|给|评|判)[^了。！？]{{0,4}}{_TOP_ZH}",
    # Who marks, or a model, is spoken to.
    r"(?:评分员|评委|考官|阅卷|打分(?:的)?|评分(?:的)?|AI|人工智能|大?模型)(?:老师|系统|助手|程序|员)?(?:您好|你好|请)",
    r"系统(?:提示|指令|消息)\s*[:：]",
    r"你(?:现在|从现在(?:开始|起))?(?:是|扮演)(?:一[个位名])?[^。！？]{0,12}(?:助手|模型|评分|打分|AI)",
    r"(?:直接|请|必须)输出",
    # A marking, or how the answer is to be seen.
    r"^\s*(?:评分|得分|总分|评语|点评|面试官点评|等级|证据)\s*[:：]",
    rf"(?:总分|得分|评分|等级|[\u4e00-\u9fff]{{2,4}}能力)\s*[:：是为]?\s*{_TOP_ZH}\s*[，,。]?",
    r"回答[^。！？]{0,40}(?:符合|满足|达到)[^。！？]{0,8}(?:等级|标准|要求|五级)",
)
_TOP_EN = (
    r"(?:full marks|top (?:marks?|scores?|rating)|(?:highest|maximum|perfect|best) (?:marks?|scores?|levels?|rating)|"
    r"levels? (?:5|five)|(?:5|five|10|ten) (?:on|for|in) (?:every|each|all)|every (?:competency|criterion) (?:5|five)|"
    r"(?:score|rate|mark|grade) me (?:higher|highly)|as (?:excellent|outstanding|perfect))"
)
_EN = (
    r"\b(?:ignore|disregard|forget|bypass|override|do not follow|don't follow|do not use|don't apply)\b[^.!?]{0,30}"
    r"\b(?:instructions?|rubric|prompt|guidelines?|criteria|(?:above|previous|scoring|marking) rules?)\b",
    rf"\b(?:please|kindly|just|must|should|you|to|and|only|so)\b[^.!?]{{0,60}}\b(?:give|award|rate|score|mark|grade|assign|output)\w*\b[^.!?]{{0,50}}\b{_TOP_EN}",
    rf"\b(?:award|output|give|assign)s?\b[^.!?]{{0,30}}\b{_TOP_EN}",
    r"\b(?:please )?(?:score|rate|mark|grade) me (?:higher|highly|well)\b",
    r"\b(?:dear|hello|hi|to the|attention)\b[^.!?]{0,8}\b(?:evaluator|grader|rater|examiner|AI|assessor|marker)\b",
    r"^\s*(?:system|assistant|evaluation|assessment|instruction)\s*:",
    r"\byou are (?:now )?an? [^.!?]{0,20}\b(?:assistant|language model|AI|grader|evaluator)\b",
    r"\byou must output\b|\boutput the (?:highest|maximum|top)\b",
    r"^\s*(?:score|total|rating|grade|evidence|verdict|interviewer's comment|comment)\s*:",
    r"\b(?:total )?score\W{0,3}(?:of )?(?:10|ten)\b",
    r"\bdeserves? [^.!?]{0,10}(?:high|full|top|perfect|maximum) (?:score|marks?|rating)",
    r"\b(?:meets?|fulfils?|matches) (?:all )?(?:the )?(?:highest level|rubric|criteria|marking scheme)",
)
_ANY = [re.compile(p, re.IGNORECASE) for p in (*_ZH, *_EN, r"[{\[]\s*\"\w+\"\s*:")]


def is_addressed(text: str) -> bool:
    """Whether the sentence speaks to whoever marks the answer, or is a marking itself."""
    return any(pattern.search(text) for pattern in _ANY)
