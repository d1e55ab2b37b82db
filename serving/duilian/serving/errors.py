"""What can go wrong in the model tier, each with a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Mapping

from duilian.infra.errors import Problem


class UnknownModel(Problem):
    status = 404
    code = "unknown-model"
    zh = "没有名为 {name} 的模型。可用的模型：{known}。"
    en = "There is no model named {name}. Known models: {known}."


class NoCaptioner(Problem):
    status = 500
    code = "no-captioner"
    zh = "模型 {name} 不是 Whisper，不能生成字幕。请将 DUILIAN_CAPTION_MODEL 设为 Whisper 模型，例如 whisper-base。"
    en = "Model {name} is no Whisper and cannot caption. Set DUILIAN_CAPTION_MODEL to one, such as whisper-base."


class ModelMissing(Problem):
    """A file of the model is not on this machine."""

    status = 503
    code = "model-unavailable"
    zh = "模型 {name} 尚未下载（{folder} 中缺少 {file}）。请运行：duilian models pull {name}"
    en = "Model {name} has not been pulled ({file} is missing in {folder}). Run: duilian models pull {name}"


class ModelBroken(Problem):
    """A file is there, with other bytes than the manifest pins."""

    status = 503
    code = "model-broken"
    zh = "模型文件 {file} 已损坏：应为 sha256 {expected}，实为 {got}。请删除它并重新运行：duilian models pull {name}"
    en = (
        "The model file {file} is damaged: expected sha256 {expected}, got {got}. "
        "Run again: duilian models pull {name}"
    )


class BrokenDownload(Problem):
    """A source delivered other bytes than the manifest pins; nothing was put in place."""

    status = 502
    code = "broken-download"
    zh = "{source} 提供的 {file} 不正确：应为 sha256 {expected}，实为 {got}。未作任何更改；请重试，或指定其他来源。"
    en = (
        "{file} from {source} is not the pinned file: expected sha256 {expected}, got {got}. "
        "Nothing was changed; run the pull again, or name another source."
    )


class NoSource(Problem):
    """Every source was tried. reasons: one sentence per source."""

    status = 502
    code = "no-source"
    zh = "无法取得 {file}。已尝试：{reasons}。请检查网络，或用 --folder 指定本地文件夹。"
    en = "{file} could not be fetched. Tried: {reasons}. Check the network, or name a local folder with --folder."


class DiskFull(Problem):
    """needed, free: bytes."""

    status = 507
    code = "disk-full"
    zh = "{folder} 所在磁盘空间不足：需要 {needed:,} 字节，剩余 {free:,} 字节。请腾出空间，或用 --models-dir 指定其他目录。"
    en = (
        "The disk of {folder} is too full: {needed:,} bytes are needed, {free:,} are free. "
        "Make room, or name another folder with --models-dir."
    )


class AdapterBroken(Problem):
    """Bytes that are no adapter, or one for another encoder."""

    status = 422
    code = "adapter-broken"
    zh = "编码器适配器 {sha256} 无法使用：{reason}。请重新训练。"
    en = "The encoder adapter {sha256} cannot be used: {reason}. Train it again."


class MissingMedia(Problem):
    status = 404
    code = "missing-media"
    zh = "没有这个文件：{file}"
    en = "There is no such file: {file}"


class BrokenMedia(Problem):
    """A container that cannot be read, an empty file, or one without the track that is asked for."""

    status = 422
    code = "broken-media"
    zh = "无法读取该媒体文件：{reason}。请重新录制或转换后再试。"
    en = "This media file cannot be read: {reason}. Record it again, or convert it first."


class TooLong(Problem):
    """seconds: how long it is (at least); limit: how long it may be."""

    status = 413
    code = "too-long"
    zh = "媒体时长超过上限（{limit:.0f} 秒）。请剪短后再试。"
    en = "The media is longer than the limit of {limit:.0f} seconds. Shorten it and try again."


class Relayed(Problem):
    """What the model tier said. chinese: the same reason for a Chinese reader, where the tier gave one."""

    def __init__(self, *, reason: str, chinese: str = "", **params: object) -> None:
        self._chinese = chinese
        super().__init__(reason=reason, **params)

    def sentence(self, locale: str) -> str:
        if self._chinese and locale.startswith("zh"):
            return self.zh.format(**{**self.params, "reason": self._chinese})
        return super().sentence(locale)


class ServingUnavailable(Relayed):
    """The model tier does not answer, or its models are not loaded; the caller may try again later."""

    status = 503
    code = "serving-unavailable"
    zh = "模型服务暂时不可用：{reason}。请稍后再试。"
    en = "The model tier is unavailable: {reason}. Try again later."

    def __init__(self, *, reason: str, retry_after: float = 5, chinese: str = "") -> None:
        super().__init__(reason=reason, chinese=chinese)
        self.headers = {"Retry-After": str(round(retry_after) or 5)}


class ServingFailed(Relayed):
    """The model tier broke on this request (its process ended, an error of ours). failure: its code.

    Unlike an outage it is tried again a few times only: the same request may break the next process too.
    """

    status = 500
    code = "serving-failed"
    zh = "模型服务处理该请求时出错（{failure}）：{reason}"
    en = "The model tier failed on this request ({failure}): {reason}"


class ServingRefused(Problem):
    """The model tier understood and refused. refusal: its code ("bad-request", "too-long", …)."""

    status = 422
    code = "serving-refused"
    zh = "模型服务拒绝处理（{refusal}）：{reason}"
    en = "The model tier refused ({refusal}): {reason}"


class Busy(Problem):
    """Too many calls wait for one model."""

    status = 503
    code = "busy"
    zh = "模型服务繁忙（{waiting} 个请求正在等待）。请稍后再试。"
    en = "The model tier is busy ({waiting} calls are waiting). Try again later."
    headers: Mapping[str, str] = {"Retry-After": "5"}


class TooSlow(Problem):
    """The step did not answer within its time (DUILIAN_STEP_SECONDS), waiting included."""

    status = 503
    code = "too-slow"
    zh = "模型在 {seconds} 秒内没有完成。请稍后再试。"
    en = "The model did not finish within {seconds} seconds. Try again later."
    headers: Mapping[str, str] = {"Retry-After": "5"}


class OutOfMemory(Problem):
    """There was no memory for this call; the next, smaller one may succeed."""

    status = 503
    code = "out-of-memory"
    zh = "模型服务内存不足，无法处理该请求。请减少并发或增加内存。"
    en = "The model tier ran out of memory on this call. Lower its concurrency or give it more memory."
    headers: Mapping[str, str] = {"Retry-After": "5"}


class StepDied(Problem):
    """The process that worked on this call ended, and so did the one that tried again."""

    status = 500
    code = "step-died"
    zh = "处理该请求的模型进程意外退出（{step}：{reason}）。"
    en = "The process that worked on this call ended unexpectedly ({step}: {reason})."


class NoTritonEnvironment(Problem):
    status = 500
    code = "no-triton-environment"
    zh = "{folder} 中没有 Triton 环境。请运行：make triton"
    en = "There is no Triton environment in {folder}. Run: make triton"


class NoLanguageModel(Problem):
    status = 422
    code = "no-language-model"
    zh = "未配置大语言模型，因此不能使用这项功能。请设置 DUILIAN_LANGUAGE_URL。"
    en = "No language model is configured, and this needs one. Set DUILIAN_LANGUAGE_URL."


class LanguageModelDown(Problem):
    status = 503
    code = "language-model-down"
    zh = "大语言模型暂时不可用：{reason}"
    en = "The language model is unavailable: {reason}"
    headers: Mapping[str, str] = {"Retry-After": "5"}


class LanguageModelFailed(Problem):
    """It answered, but not what was asked for."""

    status = 502
    code = "language-model-failed"
    zh = "大语言模型未能给出可用的回答：{reason}"
    en = "The language model gave no usable answer: {reason}"


class BudgetSpent(Problem):
    """daily: tokens. seconds: until the next day (UTC)."""

    status = 429
    code = "budget-spent"
    zh = "今日的大语言模型额度（{daily} 个词元）已用完，明天恢复。"
    en = "Today's budget of {daily} tokens for the language model is spent; it begins anew tomorrow."

    def __init__(self, *, daily: int, seconds: int) -> None:
        super().__init__(daily=daily)
        self.headers = {"Retry-After": str(seconds)}
