"""What can go wrong with keys."""

from __future__ import annotations

from duilian.infra.errors import Problem, Unavailable


class KeyUnusable(Problem):
    code = "key-unusable"
    zh = "密钥无法使用：{reason}"
    en = "The key cannot be used: {reason}"


class KeyDestroyed(KeyUnusable):
    """There is no such key, or it may never be used again."""

    status = 410
    code = "key-destroyed"
    zh = "密钥不存在或已被销毁，用它加密的内容无法再打开。"
    en = "The key does not exist or was destroyed; what it sealed cannot be opened again."


class KeyServiceDown(Unavailable):
    """The key service does not answer, or not us. The exception it was raised from says why."""

    code = "key-service-down"
    zh = "密钥服务暂时不可用，请稍后再试。"
    en = "The key service is unavailable for the moment. Please try again shortly."


class KeyOutdated(Unavailable):
    """Something is sealed with a newer version than was known when this work began."""

    code = "key-outdated"
    zh = "密钥刚刚轮换，请再试一次。"
    en = "The key was rotated a moment ago. Please try again."
