"""A learned model as a file: MessagePack of `Learned`; its version is the sha256 of its bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from duilian.infra.errors import Unprocessable
from duilian.serving.scoring.learned.model import Learned, Model


class ModelUnreadable(Unprocessable):
    code = "model-unreadable"
    zh = "{file} 不是评分模型，或已损坏：{reason}。请用 duilian lab train 重新训练。"
    en = "{file} is no scoring model, or it is damaged: {reason}. Train it again with duilian lab train."


class OtherEncoder(Unprocessable):
    code = "other-encoder"
    zh = "模型 {file} 是用编码器 {wanted} 训练的，而这里装的是 {found}。请重新训练。"
    en = "{file} was trained with the encoder {wanted}; here is {found}. Train it again."


def write(learned: Learned, path: Path) -> str:
    """Whole or not at all. Returns the sha256."""
    octets = msgspec.msgpack.encode(learned)
    beside = path.with_name(path.name + ".part")
    beside.write_bytes(octets)
    beside.replace(path)
    return hashlib.sha256(octets).hexdigest()


def read(path: Path) -> tuple[Learned, str]:
    """What is stored, and its sha256. Raises ModelUnreadable."""
    octets = path.read_bytes()
    try:
        return msgspec.msgpack.decode(octets, type=Learned), hashlib.sha256(octets).hexdigest()
    except msgspec.DecodeError as error:
        raise ModelUnreadable(file=path.name, reason=str(error)) from error


def ready(learned: Learned, file: str, encoder: dict[str, str]) -> Model:
    """The model, if the encoder here is the one that it was made with. Raises ModelUnreadable, OtherEncoder."""
    made = {learned.encoder: learned.encoder_version}
    if not made.items() <= encoder.items():
        raise OtherEncoder(file=file, wanted=made, found=encoder)
    try:
        return Model(learned)
    except (ValueError, LookupError, ArithmeticError) as error:
        raise ModelUnreadable(file=file, reason=str(error)) from error
