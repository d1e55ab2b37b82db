"""What the lab refuses."""

from __future__ import annotations

from duilian.infra import errors


class TooFewAdjudicated(errors.Unprocessable):
    code = "too-few-adjudicated"
    zh = "校准至少需要 {least} 个经过裁定的答案，目前只有 {found} 个。"
    en = "A calibration needs at least {least} adjudicated answers; there are {found}."


class NoSuchLevel(errors.Unprocessable):
    code = "no-such-level"
    zh = "请选择 1 到 5 中的一个等级。"
    en = "Choose one of the levels 1 to 5."


class CalibrationClosed(errors.Conflict):
    code = "calibration-closed"
    zh = "这次校准已结束，不能再评分。"
    en = "This calibration is closed; nothing more can be rated in it."
