"""What the tenants domain refuses."""

from __future__ import annotations

from duilian.infra import errors


class UnknownTenant(errors.NotFound):
    code = "unknown-tenant"
    zh = "没有找到名为「{slug}」的企业，请核对企业代号。"
    en = "There is no organisation called “{slug}”. Please check its short name."


class SignInFailed(errors.NotSignedIn):
    code = "sign-in-failed"
    zh = "邮箱或密码不正确。"
    en = "The e-mail address or the password is not right."


class TooManyAttempts(errors.Problem):
    status = 429
    code = "too-many-attempts"
    zh = "尝试次数过多，请在 {minutes} 分钟后再试。"
    en = "Too many attempts. Please try again in {minutes} minutes."


class SlugTaken(errors.Conflict):
    code = "slug-taken"
    zh = "企业代号「{slug}」已被使用，请换一个。"
    en = "The short name “{slug}” is taken. Please choose another."


class WeakPassword(errors.Unprocessable):
    code = "weak-password"
    zh = "密码至少需要 {length} 个字符。"
    en = "A password needs at least {length} characters."


class BadSlug(errors.Unprocessable):
    code = "bad-slug"
    zh = "企业代号只能用小写字母、数字和连字符，2 到 40 个字符，以字母开头。"
    en = "A short name is 2 to 40 lower-case letters, digits and hyphens, starting with a letter."
