"""What reports refuse."""

from __future__ import annotations

from duilian.infra import errors


class NoReportYet(errors.NotFound):
    code = "no-report-yet"
    zh = "报告还没有生成（面试状态：{status}）。"
    en = "There is no report yet (status of the interview: {status})."


class NoRecording(errors.NotFound):
    code = "no-recording"
    zh = "这道题没有录制内容。"
    en = "There is no recording for this answer."


class BadRange(errors.Problem):
    status = 416
    code = "bad-range"
    zh = "请求的播放范围无效。"
    en = "The requested range lies outside the recording."
