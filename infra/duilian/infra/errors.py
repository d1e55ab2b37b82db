"""One base for everything that can go wrong and that a person must be told about.

Problem
 ├─ BadRequest 400      the input is malformed
 ├─ NotSignedIn 401     nobody, or a session that ended
 ├─ Forbidden 403       a member without the right
 ├─ NotFound 404        no such thing, or another tenant's (never told apart)
 ├─ Conflict 409        the state does not allow it
 ├─ TooLarge 413        more bytes than we take
 ├─ Unprocessable 422   understood, and refused for a reason
 ├─ TooManyRequests 429 wait as long as Retry-After says
 └─ Unavailable 503     a part of ours is down; try again

Subclasses set `code` (kebab-case, stable, part of the API) and the sentence in both languages: what happened
and what to do. Keyword parameters fill the templates and travel in the problem document (RFC 9457).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import ClassVar


class Problem(Exception):
    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    zh: ClassVar[str] = "系统出了问题，我们已记录。请稍后再试。"
    en: ClassVar[str] = "Something went wrong on our side and was recorded. Please try again later."
    headers: Mapping[str, str] = {}

    def __init__(self, **params: object) -> None:
        self.params = params
        super().__init__(f"{self.code}: {self.sentence('en')}")

    def __reduce__(self) -> tuple[partial[Problem], tuple[()]]:
        """It may cross from one process to another."""
        return partial(type(self), **self.params), ()

    def sentence(self, locale: str) -> str:
        """The words for a reader of `locale` (zh-CN or en)."""
        template = self.zh if locale.startswith("zh") else self.en
        return template.format(**self.params)


class BadRequest(Problem):
    status = 400
    code = "bad-request"
    zh = "请求的内容不完整或格式不对：{reason}"
    en = "The request is incomplete or malformed: {reason}"


class NotSignedIn(Problem):
    status = 401
    code = "not-signed-in"
    zh = "请先登录。"
    en = "Please sign in first."


class Forbidden(Problem):
    status = 403
    code = "forbidden"
    zh = "您的角色没有这项权限，请联系贵公司的管理员。"
    en = "Your role does not include this. Please ask your administrator."


class NotFound(Problem):
    status = 404
    code = "not-found"
    zh = "没有找到该内容。链接可能不完整，或者内容已被删除。"
    en = "We could not find this. The link may be incomplete, or the item may have been removed."


class Conflict(Problem):
    status = 409
    code = "conflict"
    zh = "当前状态不允许这样做。"
    en = "This is not possible in the current state."


class Unprocessable(Problem):
    status = 422
    code = "unprocessable"
    zh = "内容无法处理：{reason}"
    en = "This cannot be processed: {reason}"


class TooManyRequests(Problem):
    """seconds: until it is worth trying again; sent as Retry-After."""

    status = 429
    code = "too-many-requests"
    zh = "请求过于频繁，请在 {seconds} 秒后再试。"
    en = "Too many requests. Please try again in {seconds} seconds."

    def __init__(self, *, seconds: int, **params: object) -> None:
        super().__init__(seconds=seconds, **params)
        self.headers = {"Retry-After": str(seconds)}


class TooLarge(Problem):
    status = 413
    code = "too-large"
    zh = "内容太大：上限为 {limit}。"
    en = "This is too large: the limit is {limit}."


class Unavailable(Problem):
    status = 503
    code = "unavailable"
    zh = "服务暂时不可用，请稍后再试。"
    en = "The service is unavailable for the moment. Please try again shortly."
    headers: Mapping[str, str] = {"Retry-After": "2"}
