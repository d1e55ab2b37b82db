"""Unlearning (机器遗忘): whoever's labels go, leaves the models as well. What is asked, and what the rows say afterwards.

`platform.labelling.unlearner` does it. A request is written by whatever lets the labels go, in the same transaction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import func, select

from duilian.customization.labels.models import Example
from duilian.customization.training import gates
from duilian.customization.training.models import Forgetting, TrainingRun
from duilian.infra import events
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.infra.jobs import defer
from duilian.serving.scoring.learned.model import Learned

FORGET = "models.forget"
BATCH = 5000  # examples of one row
NOBODY = "example:"  # before the id of an answer of whom nobody knows
_TAUGHT = (
    func.jsonb_typeof(TrainingRun.taught_by) == "object"
)  # of a run that is not done it is JSON's own null


class Taught(msgspec.Struct, frozen=True, kw_only=True):
    """rows: by example id, the name that its row bears in the artefact. references: sha256 of good examples' answers,
    by example id; their words stand in the artefact, for others to be compared with."""

    rows: dict[str, str] = {}
    references: dict[str, str] = {}


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """What a model came to once people had left it; artefact: None where too little is left to be one."""

    artefact: str | None
    labels: int
    people: int


@dataclass
class Names:
    """Who leaves: pseudonyms, sha256 of texts, example ids."""

    people: set[str] = field(default_factory=set[str])
    texts: set[str] = field(default_factory=set[str])
    examples: set[str] = field(default_factory=set[str])

    def rows_in(self, learned: Learned) -> int:
        """Theirs: labels, and good examples that others are compared with."""
        labels = sum(person in self.people for item in learned.items for person in item.people)
        return labels + sum(sha256(text) in self.texts for item in learned.items for text in item.references)

    def __or__(self, other: Names) -> Names:
        return Names(self.people | other.people, self.texts | other.texts, self.examples | other.examples)


def name_of(example_id: UUID, person: str | None) -> str:
    """Under which a label stands in an artefact, so that it can be found again."""
    return person or f"{NOBODY}{example_id}"


def known(people: Iterable[str | None]) -> int:
    """Different people; those of whom nobody knows do not count."""
    return len({one for one in people if one and not one.startswith(NOBODY)})


async def ask(
    session: TenantSession, gone: Sequence[Any], erasure_id: UUID | None = None, people: Sequence[bytes] = ()
) -> None:
    """gone: (id, person_index) of examples. people: more pseudonyms that they may stand under."""
    indexes = {one.hex() for one in [*people, *(person for _, person in gone)] if one}
    if not gone and not indexes:
        return
    for first in range(0, max(1, len(gone)), BATCH):
        row = Forgetting(
            examples=[str(one) for one, _ in gone[first : first + BATCH]], people=sorted(indexes),
            erasure_id=erasure_id, rows=None, asked_at=now(), done_at=None,
        )  # fmt: skip
        session.add(row)
    await session.flush()
    await defer(session, FORGET, lock=f"{FORGET}:{session.tenant_id}")


async def asked(session: TenantSession) -> list[Forgetting]:
    """What is open, oldest first, locked."""
    query = select(Forgetting).where(Forgetting.done_at.is_(None)).order_by(Forgetting.id)
    return list(await session.scalars(query.with_for_update()))


async def rows_of(session: TenantSession, erasure_id: UUID) -> int:
    """Rows that left stored models for this erasure."""
    query = select(func.coalesce(func.sum(Forgetting.rows), 0)).where(Forgetting.erasure_id == erasure_id)
    return int(await session.scalar(query) or 0)


async def good_examples(session: TenantSession, competency: str) -> dict[str, str]:
    """What `Taught.references` keeps; read in the transaction that reads the labels."""
    query = select(Example).where(Example.competency == competency, Example.good_at.is_not(None))
    found = await session.scalars(query.where(Example.withheld_at.is_(None)))
    return {str(one.id): sha256(one.answer) for one in found}


async def names_in(session: TenantSession, requests: Sequence[Forgetting]) -> list[Names]:
    """Of each request: the pseudonyms of today and those that runs learned under, for an address may have been corrected."""
    query = select(TrainingRun.taught_by).where(_TAUGHT)
    taught = [msgspec.convert(document, Taught) for document in await session.scalars(query)]
    return [_names(set(row.people), set(row.examples), taught) for row in requests]


def _names(people: set[str], examples: set[str], taught: list[Taught]) -> Names:
    people |= {f"{NOBODY}{one}" for one in examples}
    people |= {run.rows[one] for run in taught for one in examples & run.rows.keys()}
    texts = {run.references[one] for run in taught for one in examples & run.references.keys()}
    return Names(people, texts, examples)


async def rewrite(session: TenantSession, before: str, left: Left, names: Names) -> None:
    """Every run of this artefact names what is left of it; the gate `enough` is asked again, the rest stands as measured."""
    query = select(TrainingRun).where(TrainingRun.artefact == before).order_by(TrainingRun.id)
    for run in await session.scalars(query.with_for_update()):
        again = gates.counted_again(msgspec.convert(run.gates, list[gates.Gate]), left.labels, left.people)
        run.artefact, run.verdict = left.artefact, gates.verdict(again)
        run.gates = msgspec.to_builtins(again)
        run.held_out = {one: said for one, said in (run.held_out or {}).items() if one not in names.examples}
        run.card = _told(run, before, left)
        facts = {"before": before, "after": left.artefact or "", "labels": left.labels}
        await events.append(
            session, "model.forgot", run.id, session.access.actor, competency=run.competency, **facts
        )


def _told(run: TrainingRun, before: str, left: Left) -> dict[str, Any]:
    """The card with what happened: the digests stay, so that a report that names the old one still leads here."""
    card = dict(run.card or {})
    step = {"at": now().isoformat(), "before": before, **msgspec.to_builtins(left)}
    versions = dict(card.get("versions", {})) | {"artefact": left.artefact or ""}
    return card | {
        "forgotten": [*card.get("forgotten", []), step], "gates": run.gates, "verdict": run.verdict, "versions": versions,
    }  # fmt: skip


async def done(session: TenantSession, requests: Sequence[UUID]) -> None:
    """Nothing is left of them, here neither."""
    query = select(Forgetting).where(Forgetting.id.in_(requests), Forgetting.done_at.is_(None))
    rows = list(await session.scalars(query.with_for_update()))
    examples = {one for row in rows for one in row.examples}
    taught = select(TrainingRun).where(_TAUGHT).order_by(TrainingRun.id)
    for run in await session.scalars(taught.with_for_update()):
        run.taught_by = _without(msgspec.convert(run.taught_by, Taught), examples)
    for row in rows:
        row.examples, row.people, row.done_at = [], [], now()


def _without(taught: Taught, examples: set[str]) -> dict[str, Any]:
    rows = {one: name for one, name in taught.rows.items() if one not in examples}
    references = {one: text for one, text in taught.references.items() if one not in examples}
    return msgspec.to_builtins(Taught(rows=rows, references=references))


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
