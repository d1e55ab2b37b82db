"""What opening a tenant alone refuses. Each says what to do."""

from __future__ import annotations

from duilian.infra import errors


class StartClosed(errors.NotFound):
    code = "start-closed"
    zh = "这里不支持自助开通，请联系我们。"
    en = "Tenants are not opened by self-service here. Please contact us."


class DraftGone(errors.NotFound):
    code = "draft-gone"
    zh = "没有找到您填写的内容：可能已过期，或在另一个浏览器里继续了。请重新开始，或打开邮件里的链接。"
    en = "What you filled in was not found: it may be too old, or it went on in another browser. Begin again, or open the link in the letter."


class WrongStartCode(errors.Unprocessable):
    code = "wrong-start-code"
    zh = "验证码不正确或已过期，还可以试 {left} 次。"
    en = "The code is wrong or too old. Tries left: {left}."


class CodeUsedUp(errors.Unprocessable):
    code = "start-code-used-up"
    zh = "这个验证码试错次数过多，已经作废。请重新发送。"
    en = "This code was tried too often and is void. Send a new one."


class NoSamples(errors.Unprocessable):
    code = "no-samples"
    zh = "这套题没有准备好的示例回答，无法试跑。"
    en = "There are no prepared answers for this question set, so it cannot be run dry."


class Missing(errors.Unprocessable):
    """field: of the form."""

    code = "missing"
    zh = "请填写此项。"
    en = "Please fill this in."
