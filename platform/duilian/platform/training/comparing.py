"""What is in force, on the lines that a candidate model is judged by: through the model tier, as live answers are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from uuid import UUID

from sqlalchemy import select

from duilian.customization.anchors import service as anchors
from duilian.customization.labels.examples import LabelledLine
from duilian.customization.labels.models import Example
from duilian.customization.training.models import TrainingRun
from duilian.customization.training.releases import IN_FORCE, release_of
from duilian.infra.database import Database, TenantSession
from duilian.infra.objects import ObjectStore
from duilian.platform.labelling.gather import Opinion
from duilian.platform.labelling.predict import judged_again
from duilian.platform.scoring.heads import HeadShelf, Models
from duilian.serving.client import ServingClient
from duilian.tenants.keyring import keys_of

Told = Callable[[float], Awaitable[None]]  # of the share that is done
PORTION = 20  # answers between two looks at whether the run goes on


class Comparison:
    def __init__(
        self, database: Database, store: ObjectStore, serving: ServingClient, tenant_id: UUID
    ) -> None:
        self._database, self._store, self._serving = database, store, serving
        self._tenant_id = tenant_id

    async def current(self, competency: str, lines: Sequence[LabelledLine], told: Told) -> list[float | None]:
        """Mean level of each line; None where it gives none.

        Lines that the model in force has learned from would flatter it, so for these its own run's held-out marks stand.
        """
        async with self._database.begin(self._tenant_id) as session:
            known = await _held_out(session, competency)
        asked = [line.example_id for line in lines if str(line.example_id) not in known]
        means = means_of(await self.opinions(asked, told))
        return [known.get(str(line.example_id), means.get(line.example_id)) for line in lines]

    async def opinions(
        self, ids: Sequence[UUID], told: Told, models: Models | None = None, *, as_heard: bool = False
    ) -> dict[UUID, Opinion]:
        """models: to judge by, where not by what is in force. as_heard: anchors with a recording are judged by what the
        recogniser hears in it now. Examples without a rubric have no opinion."""
        found: dict[UUID, Opinion] = {}
        for first in range(0, len(ids), PORTION):
            await told(first / len(ids))
            async with self._database.begin(self._tenant_id) as session:
                query = select(Example).where(Example.id.in_(ids[first : first + PORTION]))
                rows = list(await session.scalars(query))
                heard = await anchors.heard(session) if as_heard else {}
                known = models or HeadShelf(self._store, keys_of(session))
                found |= await judged_again(session, self._serving, known, rows, heard)
        return found


def means_of(opinions: Mapping[UUID, Opinion]) -> dict[UUID, float | None]:
    return {one: opinion.mean for one, opinion in opinions.items()}


async def _held_out(session: TenantSession, competency: str) -> dict[str, float | None]:
    release = await release_of(session, competency, IN_FORCE)
    if release is None:
        return {}
    run = await session.get_one(TrainingRun, (session.tenant_id, release.run_id))
    as_live = "alone" in (
        run.evaluation or {}
    )  # before that, the marks were the model's without gate and rubric
    return (run.held_out or {}) if as_live else {}
