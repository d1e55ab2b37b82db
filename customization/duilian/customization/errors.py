"""What the content domain refuses."""

from __future__ import annotations

from duilian.infra import errors


class BadPack(errors.Unprocessable):
    code = "bad-pack"
    zh = "题组文件 {file} 有误，位置 {where}：{reason}"
    en = "The question set {file} is not valid at {where}: {reason}"


class UnknownSet(errors.NotFound):
    code = "unknown-question-set"
    zh = "没有已发布的题组「{key}」。可用的题组：{known}。"
    en = "There is no published question set “{key}”. Published sets: {known}."
