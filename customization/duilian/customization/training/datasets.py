"""Dataset versions: which labels a model learns from, frozen so that anybody can say later what they were."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from uuid import UUID

import msgspec
from sqlalchemy import func, select

from duilian.customization.lab.lines import Line
from duilian.customization.labels.examples import LabelledLine, as_lines, lines_of, marks_of
from duilian.customization.labels.models import Example
from duilian.customization.training.errors import DatasetChanged, TooFewToTrain
from duilian.customization.training.models import DatasetVersion
from duilian.infra import audit
from duilian.infra.clock import now
from duilian.infra.database import TenantSession

LEAST_LABELS = 10  # to train
PROMOTE_LABELS, PROMOTE_PEOPLE = 30, 15  # to release: below it no interval says anything


async def freeze(session: TenantSession, competency: str) -> DatasetVersion:
    """The labels as they stand; the version that holds just these already, where there is one. Raises TooFewToTrain."""
    found = await lines_of(session, competency=competency)
    if len(found) < LEAST_LABELS:
        raise TooFewToTrain(found=len(found), least=LEAST_LABELS)
    sha256 = digest(found)
    same = select(DatasetVersion).where(
        DatasetVersion.competency == competency, DatasetVersion.sha256 == sha256
    )
    known = await session.scalar(same)
    return known or await _new(session, competency, found, sha256)


async def _new(
    session: TenantSession, competency: str, found: list[LabelledLine], sha256: str
) -> DatasetVersion:
    marks = await marks_of(session, [line.example_id for line in found])
    members = [
        [str(line.example_id), sorted(str(row.id) for row in marks[line.example_id].values())]
        for line in found
    ]
    row = DatasetVersion(
        competency=competency, members=members, sha256=sha256, labels=len(found), people=people_in(found),
        created_by=session.access.actor, created_at=now(),
    )  # fmt: skip
    session.add(row)
    await session.flush()
    audit.record(
        session, "dataset.frozen", "dataset_version", row.id, after={"labels": len(found), "sha256": sha256}
    )
    return row


async def thaw(session: TenantSession, row: DatasetVersion) -> list[LabelledLine]:
    """The version's labels. Raises DatasetChanged where they are no longer what they were."""
    wanted = {UUID(example_id) for example_id, _ in row.members}
    found = [line for line in await lines_of(session, competency=row.competency) if line.example_id in wanted]
    if digest(found) != row.sha256:
        raise DatasetChanged
    return found


async def check_held(session: TenantSession, row: DatasetVersion, good: Collection[str]) -> None:
    """good: ids of good examples that the labels were read beside. Raises DatasetChanged where somebody's answers went since
    then; marks given meanwhile do no harm."""
    wanted = {UUID(example_id) for example_id in (*(member for member, _ in row.members), *good)}
    held = select(func.count()).where(Example.id.in_(wanted), Example.withheld_at.is_(None))
    if await session.scalar(held) != len(wanted):
        raise DatasetChanged


def digest(found: Sequence[LabelledLine]) -> str:
    """sha256 of the lines in the order of their examples."""
    ordered = sorted(found, key=lambda line: line.example_id)
    lines: list[Line] = as_lines(ordered)
    named = [(str(one.example_id), line) for one, line in zip(ordered, lines, strict=True)]
    return hashlib.sha256(msgspec.json.encode(named)).hexdigest()


def people_in(found: Sequence[LabelledLine]) -> int:
    """Different known people; answers of whom nobody knows do not count."""
    return len({line.person for line in found if line.person})
