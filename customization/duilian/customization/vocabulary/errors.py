"""What proposing and releasing vocabulary refuses."""

from __future__ import annotations

from duilian.infra import errors


class NoWords(errors.Unprocessable):
    code = "no-words"
    zh = "没有找到可用的词：历史资料太少，或没有贵公司特有的词。请先导入历史面试，或等候选人更正转写。"
    en = (
        "No words were found: there is too little history, or nothing in it that is your company's own. Import past"
        " interviews, or wait for candidates to correct transcripts."
    )


class VocabularyBusy(errors.Conflict):
    code = "vocabulary-busy"
    zh = "已有一份词表正在生成，请等它完成。"
    en = "A vocabulary is being made already. Wait until it is done."


class VocabularyNotDone(errors.Conflict):
    code = "vocabulary-not-done"
    zh = "这份词表没有生成完成，或正在使用。"
    en = "This vocabulary is not done, or it is in force already."


class VocabularyRefused(errors.Conflict):
    code = "vocabulary-refused"
    zh = "这份词表有 {count} 项检查没有通过，详见它的检查结果。没有通过的检查不能绕过。"
    en = "This vocabulary failed {count} of its checks; its page names them. A failed check cannot be overridden."


class NoVocabulary(errors.Conflict):
    code = "no-vocabulary"
    zh = "没有使用中的词表，没有可回退的。"
    en = "No vocabulary is in force; there is nothing to go back from."
