"""The first step: the company as it was typed, checked field by field, and a short name proposed from its name."""

from __future__ import annotations

import re
import secrets
import unicodedata

from pypinyin import lazy_pinyin

from duilian.customization.packs import industries
from duilian.infra.database import Database
from duilian.infra.errors import Problem
from duilian.platform.onboarding.drafts import Draft
from duilian.platform.onboarding.errors import Missing
from duilian.platform.web.words import LOCALES, catalogue
from duilian.tenants.errors import SlugTaken, UnknownTenant
from duilian.tenants.policy import jurisdictions
from duilian.tenants.service import check_slug, find_tenant

FIELDS = ("name", "slug", "industry", "jurisdiction", "time_zone", "locale")
LONGEST_NAME = 80
# By jurisdiction: where a company there usually is.
ZONES = {
    "cn": "Asia/Shanghai", "eu": "Europe/Berlin", "us-il": "America/Chicago", "us-nyc": "America/New_York",
    "neutral": "UTC",
}  # fmt: skip
ALL_ZONES = (
    "Asia/Shanghai", "Asia/Hong_Kong", "Asia/Taipei", "Asia/Singapore", "Asia/Tokyo", "Asia/Seoul", "Asia/Dubai",
    "Asia/Kolkata", "Australia/Sydney", "Europe/London", "Europe/Berlin", "Europe/Paris", "Europe/Madrid",
    "Africa/Johannesburg", "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles",
    "America/Toronto", "America/Sao_Paulo", "UTC",
)  # fmt: skip
RESERVED = frozenset(
    {"admin", "api", "app", "console", "demo", "duilian", "health", "help", "mail", "start", "static", "support", "www"}
)  # fmt: skip
LONGEST_SLUG = 40


async def fill(database: Database, draft: Draft, form: dict[str, str]) -> dict[str, Problem]:
    """Puts the fields into the draft; what is wrong by field. An empty short name is proposed."""
    given = {key: form.get(key, "").strip() for key in FIELDS}
    wrong: dict[str, Problem] = {}
    if not 1 <= len(given["name"]) <= LONGEST_NAME:
        wrong["name"] = Missing()
    choices = {"industry": industries(), "jurisdiction": jurisdictions(), "locale": LOCALES}
    wrong |= {key: Missing() for key, known in choices.items() if given[key] not in known}
    if given["time_zone"] not in ALL_ZONES:
        given["time_zone"] = ZONES.get(given["jurisdiction"], "UTC")
    if not wrong and not given["slug"]:
        given["slug"] = await proposed(database, given["name"])
    if given["slug"] and (problem := await _slug_problem(database, given["slug"])):
        wrong["slug"] = problem
    for key, value in given.items():
        setattr(draft, key, value[:LONGEST_NAME])
    return wrong


def industry_name(locale: str, industry: str) -> str:
    """A pack that nobody has named yet goes by its key."""
    return catalogue(locale).get(f"start.industry.{industry}", industry)


async def proposed(database: Database, name: str) -> str:
    """From the name's letters, Chinese ones by pinyin; with a number where it is taken."""
    base = spelt(name)
    for number in range(1, 20):
        slug = base if number == 1 else f"{base[: LONGEST_SLUG - 3]}-{number}"
        if await _slug_problem(database, slug) is None:
            return slug
    return f"{base[: LONGEST_SLUG - 7]}-{secrets.token_hex(3)}"


def spelt(name: str) -> str:
    """A short name's letters out of a company's name; "team" where it has none."""
    plain = unicodedata.normalize("NFKD", "".join(lazy_pinyin(name, errors=_kept)))
    ascii_ = plain.encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_).strip("-").lstrip("0123456789-")[:LONGEST_SLUG].rstrip("-")
    return slug if len(slug) > 1 else "team"


def _kept(characters: str) -> str:
    return characters


async def _slug_problem(database: Database, slug: str) -> Problem | None:
    try:
        check_slug(slug)
        if slug in RESERVED:
            return SlugTaken(slug=slug)
        await find_tenant(database, slug)
    except UnknownTenant:
        return None
    except Problem as problem:
        return problem
    return SlugTaken(slug=slug)
