"""The tenant's look: colours checked for contrast, words in both languages."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec

from duilian.infra.errors import Unprocessable

Colour = Annotated[str, msgspec.Meta(pattern=r"^#[0-9A-Fa-f]{6}$")]
Words = dict[str, str]
AA_NORMAL_TEXT = 4.5  # WCAG 2.2, 1.4.3


class LowContrast(Unprocessable):
    code = "low-contrast"
    zh = "颜色 {colour} 上的白色文字对比度只有 {ratio}，至少需要 4.5（WCAG 2.2 AA）。请选择更深的颜色，例如 {instead}。"
    en = "White text on {colour} has a contrast of {ratio}; 4.5 is needed (WCAG 2.2 AA). Choose a darker colour, such as {instead}."


class Brand(msgspec.Struct, frozen=True, kw_only=True):
    primary: Colour
    accent: Colour
    radius: Annotated[str, msgspec.Meta(pattern=r"^[0-9.]{1,5}(rem|px)$")] = "0.75rem"
    logo_text: Words
    tagline: Words
    welcome: Words
    contact: str
    thanks: Words = {}  # shown when the interview was handed in
    logo: str = ""  # the beginning of the picture's SHA-256: what it is called at /t/{slug}/logo

    def check(self) -> None:
        """Raises LowContrast."""
        ratio = contrast(self.primary, "#ffffff")
        if ratio < AA_NORMAL_TEXT:
            raise LowContrast(colour=self.primary, ratio=f"{ratio:.1f}", instead=readable(self.primary))

    def stylesheet(self) -> str:
        """CSS variables; the values were checked by pattern, so nothing else can enter."""
        return (
            f":root{{--tenant-primary:{self.primary};--tenant-primary-content:#ffffff;"
            f"--tenant-accent:{self.accent};--tenant-radius:{self.radius}}}\n"
        )


def contrast(one: str, other: str) -> float:
    """Contrast ratio, 1–21, of two #rrggbb colours (WCAG 2.2)."""
    bright, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def readable(colour: str) -> str:
    """The same hue as light as white text on it allows: #rrggbb."""
    channels = [int(part, 16) for part in re.findall(r"[0-9A-Fa-f]{2}", colour)]
    for share in range(100, -1, -2):
        darker = "#" + "".join(f"{channel * share // 100:02x}" for channel in channels)
        if contrast(darker, "#ffffff") >= AA_NORMAL_TEXT:
            return darker
    raise AssertionError("black is readable")


def _luminance(colour: str) -> float:
    parts = [int(part, 16) / 255 for part in re.findall(r"[0-9A-Fa-f]{2}", colour)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
