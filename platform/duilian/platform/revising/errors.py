"""What proposals refuse."""

from __future__ import annotations

from duilian.infra import errors


class ProposalClosed(errors.Conflict):
    code = "proposal-closed"
    zh = "这条建议已有结论，不能再改。"
    en = "This proposal has been decided; it cannot be changed any more."


class EffectUnknown(errors.Conflict):
    code = "effect-unknown"
    zh = "对以往面试的影响还在计算，算完之后才能发布。"
    en = "Its effect on past interviews is still being computed; publish it when you have seen that."


class SetMoved(errors.Conflict):
    code = "set-moved"
    zh = "题组在此期间发布了第 {version} 版，这条建议针对的是较早的版本。"
    en = "Version {version} of the set was published meanwhile; this proposal is about an earlier one."


class NothingChanged(errors.Conflict):
    code = "nothing-changed"
    zh = "与当前版本没有差别，无需发布。"
    en = "Nothing differs from the version in force; there is nothing to publish."


class WhyNeeded(errors.Unprocessable):
    code = "why-needed"
    zh = "请写明理由（至少 {least} 个字符），它会随新版本保存。"
    en = "Please give a reason (at least {least} characters); it is kept with the version."


class BadWeights(errors.Unprocessable):
    code = "bad-weights"
    zh = "权重必须是 1 到 100 的整数，合计 100；现在合计 {total}。"
    en = "Weights are whole numbers from 1 to 100 that sum to 100; they sum to {total}."


class BadCuts(errors.Unprocessable):
    code = "bad-cuts"
    zh = "「{competency}」的四个分界点必须在 1 和 5 之间递增，相邻至少相差 0.2。"
    en = "The four cut points of “{competency}” must rise between 1 and 5, at least 0.2 apart."


class BadOrder(errors.Unprocessable):
    code = "bad-order"
    zh = "每道题要有一个不同的位置。"
    en = "Each question needs a place of its own."


class BadWording(errors.Unprocessable):
    code = "bad-wording"
    zh = "题目要有中文和英文两种文字，各不超过 {most} 个字符。"
    en = "A question needs its words in Chinese and in English, at most {most} characters each."
