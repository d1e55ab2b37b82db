"""What training and releasing refuse."""

from __future__ import annotations

from duilian.infra import errors


class TooFewToTrain(errors.Unprocessable):
    code = "too-few-to-train"
    zh = "这项能力目前有 {found} 条标注，至少需要 {least} 条才能训练。"
    en = "This competency has {found} labels; training needs at least {least}."


class DatasetChanged(errors.Conflict):
    code = "dataset-changed"
    zh = "数据集版本中的标注已有改动，或有人撤回了同意。请用现有标注重新训练。"
    en = "Labels of this dataset version were changed, or a person withdrew. Train again from the labels as they are now."


class RunNotDone(errors.Conflict):
    code = "run-not-done"
    zh = "这次训练没有产生可用的模型。"
    en = "This run has no model to release."


class GateClosed(errors.Conflict):
    """gates: their names, for programs."""

    code = "gate-closed"
    zh = "这个模型有 {count} 项检查没有通过，详见它的检查结果。没有通过的检查不能绕过。"
    en = "This model failed {count} of its checks; its page names them. A failed check cannot be overridden."


class ReasonNeeded(errors.Unprocessable):
    code = "reason-needed"
    zh = "有检查项带警告，请写明理由（至少 {least} 个字）。"
    en = "Some gates carry warnings. Give a reason of at least {least} characters."


class OtherInForce(errors.Conflict):
    code = "other-in-force"
    zh = "训练之后，启用的评分已经换了，这个模型还没有与现在的比较过。请重新训练。"
    en = "What is in force has changed since this model was trained, and they were never compared. Train again."


class ShadowShort(errors.Unprocessable):
    code = "shadow-short"
    zh = "影子运行到现在只评了 {live} 个真实答案（应有 {least} 个）。要现在启用，请写明理由（至少 {length} 个字）。"
    en = "In the shadow it has judged {live} live answers ({least} are asked for). To put it into force now, give a reason of at least {length} characters."


class NotInShadow(errors.Conflict):
    code = "not-in-shadow"
    zh = "模型须先经过影子运行才能启用。"
    en = "A model must run in the shadow before it is promoted."


class RunOver(errors.Conflict):
    code = "run-over"
    zh = "这次训练已经结束，不能取消。"
    en = "This run is over and cannot be cancelled."


class NothingInForce(errors.Conflict):
    code = "nothing-in-force"
    zh = "这项能力没有启用中的模型，没有可回退的。"
    en = "No model is in force for this competency; there is nothing to go back from."


class AlreadyReleased(errors.Conflict):
    code = "already-released"
    zh = "这个模型已经启用或正在影子运行。"
    en = "This model is in force or in the shadow already."


class TooFewToAdapt(errors.Unprocessable):
    code = "too-few-to-adapt"
    zh = "微调编码器至少需要 {least} 条标注，目前有 {found} 条。"
    en = "Adapting the encoder needs at least {least} labels; there are {found}."


class OtherLanguage(errors.Unprocessable):
    code = "other-language"
    zh = "可微调的编码器只懂英语，而 {labels} 条标注中有 {found} 条是其他语言。"
    en = "The encoder that can be adapted reads English; {found} of {labels} labelled answers are in another language."


class TrainingEnvironmentMissing(errors.Conflict):
    code = "training-environment-missing"
    zh = "没有微调环境（{python}）。请在服务器上运行 make training，或用 DUILIAN_TRAINING_PYTHON 指明它的 Python。"
    en = "There is no training environment ({python}). Run make training on the server, or name its Python by DUILIAN_TRAINING_PYTHON."


class AdapterFailed(errors.Unprocessable):
    code = "adapter-failed"
    zh = "微调编码器失败：{reason}"
    en = "Adapting the encoder failed: {reason}"


class AdapterTooSlow(errors.Unprocessable):
    code = "adapter-too-slow"
    zh = "微调编码器超过 {seconds:.0f} 秒仍未完成，已停止。可用 DUILIAN_ADAPTER_SECONDS 放宽时限。"
    en = "Adapting the encoder took longer than {seconds:.0f} seconds and was stopped. DUILIAN_ADAPTER_SECONDS allows more."
