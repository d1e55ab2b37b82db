"""Names of columns in Chinese and English → what they hold (列名识别). A guess, shown to be corrected."""

from __future__ import annotations

import re
import unicodedata

ANSWERS = ("question", "answer", "audio", "competency", "score", "rater", "second_score", "second_rater", "reason",
           "person", "language", "date", "good")  # fmt: skip
OUTCOMES = ("person", "probation_performance", "retained_days", "hired_on", "left_on", "date")
FIELDS = {"answers": ANSWERS, "outcomes": OUTCOMES}

# Names in full first; then parts of a name, in the order in which they are tried.
_FULL: dict[str, tuple[str, ...]] = {
    "question": ("题目", "问题", "试题", "题干", "面试题", "面试问题", "题号", "question", "questiontext", "prompt", "item"),
    "answer": ("回答", "答案", "作答", "回答内容", "候选人回答", "面试回答", "答题内容", "作答内容", "回答原文", "应答",
               "answer", "response", "answertext", "transcript", "candidateanswer", "reply"),
    "audio": ("音频", "录音", "录音文件", "音频文件", "语音", "文件名", "audio", "audiofile", "recording", "file",
              "filename"),
    "competency": ("胜任力", "能力", "能力项", "维度", "考察维度", "素质项", "测评维度", "评价维度", "能力维度",
                   "competency", "dimension", "skill", "trait", "criterion"),
    "score": ("得分", "评分", "分数", "成绩", "打分", "面试得分", "评级", "等级", "面试官评分", "评分1", "得分1",
              "score", "rating", "mark", "grade", "level", "score1", "rating1", "humanscore"),
    "rater": ("评分人", "面试官", "评委", "打分人", "考官", "评分者", "评分人1", "面试官1", "rater", "interviewer",
              "assessor", "grader", "reviewer", "scoredby", "rater1"),
    "second_score": ("第二评分", "复评得分", "复评分", "复评", "二次评分", "评分2", "得分2", "面试官2评分", "secondscore",
                     "score2", "rating2", "secondrating"),
    "second_rater": ("第二评分人", "复评人", "评分人2", "面试官2", "secondrater", "rater2"),
    "reason": ("评语", "评价", "理由", "评分理由", "备注", "面试评价", "点评", "comment", "comments", "remark", "remarks",
               "reason", "notes", "feedback"),
    "person": ("姓名", "工号", "员工编号", "员工号", "候选人", "应聘者", "编号", "考生", "人员", "邮箱", "电子邮箱", "手机",
               "手机号", "身份证号", "候选人编号", "person", "candidate", "name", "employeeid", "staffid", "candidateid",
               "email", "personid", "id"),
    "language": ("语言", "语种", "language", "lang"),
    "date": ("日期", "面试日期", "面试时间", "时间", "评估日期", "date", "interviewdate", "answeredon", "time"),
    "good": ("优秀回答", "优秀答案", "范例", "示范", "标杆", "goodanswer", "good", "exemplar", "modelanswer"),
    "probation_performance": ("试用期绩效", "试用期评分", "试用期表现", "转正评分", "转正得分", "绩效", "绩效得分", "试用期考核",
                              "probationperformance", "performance", "probationscore", "performancescore"),
    "retained_days": ("在职天数", "留任天数", "retaineddays", "tenuredays", "daysemployed", "tenure"),
    "hired_on": ("入职日期", "入职时间", "到岗日期", "hiredon", "hiredate", "startdate"),
    "left_on": ("离职日期", "离职时间", "lefton", "leavedate", "terminationdate", "enddate"),
}  # fmt: skip
_PERSON_ORDER = ("email", "邮箱", "电子邮箱", "工号", "员工编号", "employeeid", "staffid", "personid", "candidateid", "候选人编号",
                 "编号", "id", "手机号", "手机", "姓名", "name", "候选人", "candidate")  # fmt: skip


def folded(name: str) -> str:
    """What is compared: letters and digits, whatever their case and width; notes in brackets do not count."""
    plain = re.sub(r"[（(\[【].*?[)）\]】]", "", unicodedata.normalize("NFKC", name))
    return "".join(ch for ch in plain.casefold() if ch.isalnum())


def recognised(cells: list[str]) -> int:
    """How many of the cells name something we know."""
    known = {name for names in _FULL.values() for name in names}
    return len({folded(cell) for cell in cells} & known)


def guess(columns: list[str], kind: str) -> dict[str, str]:
    """Field → column; fields without a column are missing, and no column is taken twice."""
    names = {column: folded(column) for column in columns}
    chosen: dict[str, str] = {}
    for exact in (True, False):
        for field in FIELDS[kind]:
            if field not in chosen:
                taken = set(chosen.values())
                found = [c for c in columns if c not in taken and _holds(field, names[c], exact=exact)]
                if found:
                    chosen[field] = min(found, key=lambda c: _preference(field, names[c]))
    return chosen


def _holds(field: str, name: str, *, exact: bool) -> bool:
    if exact:
        return name in _FULL[field]
    return any(
        len(known) > 1 and known in name for known in _FULL[field] if not known.isascii() or len(known) > 4
    )


def _preference(field: str, name: str) -> int:
    """Of several columns the one whose name says it best: for a person what tells people apart, else by our own order."""
    order = _PERSON_ORDER if field == "person" else _FULL[field]
    return next((place for place, known in enumerate(order) if known in name), len(order))
