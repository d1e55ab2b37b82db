"""What recruiting refuses."""

from __future__ import annotations

from duilian.infra import errors


class BadLink(errors.NotFound):
    code = "bad-link"
    zh = "这个面试链接无效。请从邀请邮件里完整复制链接，或联系邀请您的企业。"
    en = "This interview link is not valid. Please copy it in full from your invitation, or ask the employer."


class AlreadyInvited(errors.Conflict):
    code = "already-invited"
    zh = "{email} 已有一个未完成的同题组邀请。"
    en = "{email} already has an open invitation to this question set."


class BadRow(errors.Unprocessable):
    code = "bad-row"
    zh = "第 {row} 行：{reason_zh}"
    en = "Row {row}: {reason_en}"
