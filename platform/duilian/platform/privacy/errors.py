"""What the candidate's own data and retention refuse."""

from __future__ import annotations

from duilian.infra import errors


class NotAsked(errors.BadRequest):
    code = "not-asked"
    zh = "没有名为「{reason}」的同意项。"
    en = "There is no consent called “{reason}” here."


class BadName(errors.Unprocessable):
    code = "bad-name"
    zh = "请填写姓名，最多 {most} 个字符。"
    en = "Please give a name of at most {most} characters."


class BadEmail(errors.Unprocessable):
    code = "bad-email"
    zh = "这不是有效的邮箱地址。"
    en = "This is not a valid e-mail address."


class EmailTaken(errors.Conflict):
    code = "email-taken"
    zh = "该邮箱已属于这家企业的另一位候选人，请联系企业。"
    en = "This address belongs to another candidate of this employer. Please contact the employer."


class NoReceipt(errors.NotFound):
    code = "no-receipt"
    zh = "没有这份回执。"
    en = "There is no such receipt."


class NotConfirmed(errors.Unprocessable):
    code = "not-confirmed"
    zh = "请先确认要删除全部数据。"
    en = "Please confirm first that everything is to be erased."


class HoldReasonNeeded(errors.Unprocessable):
    code = "hold-reason-needed"
    zh = "请写明保全的理由（至少 {length} 个字符），候选人会看到。"
    en = "Please give the reason of the hold (at least {length} characters); the candidate will read it."


class OnHold(errors.Conflict):
    code = "on-hold"
    zh = "这场面试已处于法律保全中。"
    en = "This interview is under a legal hold already."


class NotOnHold(errors.Conflict):
    code = "not-on-hold"
    zh = "这场面试没有处于法律保全中。"
    en = "This interview is under no legal hold."


class NoAttempt(errors.NotFound):
    code = "no-attempt"
    zh = "没有这次练习。"
    en = "There is no such attempt."


class AttemptTooLarge(errors.TooLarge):
    code = "attempt-too-large"
    zh = "练习内容太大，最多 {limit}。"
    en = "The attempt is too large; the limit is {limit}."


class AttemptEmpty(errors.Unprocessable):
    code = "attempt-empty"
    zh = "请写下回答，或选择一个录音、录像文件。"
    en = "Write an answer or choose a recording."


class AttemptKind(errors.Unprocessable):
    code = "attempt-kind"
    zh = "只能保留录音、录像或文字。"
    en = "Only sound, video or text can be kept."


class TooManyAttempts(errors.Conflict):
    code = "too-many-practice-attempts"
    zh = "最多保留 {most} 次练习，请先删除旧的。"
    en = "At most {most} attempts are kept; delete an older one first."


class CorrectionClosed(errors.Conflict):
    code = "correction-closed"
    zh = "现在不能更正转写：时间已过、已经有人作出决定，或面试还没有提交。"
    en = "The transcript cannot be corrected now: time is up, somebody has decided, or nothing is handed in yet."


class NoTranscript(errors.NotFound):
    code = "no-transcript"
    zh = "这道题没有可以更正的转写。"
    en = "There is no transcript of this answer to correct."


class TooManyCorrections(errors.Conflict):
    code = "too-many-corrections"
    zh = "每道题最多更正 {most} 次。"
    en = "An answer may be corrected {most} times at most."


class CorrectionEmpty(errors.Unprocessable):
    code = "correction-empty"
    zh = "更正后的文字不能为空。"
    en = "The corrected text cannot be empty."
