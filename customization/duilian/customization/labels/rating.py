"""Rating an answer (评级): who rates it as what, what they may see, and how a rating is changed or taken back.

The first rater sees the scorer's level and agrees or corrects. The second is somebody else and blind: neither the
scorer's level nor the first rating is shown, nor sent. Where the two differ by a level, a third person adjudicates.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, update

from duilian.customization.labels import errors
from duilian.customization.labels.examples import ADJUDICATED, FIRST, SECOND, marks_of
from duilian.customization.labels.models import Example, Rating
from duilian.infra import audit
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.infra.errors import NotFound

LEVELS = range(1, 6)
MOST_EVIDENCE = 20  # stretches marked in one answer
LONGEST_REASON = 2000
SHORTEST_REASON = 5  # of an adjudication
DIFFERENCE = 1  # levels between two ratings from which somebody adjudicates
Marks = Mapping[str, Rating]


@dataclass(frozen=True)
class Eyes:
    """Who looks, and where answers of interviews may be seen, None everywhere; imported ones are not restricted."""

    rater: str
    interview_units: frozenset[UUID] | None = None

    def visible(self) -> ColumnElement[bool]:
        shown = Example.withheld_at.is_(None)
        if self.interview_units is None:
            return shown
        return shown & or_(Example.source == "import", Example.unit_id.in_(self.interview_units))


@dataclass(frozen=True)
class Task:
    """What somebody may do with an example. kind: first, second, or "" where there is nothing left to rate.

    mine: the standing rating of this person. blind: nothing but the answer and the rubric may be shown. others: what
    else may be shown.
    """

    kind: str
    mine: Rating | None
    blind: bool
    others: dict[str, Rating]


def task_for(rater: str, marks: Marks, seen_by: Collection[str] = ()) -> Task:
    """seen_by: of the example; whoever was shown the scorer's level gives no blind rating, and still sees nothing else."""
    for kind in (FIRST, SECOND):
        mine = marks.get(kind)
        if mine is not None and mine.rater == rater:
            shown = dict(marks) if ADJUDICATED in marks else {}
            return Task(kind, mine, kind == SECOND and ADJUDICATED not in marks, shown)
    if FIRST not in marks:
        return Task(FIRST, None, False, {})
    if SECOND not in marks:
        return Task("" if rater in seen_by else SECOND, None, True, {})
    return Task("", None, False, dict(marks))


async def example_of(session: TenantSession, eyes: Eyes, example_id: UUID, *, lock: bool = False) -> Example:
    """Raises NotFound, also for what these eyes may not see."""
    query = select(Example).where(Example.id == example_id, eyes.visible())
    example = await session.scalar(query.with_for_update() if lock else query)
    if example is None:
        raise NotFound
    return example


async def show(session: TenantSession, rater: str, example: Example) -> None:
    """Notes that this rater is shown what the scorer said."""
    if example.ai_level is not None and rater not in example.seen_by:
        mine = (Example.id == example.id) & ~Example.seen_by.contains([rater])
        shown = func.array_append(Example.seen_by, rater)
        await session.execute(update(Example).where(mine).values(seen_by=shown))


async def standing(session: TenantSession, example_id: UUID) -> dict[str, Rating]:
    return (await marks_of(session, [example_id])).get(example_id, {})


async def rate(
    session: TenantSession,
    eyes: Eyes,
    example_id: UUID,
    level: int,
    evidence: Sequence[Sequence[int]] = (),
    reason: str = "",
    origin: str = "page",
) -> Rating:
    """The first or the second rating, or another in place of one's own; both are kept.

    evidence: (offset, length) in characters of the answer. Raises NotFound, BadLevel, EvidenceOutside, RatedTwice, SeenBefore.
    """
    example = await example_of(session, eyes, example_id, lock=True)
    marks = await standing(session, example.id)
    task = task_for(eyes.rater, marks, example.seen_by)
    if not task.kind and SECOND not in marks:
        raise errors.SeenBefore
    if not task.kind or (ADJUDICATED in marks):
        raise errors.RatedTwice
    blind = task.kind == SECOND
    row = _new(example, task.kind, eyes.rater, level, evidence, reason, origin)
    row.blind, row.ai_level = blind, None if blind else example.ai_level
    await _supersede(session, task.mine, row)
    facts = {"kind": row.kind, "level": level, "blind": blind, "ai_level": row.ai_level, "item": example.item}
    before = {"level": task.mine.level} if task.mine else {}
    audit.record(session, "label.rated", "example", example.id, before=before, after=facts)
    return row


