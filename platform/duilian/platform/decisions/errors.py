"""What decisions refuse."""

from __future__ import annotations

from duilian.infra import errors


class ReasonNeeded(errors.Unprocessable):
    code = "reason-needed"
    zh = "请写明理由（至少 {length} 个字符），候选人有权知道。"
    en = "Please give a reason (at least {length} characters); the candidate has a right to know it."


class UnknownOutcome(errors.BadRequest):
    code = "unknown-outcome"


class UnknownCompetency(errors.NotFound):
    code = "unknown-competency"


class BadLevel(errors.Unprocessable):
    code = "bad-level"
    zh = "等级必须是 1 到 5。"
    en = "A level is 1, 2, 3, 4 or 5."


class MemberOnly(errors.Forbidden):
    code = "member-only"
    zh = "决定必须由登录的人作出，不能由程序作出。"
    en = "A decision is made by a person who signed in, not by a program."


class StillRunning(errors.Conflict):
    code = "still-running"
    zh = "面试还在进行中，暂时不能决定。"
    en = "The interview is still under way; decide when it is over."
