"""Letters: what is mailed to people, from the words below `mail.<kind>` in their language and the employer's brand.

A kind has `subject`, paragraphs `p1`, `p2` …, `action` (the words of the one link), `note` (small) and `foot` (last);
any but the subject may be missing. The text part says the same as the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from duilian.infra.smtp import Mail
from duilian.platform.web import pages, words

RULE = "—"


@dataclass(frozen=True)
class Sender:
    """The employer as a letter shows it. colour: #rrggbb with enough contrast to white; contact: may be empty."""

    name: Mapping[str, str]
    colour: str
    contact: str = ""

    @staticmethod
    def of(name: Mapping[str, str], brand: Mapping[str, Any]) -> Sender:
        """From a tenant's name and brand. Any: the brand is a checked document."""
        return Sender(name, brand["primary"], brand.get("contact", ""))

    def called(self, locale: str) -> str:
        return self.name.get(locale) or next(iter(self.name.values()))


@dataclass(frozen=True)
class Reader:
    name: str
    email: str
    locale: str


def write(kind: str, reader: Reader, sender: Sender, link: str = "", **params: object) -> Mail:
    """Raises KeyError for a kind without words."""
    employer = sender.called(reader.locale)
    found = words.section(reader.locale, f"mail.{kind}.")
    said = {key: text.format(name=reader.name, employer=employer, **params) for key, text in found.items()}
    paragraphs = [said[key] for key in sorted(said) if key.startswith("p")]
    note, foot = said.get("note", ""), said.get("foot") or words.t(reader.locale, "mail.foot")
    action = (said["action"], link) if link else None
    html = pages.html(
        "letter.html",
        reader.locale,
        employer=employer,
        colour=sender.colour,
        paragraphs=paragraphs,
        action=action,
        note=note,
        contact=sender.contact,
        foot=foot,
    )
    return Mail(
        to=reader.email,
        name=reader.name,
        subject=said["subject"],
        text=_text(employer, sender.contact, paragraphs, action, note, foot),
        html=html,
        sender=employer,
        reply_to=sender.contact if "@" in sender.contact else "",
    )


def _text(
    employer: str, contact: str, paragraphs: list[str], action: tuple[str, str] | None, note: str, foot: str
) -> str:
    parts = [*paragraphs]
    if action:
        parts.append(f"{action[0]}\n{action[1]}")
    if note:
        parts.append(note)
    parts.append(f"{RULE}\n{employer}" + (f"\n{contact}" if contact else ""))
    parts.append(foot)
    return "\n\n".join(parts) + "\n"
