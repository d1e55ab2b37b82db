"""Cleaning (清洗) of what spreadsheets hold: one text for one meaning, and nothing invented."""

from __future__ import annotations

import html
import re
import unicodedata
from datetime import date, datetime

TAG = re.compile(
    r"</?(?:p|br|div|span|b|i|u|em|strong|ul|ol|li|font|a|h[1-6]|table|tr|td|th)\b[^<>]{0,400}>", re.I
)
BREAK = re.compile(r"<(?:br|/p|/div|/li|/tr|/h[1-6])\b[^<>]{0,40}>", re.I)
# Kept by us: line feed. Gone: controls, zero-width characters, direction marks, the byte order mark.
INVISIBLE = re.compile(
    r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\ufffe\uffff]"
)
FULL_WIDTH = {
    code: code - 0xFEE0 for code in [*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B)]
}
ERRORS = frozenset({"#N/A", "#VALUE!", "#REF!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!"})
DATES = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日", "%Y%m%d", "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M",
         "%Y-%m-%dT%H:%M:%S", "%d %b %Y")  # fmt: skip
HAN = re.compile(r"[\u3400-\u9fff]")
LEAST_HAN = 0.15  # of the letters: a Chinese answer with English terms in it is a Chinese answer


def clean_text(raw: str) -> str:
    """Markup, controls and full-width letters and digits gone, spaces single, lines trimmed."""
    text = BREAK.sub("\n", raw.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "))
    text = html.unescape(TAG.sub("", text))
    text = INVISIBLE.sub("", unicodedata.normalize("NFC", text)).replace("\u3000", " ").replace("\xa0", " ")
    lines = [re.sub(r" {2,}", " ", line).strip() for line in text.translate(FULL_WIDTH).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def compared(text: str) -> str:
    """What decides whether two answers are the same: letters and digits alone, whatever their case and width."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(ch for ch in plain if ch.isalnum())


def number_of(raw: str) -> float | None:
    """A number as people write it: "８５", "85分", "1,024", "85 / 100", "90%". None where it is none."""
    text = (
        unicodedata.normalize("NFKC", raw)
        .strip()
        .replace(",", "")
        .removesuffix("分")
        .removesuffix("%")
        .strip()
    )
    text = text.partition("/")[0].strip()
    return float(text) if re.fullmatch(r"[-+]?\d{1,9}(\.\d{1,9})?", text) else None


def date_of(raw: str) -> date | None:
    """None where it is no date of one of the usual forms."""
    text = unicodedata.normalize("NFKC", raw).strip()
    for form in DATES:
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007  # a day has no zone
        except ValueError:
            continue
    return None


def language_of(text: str) -> str:
    """zh or en by the share of Chinese characters among the letters."""
    letters = [ch for ch in text if ch.isalpha()]
    return "zh" if letters and len(HAN.findall(text)) / len(letters) >= LEAST_HAN else "en"