async def adjudicate(
    session: TenantSession, eyes: Eyes, example_id: UUID, level: int, reason: str, origin: str = "page"
) -> Rating:
    """Raises NotFound, BadLevel, NotAdjudicable, OwnDisagreement, LabelReasonNeeded."""
    example = await example_of(session, eyes, example_id, lock=True)
    marks = await standing(session, example.id)
    if FIRST not in marks or SECOND not in marks or not differs(marks):
        raise errors.NotAdjudicable
    if eyes.rater in (marks[FIRST].rater, marks[SECOND].rater):
        raise errors.OwnDisagreement
    if len(reason.strip()) < SHORTEST_REASON:
        raise errors.LabelReasonNeeded(length=SHORTEST_REASON)
    row = _new(example, ADJUDICATED, eyes.rater, level, (), reason, origin)
    await _supersede(session, marks.get(ADJUDICATED), row)
    facts = {"level": level, "first": marks[FIRST].level, "second": marks[SECOND].level, "item": example.item}
    audit.record(session, "label.adjudicated", "example", example.id, after=facts)
    return row


def differs(marks: Marks) -> bool:
    return abs(marks[FIRST].level - marks[SECOND].level) >= DIFFERENCE


async def undo(session: TenantSession, eyes: Eyes, example_id: UUID) -> None:
    """Takes back one's own rating; the one before it stands again. Raises NotFound, NothingToUndo."""
    example = await example_of(session, eyes, example_id, lock=True)
    marks = await standing(session, example.id)
    mine = task_for(eyes.rater, marks).mine
    if ADJUDICATED in marks:
        mine = marks[ADJUDICATED] if marks[ADJUDICATED].rater == eyes.rater else None
    if mine is None:
        raise errors.NothingToUndo
    mine.superseded_at = now()
    await session.flush()  # before the other stands again: one of a kind stands at a time
    if mine.supersedes_id is not None:
        (await session.get_one(Rating, (session.tenant_id, mine.supersedes_id))).superseded_at = None
    audit.record(
        session, "label.undone", "example", example.id, before={"kind": mine.kind, "level": mine.level}
    )


async def set_good(session: TenantSession, eyes: Eyes, example_id: UUID, *, good: bool) -> Example:
    """Whether it is an example of a good answer (优秀回答). Raises NotFound."""
    example = await example_of(session, eyes, example_id, lock=True)
    if (example.good_at is not None) != good:
        example.good_by, example.good_at = (eyes.rater, now()) if good else (None, None)
        audit.record(session, "label.good-changed", "example", example.id, after={"good": good})
    return example


def _new(
    example: Example, kind: str, rater: str, level: int, evidence: Sequence[Sequence[int]], reason: str, origin: str
) -> Rating:  # fmt: skip
    if level not in LEVELS:
        raise errors.BadLevel
    return Rating(
        example_id=example.id, kind=kind, rater=rater, rater_name_sealed=None, level=level,
        evidence=_within(example.answer, evidence), reason=reason.strip()[:LONGEST_REASON] or None, blind=False,
        ai_level=None, origin=origin, original=None, rated_at=now(), superseded_at=None, supersedes_id=None,
    )  # fmt: skip


def _within(answer: str, evidence: Sequence[Sequence[int]]) -> list[list[int]]:
    """Sorted, touching stretches joined. Raises EvidenceOutside."""
    if len(evidence) > MOST_EVIDENCE:
        raise errors.EvidenceOutside
    found: list[list[int]] = []
    for span in sorted(map(list, evidence)):
        if len(span) != 2 or span[0] < 0 or span[1] < 1 or span[0] + span[1] > len(answer):
            raise errors.EvidenceOutside
        if not answer[span[0] : span[0] + span[1]].strip():
            raise errors.EvidenceOutside
        if found and span[0] <= sum(found[-1]):
            found[-1][1] = max(sum(found[-1]), sum(span)) - found[-1][0]
        else:
            found.append(span)
    return found


async def _supersede(session: TenantSession, old: Rating | None, new: Rating) -> None:
    if old is not None:
        old.superseded_at, new.supersedes_id = now(), old.id
        await session.flush()
    session.add(new)
    await session.flush()
