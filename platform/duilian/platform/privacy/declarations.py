"""Self-declared groups (自愿申报的群体信息): given by candidates, changed and taken back by them, and otherwise only counted.

Two doors. The candidate's own session (`practice.own_session`) reads and writes the candidate's own. `groups` reads
all of them in a session that the database lets do nothing else with the table, for statistics that name no group of
fewer people than the least; it is called by `platform.measuring` alone. No page, no scorer and no export of staff
comes here: row-level security shows every other session an empty table.
"""

from __future__ import annotations

import hmac
from collections import defaultdict
from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import delete, select, text

from duilian.infra.clock import now
from duilian.infra.database import Access, Database, TenantSession
from duilian.infra.fields import cipher_of
from duilian.platform.privacy.models import Declaration

QUESTIONS: dict[str, tuple[str, ...]] = {
    "gender": ("woman", "man", "other"),
    "age": ("under_25", "25_34", "35_44", "45_54", "from_55"),
    "disability": ("yes", "no"),
    "ethnicity": ("han", "cn_minority", "asian", "black", "hispanic", "indigenous", "pacific", "white", "several"),
}  # fmt: skip
# Ethnicity is asked in the words of the place. Elsewhere it is not asked at all.
ETHNICITY = {
    "cn": ("han", "cn_minority"),
    "us-il": ("asian", "black", "hispanic", "indigenous", "pacific", "white", "several"),
    "us-nyc": ("asian", "black", "hispanic", "indigenous", "pacific", "white", "several"),
}


def questions_for(jurisdiction: str) -> dict[str, tuple[str, ...]]:
    """What may be declared, in order."""
    found = {name: choices for name, choices in QUESTIONS.items() if name != "ethnicity"}
    choices = ETHNICITY.get(jurisdiction)
    return found | ({"ethnicity": choices} if choices else {})


async def own(session: TenantSession) -> dict[str, str]:
    """The candidate's choice by question, in the candidate's own session; empty in any other."""
    rows = await session.scalars(select(Declaration))
    found = {row.question: _choice(session, row) for row in rows}
    return {question: choice for question, choice in found.items() if choice}


async def declare(session: TenantSession, candidate_id: UUID, choices: Mapping[str, str]) -> None:
    """All of a candidate's declarations anew, in the candidate's own session; what is not among `choices` is gone.

    An unknown question or choice counts as not declared.
    """
    await session.execute(delete(Declaration).where(Declaration.candidate_id == candidate_id))
    for question, choice in choices.items():
        if choice in QUESTIONS.get(question, ()):
            answer = _sealed(session, candidate_id, question, choice)
            session.add(
                Declaration(candidate_id=candidate_id, question=question, answer=answer, declared_at=now())
            )
    await session.flush()


async def groups(database: Database, tenant_id: UUID) -> dict[str, dict[UUID, str]]:
    """For statistics alone: choice by candidate, by question. Never shown, never stored, never sent."""
    found: defaultdict[str, dict[UUID, str]] = defaultdict(dict)
    async with database.begin(tenant_id, Access(actor="system:statistics", units=frozenset())) as session:
        await session.execute(text("select set_config('app.statistics', 'on', true)"))
        for row in await session.scalars(select(Declaration)):
            choice = _choice(session, row)
            if choice:
                found[row.question][row.candidate_id] = choice
    return dict(found)


def _sealed(session: TenantSession, candidate_id: UUID, question: str, choice: str) -> bytes:
    return cipher_of(session.sync_session).index(f"declarations.{question}", f"{candidate_id}:{choice}")


def _choice(session: TenantSession, row: Declaration) -> str:
    """The choice whose hash it is; "" where none of those we know."""
    for choice in QUESTIONS.get(row.question, ()):
        if hmac.compare_digest(row.answer, _sealed(session, row.candidate_id, row.question, choice)):
            return choice
    return ""
