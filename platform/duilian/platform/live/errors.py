"""What a live view refuses."""

from __future__ import annotations

from duilian.infra import errors


class LiveNotAllowed(errors.Forbidden):
    code = "live-not-allowed"
    zh = "按这场面试适用的规则，不能实时观看。"
    en = "By the rules of this interview it cannot be followed live."
