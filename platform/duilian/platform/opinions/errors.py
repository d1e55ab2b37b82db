"""What opinions refuse."""

from __future__ import annotations

from duilian.infra import errors


class UnknownVerdict(errors.BadRequest):
    code = "unknown-verdict"


class NothingToJudge(errors.NotFound):
    code = "nothing-to-judge"
    zh = "这份报告里没有这项能力。"
    en = "The report has no such competency."


class MembersOnly(errors.Forbidden):
    code = "members-only"
    zh = "只有登录的成员可以评价评分的宽严。"
    en = "Only a member who signed in judges how strict a score is."


class NotHandedIn(errors.Conflict):
    code = "not-handed-in"
    zh = "交卷之后才能评价题目。"
    en = "The questions can be commented on once the interview is handed in."
