"""Bytes are what they are, whatever they are called."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest

from duilian.infra import sniffing
from duilian.infra.sniffing import ContentMismatch, Kind, NotText, UnknownMediaType, UnsafePicture

SPEECH = Path(__file__).parents[1] / "fixtures" / "speech" / "zh" / "weak" / "complaint" / "01.webm"
HEADS = {
    Kind.WEBM: b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01",
    Kind.MP4: b"\0\0\0\x18ftypiso5",
    Kind.OGG: b"OggS\0\x02",
    Kind.WAV: b"RIFF\x24\x08\0\0WAVEfmt ",
    Kind.MP3: b"\xff\xfb\x90\x64",
    Kind.FLAC: b"fLaC\0\0\0\x22",
}


def png() -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0\0"))
        + chunk(b"IEND", b"")
    )


def svg(inside: str, attributes: str = "") -> bytes:
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9" {attributes}>{inside}</svg>'.encode()


@pytest.mark.parametrize("kind", HEADS)
def test_media_are_told_by_their_first_bytes(kind: Kind) -> None:
    assert sniffing.kind_of(HEADS[kind]) == kind


def test_a_real_recording_is_what_it_claims() -> None:
    sniffing.require_media(SPEECH.read_bytes()[:4096], "audio/webm;codecs=opus")


@pytest.mark.parametrize("claimed", [c for c, kind in sniffing.RECORDED.items() if kind is not None])
def test_every_other_kind_is_refused_under_a_claim(claimed: str) -> None:
    for kind, head in HEADS.items():
        if kind == sniffing.RECORDED[claimed]:
            sniffing.require_media(head, claimed)
        else:
            with pytest.raises(ContentMismatch):
                sniffing.require_media(head, claimed)
    for bad in (b"<!doctype html><script>", b"MZ\x90\0", b"\x7fELF", b"this is no recording", b"PK\x03\x04"):
        with pytest.raises(ContentMismatch):
            sniffing.require_media(bad, claimed)


def test_a_piece_that_ends_inside_the_signature_must_agree() -> None:
    sniffing.require_media(b"\x1a", "video/webm")
    sniffing.require_media(b"RIFF\x24\x08", "audio/wav")
    with pytest.raises(ContentMismatch):
        sniffing.require_media(b"\x1b", "video/webm")


@pytest.mark.parametrize("claimed", ["text/html", "image/svg+xml", "", "video/x-msvideo"])
def test_claims_that_no_recorder_makes_are_refused(claimed: str) -> None:
    with pytest.raises(UnknownMediaType):
        sniffing.require_media(HEADS[Kind.WEBM], claimed)


def test_text_as_office_programs_save_it() -> None:
    assert sniffing.text_of("姓名,邮箱\r\n".encode("utf-8-sig")) == "姓名,邮箱\r\n"
    assert sniffing.text_of("姓名,邮箱\r\n".encode("gb18030")) == "姓名,邮箱\r\n"


@pytest.mark.parametrize(
    "data", [b"PK\x03\x04\x14\0\x06\0", png(), b"a,b\0c", b"\xff\xfe\xfd", "a,b".encode("utf-16")]
)
def test_what_is_no_text_is_refused(data: bytes) -> None:
    with pytest.raises(NotText):
        sniffing.text_of(data)


def test_pictures_that_only_draw_are_accepted() -> None:
    assert sniffing.checked_picture(png()) == Kind.PNG
    assert sniffing.checked_picture(b"\xff\xd8\xff\xe0\0\x10JFIF") == Kind.JPEG
    drawn = svg(
        '<defs><linearGradient id="a"><stop offset="1" stop-color="red"/></linearGradient></defs>'
        '<path d="M0 0h9" fill="url(#a)"/><use href="#b"/>'
    )
    assert sniffing.checked_picture(drawn) == Kind.SVG


@pytest.mark.parametrize(
    "data",
    [
        svg("<script>alert(1)</script>"),
        svg("", 'onload="alert(1)"'),
        svg('<path d="" onClick="x()"/>'),
        svg("<foreignObject><b xmlns='http://www.w3.org/1999/xhtml'>x</b></foreignObject>"),
        svg("<style>@import 'https://x.example/a.css';</style>"),
        svg('<image href="https://x.example/a.png"/>'),
        svg('<use href="https://x.example/a.svg#a"/>'),
        svg('<use xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="data:image/svg+xml,x"/>'),
        svg('<rect fill="url(https://x.example/a)"/>'),
        svg("<rect style=\"background:URL( 'https://x.example')\"/>"),
        svg('<a href="javascript:alert(1)"><path d=""/></a>'),
        svg('<animate attributeName="href" to="javascript:alert(1)"/>'),
        b'<!DOCTYPE svg [<!ENTITY a "aaaa">]>' + svg("&a;"),
        b'<?xml-stylesheet href="https://x.example/a.css"?>' + svg(""),
        b"<svg><path/></svg>",
        b"GIF89a",
        b"<html></html>",
        png() + b"x" * 600_000,
    ],
)
def test_pictures_that_do_more_are_refused(data: bytes) -> None:
    with pytest.raises(UnsafePicture):
        sniffing.checked_picture(data)
