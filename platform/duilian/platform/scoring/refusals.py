"""Why an answer cannot be scored. Each is an outcome with a reason, never a number."""

from __future__ import annotations

from typing import Any

from duilian.infra import errors
from duilian.infra.errors import Problem
from duilian.platform.media.errors import BrokenRecording, EmptyRecording, RecordingTooLong


class CannotScore(errors.Unprocessable):
    """Base of the reasons."""


class TooLittleSpeech(CannotScore):
    code = "too-little-speech"
    zh = "有效语音只有 {seconds} 秒（{units} 个字词），不足以评分。"
    en = "There are only {seconds} seconds of speech ({units} words or characters): too little to score."


class Silence(CannotScore):
    code = "silence"
    zh = "录音中没有听到说话声。"
    en = "No speech was heard in the recording."


class PoorRecognition(CannotScore):
    code = "poor-recognition"
    zh = "语音识别把握不足（{confidence}），转写不可靠，因此不评分。"
    en = "The words were recognised with too little confidence ({confidence}) to score them."


class WrongLanguage(CannotScore):
    code = "wrong-language"
    zh = "回答使用的语言（{detected}）不是本场面试的语言（{expected}）。"
    en = "The answer was given in another language ({detected}) than the interview's ({expected})."


class QuestionReadBack(CannotScore):
    code = "question-read-back"
    zh = "回答主要是在重复题目，没有自己的内容。"
    en = "The answer mostly repeats the question and has no content of its own."


class ModelFailed(CannotScore):
    code = "model-failed"
    zh = "模型处理失败，本题不评分。可以重新处理，或由人工评审。"
    en = "A model failed on this answer, so there is no score. It can be processed again or reviewed by a person."


class NotAnswered(CannotScore):
    code = "not-answered"
    zh = "没有作答。"
    en = "The question was not answered."


class ScoringRefused(CannotScore):
    code = "scoring-refused"
    zh = "候选人不同意 AI 评分，由人工评审。"
    en = "The candidate did not agree to AI scoring; a person reviews the answer."


class ScoringNotAllowed(CannotScore):
    code = "scoring-not-allowed"
    zh = "按适用的规则，这里不进行 AI 评分，由人工评审。"
    en = "By the rules that apply here no AI scores; a person reviews the answer."


class RecordingWithdrawn(CannotScore):
    code = "recording-withdrawn"
    zh = "候选人撤回了录制同意，录制内容已删除。"
    en = "The candidate withdrew the recording; it has been erased."


class TooFewScored(CannotScore):
    code = "too-few-scored"
    zh = "只有占权重 {share}% 的能力项可以评分，不足以给出总分。"
    en = "Only competencies that make up {share} % of the weights could be scored: too few for a total."


_KNOWN: dict[str, type[Problem]] = {
    kind.code: kind
    for kind in (
        TooLittleSpeech, Silence, PoorRecognition, WrongLanguage, QuestionReadBack, ModelFailed, NotAnswered,
        ScoringRefused, ScoringNotAllowed, RecordingWithdrawn, TooFewScored, BrokenRecording, EmptyRecording, RecordingTooLong,
    )
}  # fmt: skip


def stored(problem: Problem) -> dict[str, Any]:
    return {"code": problem.code, "params": problem.params}


def sentence(refusal: dict[str, Any], locale: str) -> str:
    """The reason in the reader's language."""
    return _KNOWN[refusal["code"]](**refusal["params"]).sentence(locale)
