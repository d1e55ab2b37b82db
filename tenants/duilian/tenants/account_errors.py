"""What accounts and signing in refuse: passwords, codes, links, single sign-on. Each says what to do."""

from __future__ import annotations

from duilian.infra import errors


class LongPassword(errors.Unprocessable):
    code = "long-password"
    zh = "密码最多 {length} 个字符。"
    en = "A password has at most {length} characters."


class GuessablePassword(errors.Unprocessable):
    code = "guessable-password"
    zh = "这个密码太容易被猜到：它接近常见密码、姓名、日期或键盘顺序。可以用几个互不相关的词组成一句话。"
    en = "This password would soon be guessed: it is close to a common one, a name, a date or a row of keys. A few unrelated words make a good one."


class WrongCode(errors.Unprocessable):
    code = "wrong-code"
    zh = "验证码不正确、已过期或已使用过。请输入应用里当前显示的 6 位数字，或一个未用过的恢复码。"
    en = "This code is wrong, too old or was used before. Enter the six digits your app shows now, or an unused recovery code."


class SignInStepOver(errors.NotSignedIn):
    code = "sign-in-step-over"
    zh = "登录用时过长或尝试次数过多，请重新输入密码。"
    en = "Signing in took too long or was tried too often. Please enter your password again."


class LinkUsed(errors.NotFound):
    code = "account-link-used"
    zh = "这个链接已经用过、已过期，或被更新的链接取代。请在登录页重新申请。"
    en = "This link was used before, is too old, or a newer one replaced it. Please ask for another on the sign-in page."


class WrongPassword(errors.Unprocessable):
    code = "wrong-password"
    zh = "当前密码不正确。"
    en = "The current password is not right."


class NoProvider(errors.NotFound):
    code = "no-identity-provider"
    zh = "该企业没有启用单点登录，请用密码登录。"
    en = "This organisation does not use single sign-on. Please sign in with your password."


class ProviderUnreadable(errors.Unprocessable):
    code = "identity-provider-unreadable"
    zh = "无法读取身份提供方的配置（{reason}）。请核对签发者地址（issuer），它必须与提供方公布的完全一致。"
    en = "The identity provider's configuration cannot be read ({reason}). Check the issuer: it must be exactly what the provider publishes."


class VisitUnknown(errors.BadRequest):
    code = "sign-on-unknown"
    zh = "这次单点登录不是在此浏览器开始的，或已超过 10 分钟。请重新开始。"
    en = "This sign-in was not begun in this browser, or more than 10 minutes ago. Please begin again."


class ProviderRefused(errors.NotSignedIn):
    code = "identity-provider-refused"
    zh = "身份提供方拒绝了登录（{reason}）。请重试；若仍不行，请联系贵公司的管理员。"
    en = "The identity provider refused the sign-in ({reason}). Try again; if it goes on, ask your administrator."


class ProviderAnswer(errors.NotSignedIn):
    code = "identity-provider-answer"
    zh = "身份提供方的应答未通过校验（{reason}），因此没有登录。请重试；若仍不行，请把这句话转给贵公司的管理员。"
    en = "The identity provider's answer did not pass our checks ({reason}), so you were not signed in. Try again; if it goes on, pass this on to your administrator."


class UnverifiedEmail(errors.NotSignedIn):
    code = "identity-email-unverified"
    zh = "身份提供方没有确认您的邮箱地址。请先在那里验证邮箱，再重新登录。"
    en = "The identity provider has not verified your e-mail address. Verify it there, then sign in again."


class NotAMember(errors.NotSignedIn):
    code = "identity-not-a-member"
    zh = "您的身份已确认，但该企业还没有您的账号。请联系贵公司的管理员邀请您。"
    en = "You are who you say, but this organisation has no account for you. Please ask your administrator to invite you."
