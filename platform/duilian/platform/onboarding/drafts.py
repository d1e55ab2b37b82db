"""Drafts (开通草稿): what a company has told us before it has a tenant. Short-lived, outside any tenant, sealed.

A draft is found by the hash of a secret and sealed under a key that derives from another: the browser's cookie holds
the first, the letter's link the second, and neither is stored. So nobody reads a draft who has neither, we included.
The key of the words derives from the link's secret, which lies beside them wrapped under the cookie's.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, text

from duilian.infra.clock import now
from duilian.infra.database import Database
from duilian.infra.ids import new_id
from duilian.infra.keys.aead import unwrap, wrap
from duilian.tenants.service import digest

LASTS = timedelta(days=2)
_WORDS, _LINK = b"duilian-draft-words", b"duilian-draft-link"


class Draft(msgspec.Struct, kw_only=True):
    """tenant_id: chosen at once, so that opening it twice opens one. locale: the company's; reading: the person's.
    code_mac: of the code that was mailed last."""

    tenant_id: UUID = msgspec.field(default_factory=new_id)
    reading: str = "zh-CN"
    locale: str = "zh-CN"
    name: str = ""
    slug: str = ""
    industry: str = ""
    jurisdiction: str = ""
    time_zone: str = ""
    person: str = ""
    email: str = ""
    verified: bool = False
    code_mac: str = ""
    code_until: datetime | None = None

    @property
    def has_company(self) -> bool:
        return bool(self.name and self.slug)


@dataclass
class OpenDraft:
    """A draft in the hands of who holds its secret. cookie, link: the secrets; tries: of the code."""

    cookie: str
    link: str
    draft: Draft
    tries: int = 0
    until: datetime = field(default_factory=lambda: now() + LASTS)

    def mac(self, code: str) -> str:
        return hmac.new(_derived(self.link, b"duilian-draft-code"), code.encode(), sha256).hexdigest()


def begin(locale: str) -> OpenDraft:
    """Not stored before `keep`."""
    return OpenDraft(_secret(), _secret(), Draft(reading=locale, locale=locale))


async def find(database: Database, cookie: str) -> OpenDraft | None:
    """The draft of a browser; None where there is none, or no more."""
    found = await _row(database, "select * from draft_of(:cookie)", cookie=digest(cookie))
    if found is None:
        return None
    link = unwrap(_derived(cookie, _LINK), found.wrapped, _LINK).decode()
    return OpenDraft(cookie, link, _opened(link, found.words), found.tried, found.until)


async def keep(database: Database, opened: OpenDraft, *, new_code: bool = False) -> None:
    await _row(
        database,
        "select keep_draft(:cookie, :link, :wrapped, :words, :until, :fresh)",
        cookie=digest(opened.cookie),
        link=digest(opened.link),
        wrapped=_wrapped(opened),
        words=wrap(_derived(opened.link, _WORDS), msgspec.json.encode(opened.draft), _WORDS),
        until=opened.until,
        fresh=new_code,
    )


def renew_link(opened: OpenDraft) -> None:
    """Letters that were sent before open nothing, once it is kept."""
    opened.link = _secret()


async def behind(database: Database, link: str) -> Draft | None:
    """Looking does not move it: mail readers look too."""
    found = await _row(database, "select draft_behind(:link) as words", link=digest(link))
    return _opened(link, found.words) if found is not None and found.words is not None else None


async def take_over(database: Database, link: str) -> OpenDraft | None:
    """To this browser, by the letter's link; the browser that had it before has it no more."""
    draft = await behind(database, link)
    if draft is None:
        return None
    opened = OpenDraft(_secret(), link, draft)
    return opened if await _moved(database, opened) else None


async def change_cookie(database: Database, opened: OpenDraft) -> None:
    """A new secret for the browser that has just proven the address."""
    opened.cookie = _secret()
    await _moved(database, opened)


async def _moved(database: Database, opened: OpenDraft) -> bool:
    found = await _row(
        database,
        "select move_draft(:link, :cookie, :wrapped) as moved",
        link=digest(opened.link),
        cookie=digest(opened.cookie),
        wrapped=_wrapped(opened),
    )
    return found is not None and bool(found.moved)


async def count_code_try(database: Database, opened: OpenDraft) -> int:
    """How many there were of this code, with this one. 0 where the draft is gone."""
    found = await _row(database, "select try_draft(:cookie) as tried", cookie=digest(opened.cookie))
    return found.tried or 0 if found is not None else 0


async def end(database: Database, opened: OpenDraft) -> None:
    await _row(database, "select end_draft(:cookie)", cookie=digest(opened.cookie))


async def may_try(database: Database, who: str, most: int, minutes: int) -> bool:
    """who: kept as its hash only."""
    statement = "select count_start_try(:who, :most, :minutes) as allowed"
    hashed = sha256(who.encode()).hexdigest()
    found = await _row(database, statement, who=hashed, most=most, minutes=minutes)
    return found is not None and bool(found.allowed)


async def erase_old(database: Database) -> int:
    """Those nobody finished in time; how many."""
    found = await _row(database, "select erase_drafts() as gone")
    return found.gone if found is not None else 0


async def _row(database: Database, statement: str, **values: object) -> Row[Any] | None:
    """Any: what a row of the named function holds. Each call is a transaction of its own."""
    parameters: Mapping[str, object] = values
    async with database.connect() as connection:
        return (await connection.execute(text(statement), parameters)).first()


def _wrapped(opened: OpenDraft) -> bytes:
    return wrap(_derived(opened.cookie, _LINK), opened.link.encode(), _LINK)


def _opened(link: str, words: bytes) -> Draft:
    return msgspec.json.decode(unwrap(_derived(link, _WORDS), words, _WORDS), type=Draft)


def _secret() -> str:
    return secrets.token_urlsafe(32)


def _derived(secret: str, purpose: bytes) -> bytes:
    """256 random bits need no stretching (HMAC-SHA-256 as a KDF)."""
    return hmac.new(secret.encode(), purpose, sha256).digest()
