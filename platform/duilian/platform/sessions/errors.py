"""What an interview refuses, with the reason."""

from __future__ import annotations

from duilian.infra import errors


class Expired(errors.Problem):
    status = 410
    code = "expired"
    zh = "这场面试的截止时间已过。已保存的回答仍会保留；如需延期，请联系企业。"
    en = "The deadline of this interview has passed. What you saved is kept; ask the employer for more time."


class Erased(errors.Problem):
    status = 410
    code = "erased"
    zh = "您的数据已删除，这场面试已经结束。"
    en = "Your data have been erased; this interview is over."


class TooEarly(errors.Conflict):
    code = "too-early"
    zh = "法律要求提前告知，这场面试最早可在 {start} 开始。"
    en = "The law asks for notice; this interview can be started from {start}."


class AlreadySubmitted(errors.Conflict):
    code = "already-submitted"
    zh = "这场面试已经提交，不能再修改。"
    en = "This interview has been handed in and cannot be changed."


class WithPerson(errors.Conflict):
    code = "human-route"
    zh = "您已选择由真人跟进，我们会尽快联系您。"
    en = "You chose to talk to a person; somebody will contact you."


class ConsentNeeded(errors.Conflict):
    code = "consent-needed"
    zh = "开始之前，请先逐项选择是否同意。"
    en = "Before you start, please decide on each consent."


class ConsentOutdated(errors.Conflict):
    code = "consent-outdated"
    zh = "同意书已更新，请重新阅读并选择。"
    en = "The consent texts have changed. Please read them and decide again."


class UnknownPurpose(errors.BadRequest):
    code = "unknown-purpose"


class NotStarted(errors.Conflict):
    code = "not-started"
    zh = "面试还没有开始。"
    en = "The interview has not been started."


class UnknownQuestion(errors.NotFound):
    code = "unknown-question"
    zh = "没有这道题。"
    en = "There is no such question."


class QuestionLocked(errors.Conflict):
    code = "question-locked"
    zh = "请先完成前面的题目。"
    en = "Please finish the earlier questions first."


class QuestionNotOpen(errors.Conflict):
    code = "question-not-open"
    zh = "请先打开题目再作答。"
    en = "Open the question before answering it."


class AnswerClosed(errors.Conflict):
    code = "answer-closed"
    zh = "这道题已经处理完成，不能再修改。"
    en = "This answer has been processed and cannot be changed."


class ModeNotAllowed(errors.Unprocessable):
    code = "mode-not-allowed"
    zh = "这道题不支持该作答方式（可用：{modes}）。"
    en = "This question cannot be answered that way (allowed: {modes})."


class TextTooLong(errors.TooLarge):
    code = "text-too-long"
    zh = "文字回答最多 {limit} 个字符。"
    en = "A written answer may have at most {limit} characters."


class TextEmpty(errors.Unprocessable):
    code = "text-empty"
    zh = "文字回答不能为空。"
    en = "A written answer cannot be empty."


class Unanswered(errors.Conflict):
    code = "unanswered"
    zh = "还有 {count} 道题没有回答。"
    en = "{count} questions have no answer yet."


class UnknownStep(errors.NotFound):
    code = "unknown-step"
    zh = "这道题没有这个步骤。"
    en = "This question has no such step."
