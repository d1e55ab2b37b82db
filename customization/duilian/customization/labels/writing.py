"""Drafts into the library: examples with the marks the file had, outcomes; all in the caller's transaction."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text

from duilian.customization.labels import persons
from duilian.customization.labels.checking import Checked, item
from duilian.customization.labels.models import Example, HistoryImport, Outcome, Rating
from duilian.customization.labels.outcomes import KINDS
from duilian.customization.labels.rows import Draft, DraftMark
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.infra.fields import cipher_of
from duilian.infra.ids import new_id

_ONE_AT_A_TIME = text("select pg_advisory_xact_lock(hashtextextended('labels:' || :tenant, 0))")


async def one_at_a_time(session: TenantSession) -> None:
    """Two imports of one tenant follow one another: each must see what the other brought."""
    await session.execute(_ONE_AT_A_TIME, {"tenant": str(session.tenant_id)})


async def write(session: TenantSession, row: HistoryImport, checked: Checked) -> None:
    at = now()
    for draft, mark in checked.drafts:
        example = _example(session, row, draft, mark, at)
        session.add(example)
        session.add_all(_rating(session, row, example, given, at) for given in draft.marks)
    for draft in checked.outcomes:
        person = persons.index_of(session, draft.person)
        session.add_all(
            Outcome(
                unit_id=row.unit_id, import_id=row.id, row_number=draft.row, person_index=person, kind=kind,
                value=value, unit=KINDS[kind], measured_on=draft.measured_on, created_at=at,
            )
            for kind, value in draft.values.items()
        )  # fmt: skip
    await session.flush()


def _example(
    session: TenantSession, row: HistoryImport, draft: Draft, fingerprint: bytes, at: datetime
) -> Example:
    return Example(
        id=new_id(), unit_id=row.unit_id, source="import", import_id=row.id, row_number=draft.row, interview_id=None,
        answer_id=None, set_id=draft.place.set_id, set_key=draft.place.set_key, question_key=draft.place.question_key,
        question=draft.question if draft.place.is_new else None, competency=draft.competency, item=item(draft),
        language=draft.language, answer=draft.answer, characters=len(draft.answer),
        person_index=persons.index_of(session, draft.person) if draft.person else None, fingerprint=fingerprint,
        answered_on=draft.answered_on, ai_sealed=None, ai_level=None, ai_mean=None, ai_error=None,
        good_by=f"import:{row.id}" if draft.good else None, good_at=at if draft.good else None, withheld_at=None,
        created_at=at,
    )  # fmt: skip


def _rating(
    session: TenantSession, row: HistoryImport, example: Example, given: DraftMark, at: datetime
) -> Rating:
    return Rating(
        example_id=example.id, kind=given.kind, rater=_rater(session, row, given), rater_name=given.rater or None,
        level=given.level, evidence=[], reason=given.reason or None, blind=False, ai_level=None, origin="import",
        original=given.original, rated_at=at, superseded_at=None, supersedes_id=None,
    )  # fmt: skip


def _rater(session: TenantSession, row: HistoryImport, given: DraftMark) -> str:
    """The same name, the same rater in all imports; a nameless one is this import's first or second."""
    if not given.rater:
        return f"imported:{row.id.hex[-12:]}-{given.kind}"
    return f"imported:{cipher_of(session.sync_session).index('ratings.rater', given.rater).hex()}"
