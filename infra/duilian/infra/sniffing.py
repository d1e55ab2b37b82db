"""What bytes are, told from the bytes (内容嗅探): a name or a Content-Type is only a claim.

Media by their first bytes, pictures by their signature, SVG by everything in it, text by being decodable. Signatures
after the WHATWG MIME Sniffing standard and the formats' own specifications (RFC 8794 for EBML, ISO/IEC 14496-12).
"""

from __future__ import annotations

import re
from enum import StrEnum
from xml.etree import ElementTree

from duilian.infra.errors import Unprocessable


class Kind(StrEnum):
    """The media type under which such bytes may be served."""

    WEBM = "video/webm"
    MP4 = "video/mp4"
    OGG = "audio/ogg"
    WAV = "audio/wav"
    MP3 = "audio/mpeg"
    FLAC = "audio/flac"
    PNG = "image/png"
    JPEG = "image/jpeg"
    WEBP = "image/webp"
    SVG = "image/svg+xml"


class ContentMismatch(Unprocessable):
    code = "content-mismatch"
    zh = "内容与声明的类型（{claimed}）不符，已拒绝。"
    en = "The content is not what it claims to be ({claimed}) and was refused."


class UnknownMediaType(Unprocessable):
    code = "unknown-media-type"
    zh = "不支持的录制格式：{claimed}。"
    en = "Recordings of this kind are not accepted: {claimed}."


class NotText(Unprocessable):
    code = "not-text"
    zh = "这不是文本文件。请保存为 UTF-8 编码的 CSV 或纯文本后重新上传。"
    en = "This is no text file. Save it as CSV or plain text in UTF-8 and upload it again."


class UnsafePicture(Unprocessable):
    """reason: one technical word, e.g. the name of an SVG element."""

    code = "unsafe-picture"
    zh = "图片无法使用（{reason}）。请上传 PNG、JPEG、WebP，或不含脚本和外部引用的 SVG。"
    en = "The picture cannot be used ({reason}). Upload PNG, JPEG, WebP, or SVG without scripts and outside references."


# What a recorder may claim → what the bytes must be. Audio in a container of both is that container.
RECORDED: dict[str, Kind | None] = {
    "video/webm": Kind.WEBM, "audio/webm": Kind.WEBM, "video/mp4": Kind.MP4, "audio/mp4": Kind.MP4,
    "audio/ogg": Kind.OGG, "audio/wav": Kind.WAV, "audio/mpeg": Kind.MP3, "audio/flac": Kind.FLAC,
    "application/octet-stream": None,  # claims nothing; what it is will be found when it is read
}  # fmt: skip
# (offset, bytes) in order of certainty.
_SIGNATURES: list[tuple[Kind, list[tuple[int, bytes]]]] = [
    (Kind.WEBM, [(0, b"\x1a\x45\xdf\xa3")]),
    (Kind.MP4, [(0, b"\0\0"), (4, b"ftyp")]),
    (Kind.OGG, [(0, b"OggS")]),
    (Kind.WAV, [(0, b"RIFF"), (8, b"WAVE")]),
    (Kind.FLAC, [(0, b"fLaC")]),
    (Kind.PNG, [(0, b"\x89PNG\r\n\x1a\n"), (12, b"IHDR")]),
    (Kind.JPEG, [(0, b"\xff\xd8\xff")]),
    (Kind.WEBP, [(0, b"RIFF"), (8, b"WEBP")]),
    (Kind.MP3, [(0, b"ID3")]),
]
_MPEG_FRAME = re.compile(rb"\xff[\xe2-\xff]")  # eleven set bits, then a layer


def kind_of(data: bytes) -> Kind | None:
    """None for what is none of ours. SVG is not guessed: see `checked_picture`."""
    for kind, marks in _SIGNATURES:
        if all(data[at : at + len(mark)] == mark for at, mark in marks):
            return kind
    return Kind.MP3 if _MPEG_FRAME.match(data) else None


def base_type(content_type: str) -> str:
    """Without parameters: "video/webm;codecs=vp8" → "video/webm"."""
    return content_type.partition(";")[0].strip().lower()


def require_known_media(content_type: str) -> None:
    """Raises UnknownMediaType."""
    if base_type(content_type) not in RECORDED:
        raise UnknownMediaType(claimed=base_type(content_type)[:60])


def require_media(beginning: bytes, content_type: str) -> None:
    """The first bytes of a recording are what it claims. Raises ContentMismatch, UnknownMediaType.

    A recorder may hand out a piece that ends inside the signature: then what there is must agree.
    """
    require_known_media(content_type)
    kind = RECORDED[base_type(content_type)]
    if kind is None or kind_of(beginning) == kind or _could_become(beginning, kind):
        return
    raise ContentMismatch(claimed=base_type(content_type))


def _could_become(beginning: bytes, kind: Kind) -> bool:
    marks = next(marks for known, marks in _SIGNATURES if known == kind)
    if len(beginning) >= max(at + len(mark) for at, mark in marks):
        return False
    return all(mark.startswith(beginning[at : at + len(mark)]) for at, mark in marks)


def text_of(data: bytes) -> str:
    """An uploaded text: UTF-8 with or without a mark, else GB18030 as Chinese office programs save. Raises NotText."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if _CONTROL.search(text) is None:
            return text
    raise NotText


_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
_SVG = "{http://www.w3.org/2000/svg}"
_SHAPES = {
    "svg", "g", "defs", "symbol", "use", "title", "desc", "path", "rect", "circle", "ellipse", "line", "polyline",
    "polygon", "text", "tspan", "clipPath", "mask", "linearGradient", "radialGradient", "stop",
}  # fmt: skip
_LEADS_OUT = re.compile(r"""url\(\s*["']?(?!#)|javascript:|data:|@import|expression\(""", re.IGNORECASE)


def checked_picture(data: bytes, limit: int = 512 * 1024) -> Kind:
    """PNG, JPEG, WebP, or an SVG that only draws; at most `limit` bytes. Raises UnsafePicture."""
    if len(data) > limit:
        raise UnsafePicture(reason=f"> {limit // 1024} KiB")
    kind = kind_of(data)
    if kind is Kind.PNG or kind is Kind.JPEG or kind is Kind.WEBP:
        return kind
    _require_plain_svg(data)
    return Kind.SVG


def _require_plain_svg(data: bytes) -> None:
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data or b"<?xml-stylesheet" in data:
        raise UnsafePicture(reason="DOCTYPE")
    try:
        root = ElementTree.fromstring(data)  # noqa: S314  # no entity can be declared without a DOCTYPE
    except (ElementTree.ParseError, ValueError) as error:
        raise UnsafePicture(reason="XML") from error
    if root.tag != _SVG + "svg":
        raise UnsafePicture(reason="svg")
    for element in root.iter():
        _require_shape(element)


def _require_shape(element: ElementTree.Element) -> None:
    """A shape of the list, whose attributes run nothing and fetch nothing."""
    name = str(element.tag).removeprefix(_SVG)
    if name not in _SHAPES:
        raise UnsafePicture(reason=name[:40])
    for attribute, value in element.attrib.items():
        local = attribute.rpartition("}")[2].lower()
        if local.startswith("on") or _LEADS_OUT.search(value):
            raise UnsafePicture(reason=local[:40])
        if local == "href" and not value.startswith("#"):
            raise UnsafePicture(reason="href")
