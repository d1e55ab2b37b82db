"""The job `models.forget`: what stored models hold of people whose labels are gone goes from every one of them.

A model without them is written beside the old one, then everything that names the old one (runs, releases, the shelf)
names the new one in one transaction, then the old one is deleted. Killed anywhere and run again it ends the same: the
new model has the same bytes each time, and a request stays open until the old ones are gone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from uuid import UUID

from sqlalchemy import select

from duilian.customization.anchors.later import score_later
from duilian.customization.training import datasets, releases, unlearning
from duilian.customization.training.models import Forgetting, HeadRelease, TrainingRun
from duilian.customization.training.unlearning import Left, Names
from duilian.infra.database import Database, TenantSession
from duilian.infra.objects import ObjectStore
from duilian.platform.scoring.heads import HeadShelf
from duilian.serving.scoring.artefact import labels_in
from duilian.serving.scoring.learned.forgetting import without
from duilian.serving.scoring.learned.model import Learned
from duilian.tenants.keyring import keys_of

NOTHING = Left(artefact=None, labels=0, people=0)


@dataclass
class _Found:
    """doomed: models that hold rows of those who leave; left: what each came to; rows: how many left, by erasure."""

    doomed: list[str] = field(default_factory=list[str])
    left: dict[str, Left] = field(default_factory=dict[str, Left])
    rows: Counter[UUID | None] = field(default_factory=Counter[UUID | None])


class Unlearner:
    """Called by erasures too, so that their receipts can tell."""

    def __init__(self, database: Database, store: ObjectStore) -> None:
        self._database, self._store = database, store

    async def run(self, tenant_id: UUID) -> None:
        async with self._database.begin(tenant_id) as session:
            await releases.one_at_a_time(session)
            requests = await unlearning.asked(session)
            if not requests:
                return
            ids = [row.id for row in requests]
            shelf = HeadShelf(self._store, keys_of(session))
            found = await _rewritten(session, shelf, await _leaving(session, requests))
            for row in requests:  # a run that was cut short had more to count than the one after it
                row.rows = max(row.rows or 0, found.rows.pop(row.erasure_id, 0))
        await shelf.throw_away(found.doomed)
        async with self._database.begin(tenant_id) as session:
            await releases.one_at_a_time(session)
            await unlearning.done(session, ids)


async def _leaving(session: TenantSession, requests: Sequence[Forgetting]) -> dict[UUID | None, Names]:
    """By erasure: somebody may be asked for twice, and leaves once."""
    found: defaultdict[UUID | None, Names] = defaultdict(Names)
    for row, names in zip(requests, await unlearning.names_in(session, requests), strict=True):
        found[row.erasure_id] |= names
    return found


async def _rewritten(session: TenantSession, shelf: HeadShelf, leaving: dict[UUID | None, Names]) -> _Found:
    """All in the caller's transaction; the shelf last. Raises HeadUnusable, HeadBroken."""
    found, named = _Found(), await _named(session, shelf)
    names = reduce(or_, leaving.values())
    for sha256 in await shelf.stored():
        learned = labels_in(await shelf.artefact(sha256))
        rest = learned and without(learned, names.people, names.texts)
        if learned is None or rest is learned:
            continue
        found.doomed.append(sha256)
        found.rows.update({erasure: one.rows_in(learned) for erasure, one in leaving.items()})
        if sha256 in named:  # what nobody names any more is thrown away
            found.left[sha256] = left = await _stored(shelf, rest)
            await unlearning.rewrite(session, sha256, left, names)
            if left.artefact is not None:
                await releases.repoint(session, sha256, left.artefact)
    if found.left:
        await _put_in_force(session, shelf, found.left)
    return found


async def _named(session: TenantSession, shelf: HeadShelf) -> set[str]:
    """By a run, a release or the shelf."""
    runs = set(await session.scalars(select(TrainingRun.artefact)))
    released = set(await session.scalars(select(HeadRelease.artefact)))
    return {one for one in (*runs, *released, *(await shelf.in_force()).heads.values()) if one}


async def _stored(shelf: HeadShelf, rest: Learned | None) -> Left:
    """Fewer labels than a model may be trained from make none."""
    if rest is None or (labels := sum(len(item.people) for item in rest.items)) < datasets.LEAST_LABELS:
        return NOTHING
    people = unlearning.known(person for item in rest.items for person in item.people)
    return Left(artefact=await shelf.put(rest), labels=labels, people=people)


async def _put_in_force(session: TenantSession, shelf: HeadShelf, left: dict[str, Left]) -> None:
    before = (await shelf.in_force()).heads
    moved = {key: left[sha256].artefact if sha256 in left else sha256 for key, sha256 in before.items()}
    after = moved | await releases.take_out(session)
    if after != before:
        await score_later(session)
        await shelf.put_all_in_force(after)
