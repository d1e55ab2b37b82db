"""Words for people, in Chinese and English: `t(locale, "welcome.title", job=…)`.

One YAML file per language and part of the product; the keys of both languages are compared by a test.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

LOCALES = ("zh-CN", "en")
HERE = Path(__file__).parent / "words"


@cache
def catalogue(locale: str) -> dict[str, str]:
    """All words of a language by dotted key."""
    found: dict[str, str] = {}
    for file in sorted(HERE.glob(f"*.{locale}.yaml")):
        found |= _flat("", yaml.safe_load(file.read_text("utf-8")))
    return found


def _flat(prefix: str, part: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in part.items():
        if isinstance(value, dict):
            found |= _flat(f"{prefix}{key}.", value)
        else:
            found[f"{prefix}{key}"] = str(value)
    return found


def t(locale: str, key: str, **params: object) -> str:
    """Raises KeyError for a key that does not exist: a missing word is found by the first test that sees it."""
    words = catalogue(locale)[key]
    return words.format(**params) if "{" in words else words


@cache
def section(locale: str, prefix: str) -> dict[str, str]:
    """The words below a prefix, for scripts on the page; keys keep their dots, without the prefix."""
    return {k.removeprefix(prefix): v for k, v in catalogue(locale).items() if k.startswith(prefix)}


def preferred(accept_language: str | None, default: str = "zh-CN") -> str:
    """The reader's language by RFC 9110 §12.5.4, among ours."""
    best: tuple[float, str] = (0.0, default)
    for item in (accept_language or "").split(","):
        name, _, weight = item.strip().partition(";q=")
        quality = float(weight) if weight.replace(".", "", 1).isdigit() else 1.0
        match = next((locale for locale in LOCALES if name.lower()[:2] == locale[:2].lower() and name), None)
        if match and quality > best[0]:
            best = (quality, match)
    return best[1]
