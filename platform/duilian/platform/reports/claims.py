"""Claims that a report never makes: about picture, voice, emotion, accent, looks. The words say so in both languages.

A machine may make noise and a customer may have emotions; the patterns want a person's, or words used of persons only.
"""

from __future__ import annotations

import re

from duilian.infra.errors import Problem

_PERSON_ZH = r"(?:候选人|应聘者|面试者|求职者|您|你|本人|说话|讲话|回答时|面试时|作答时)"
_ZH = (
    r"表情|微笑|笑容|面带|神情|神态|眼神|目光|眼睛|视线|面相|长相|外貌|容貌|颜值|相貌|肤色|妆容|发型|衣着|穿着打扮|仪容|仪表",
    r"口音|乡音|普通话(?:不|标准|带)|方言(?:口音|味|重)|嗓音|音色|音调|语调|声调|声线|语速|音量",
    r"肢体语言|身体语言|坐姿|站姿|手势|镜头前|看镜头|画面中|视频中|录像中|照片",
    rf"{_PERSON_ZH}的?[^。！？，]{{0,8}}(?:声音|语气|情绪|心情|形象|气质|脸|面部)",
    r"(?:看起来|看上去|听起来|显得|听上去)[^。！？]{0,8}(?:紧张|焦虑|自信|害怕|不安|冷静|疲惫|热情|开心|难过|生气|犹豫|诚实|可靠|心虚|年轻|老)",
    rf"(?:{_PERSON_ZH}|他|她)[^。！？，]{{0,6}}(?:紧张|焦虑|害怕|心虚|不安|情绪低落)",
)
# Not "he" or "they": those are customers and colleagues as often as the person.
_PERSON_EN = r"(?:candidate|candidate's|applicant|applicant's|interviewee|interviewee's|your?)"
_EN = (
    r"\bfacial|\bsmil(?:e|es|ed|ing)\b|\beye contact\b|\bgaz(?:e|es|ed|ing)\b|\bbody language\b|\bposture\b|\bgestures?\b",
    r"\baccents?\b|\bintonation\b|\btone of voice\b|\bpitch of\b|\bvocal\b|\bspeaking (?:rate|pace|speed)\b|\bstutter",
    r"\b(?:physical )?attractive|\bgood[- ]looking\b|\bskin colou?r\b|\bhairstyle\b|\bmake-?up\b|\bwell[- ]dressed\b|\boutfit\b",
    r"\bon camera\b|\binto the camera\b|\bin the (?:video|picture|photo|frame)\b",
    rf"\b{_PERSON_EN}\b[^.!?]{{0,20}}\b(?:voice|appearance|looks|clothes|clothing|face|expression|emotions?|mood|demeanou?r)\b",
    r"\b(?:look(?:s|ed)?|sound(?:s|ed)?|seem(?:s|ed)?|appear(?:s|ed)?)(?: to be)?(?: \w+)? (?:nervous|anxious|confident|afraid|insecure|calm|tired|happy|sad|angry|hesitant|honest|trustworthy|young|old|enthusiastic)\b",
    rf"\b(?:{_PERSON_EN}|he|she|they) (?:is|was|are|were)(?: \w+)? (?:nervous|anxious|afraid|insecure|frightened|depressed)\b",
)
_ANY = [re.compile(pattern, re.IGNORECASE) for pattern in (*_ZH, *_EN)]


class ClaimBeyondWords(Problem):
    code = "claim-beyond-words"
    zh = "报告里出现了关于画面、声音、情绪、口音或外貌的判断（{words}），已拒绝。"
    en = "A report made a claim about picture, voice, emotion, accent or looks ({words}) and was refused."


def check_words(text: str) -> None:
    """Raises ClaimBeyondWords."""
    for pattern in _ANY:
        if match := pattern.search(text):
            raise ClaimBeyondWords(words=match.group())
