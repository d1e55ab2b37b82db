"""What the anchor set refuses."""

from __future__ import annotations

from duilian.infra import errors


class NotSettled(errors.Conflict):
    code = "not-settled"
    zh = "只有两位评分者一致、或经过裁定的答案，才能作为锚定答案。"
    en = "Only an answer on which two raters agree, or that was adjudicated, can be an anchor."
