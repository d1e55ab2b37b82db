"""What the stories of training do and ask, over HTTP and in the tenant's own sessions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import httpx
import msgspec
from sqlalchemy import delete, select, text, update

from duilian.billing.models import UsageEvent
from duilian.customization.labels import forgetting
from duilian.customization.labels.models import Example, Rating
from duilian.customization.training import datasets, releases
from duilian.customization.training.folds import Material
from duilian.customization.training.models import HeadRelease, ShadowScore, TrainingRun
from duilian.infra.audit import AuditEntry
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.infra.objects import ObjectStore, TenantKey
from duilian.platform.scoring.heads import HeadShelf
from duilian.platform.scoring.models import Analysis
from duilian.platform.training import service, trainer
from duilian.platform.training.benches import Bench, Learnt, LocalBench, Tick
from duilian.serving.client import ServingClient
from duilian.serving.scoring.artefact import labels_in
from duilian.tenants.keyring import keys_of, open_database, open_keyring
from inside import within
from outsiders import post
from playing import play, publish_written, report_of, shipped, written
from training_world import DEEDS
from world import World

HERE = "/console/lab/models"


@dataclass(frozen=True)
class Taught:
    world: World
    learnable: str
    hopeless: str
    desk: httpx.Client
    runs: dict[str, str]


def train(desk: httpx.Client, competency: str) -> str:
    return post(desk, f"{HERE}/train", {"competency": competency}).headers["location"].rpartition("/")[2]


def run_of(world: World, run_id: str) -> dict:
    with world.api() as program:
        return program.get(f"/api/v1/lab/models/runs/{run_id}").raise_for_status().json()


def states(run: dict) -> dict[str, str]:
    return {gate["name"]: gate["state"] for gate in run["card"]["gates"]}


def interview(world: World) -> dict:
    set_key = publish_written(world, shipped("retail", "complaint"))
    return report_of(world, play(world, set_key, written("complaint", "medium", "zh")))


def in_force(world: World) -> dict[str, str]:
    async def read(session: TenantSession) -> dict[str, str]:
        return (await HeadShelf(ObjectStore(world.settings), keys_of(session)).in_force()).heads

    return within(world, read)


def actions(world: World) -> list[str]:
    async def read(session: TenantSession) -> list[str]:
        return list(await session.scalars(select(AuditEntry.action)))

    return within(world, read)


async def usage(session: TenantSession) -> list[tuple[UUID, str]]:
    return [tuple(row) for row in await session.execute(select(UsageEvent.subject_id, UsageEvent.metric))]


def explained(world: World, report: dict, competency: str) -> None:
    """The model's own account: in the API, on the page, in the PDF; what it says of others is levels and counts."""
    (scored,) = (one for one in report["competencies"] if one["key"] == competency)
    text = {one["key"]: one["transcript"]["text"] for one in report["answers"]}
    assert scored["why"], "a model of the company's own judged"
    for why in scored["why"]:
        assert all(text[why["answer"]][one["offset"] :].startswith(one["text"]) for one in why["moved"])
        assert set(why["near"][0]) == {"level", "answers"} if why["near"] else why["labels"] == 0
    assert scored["provisional"] == (scored["labelled"] < 0.5), "labels of one of its questions have some say"
    said = msgspec.json.encode(scored["why"]).decode()
    assert not any(deed in said for deed in DEEDS), "nobody else's words"
    here = f"/console/interviews/{report['interview']}"
    staff = world.console("owner")
    page = staff.get(here).raise_for_status().text
    assert 'data-part="why"' in page
    assert staff.get(f"{here}/report.pdf").raise_for_status().content.startswith(b"%PDF")


async def compared(session: TenantSession, run_id: str) -> None:
    await releases.check_compared(session, await service.run_of(session, UUID(run_id)))


async def put_in_force_silently(session: TenantSession, run_id: str, release_id: UUID) -> None:
    """Without a reason, as if nothing had warned, after three live answers."""
    (await service.run_of(session, UUID(run_id))).verdict = "passed"
    await releases.promote(session, release_id, "", 3)


async def shadow_scores(session: TenantSession) -> list[tuple[float | None, float | None]]:
    return [tuple(row) for row in await session.execute(select(ShadowScore.counted, ShadowScore.shadow))]


async def erase_analyses(session: TenantSession) -> None:
    await session.execute(delete(Analysis))


async def in_shadow(session: TenantSession) -> UUID:
    return (await session.scalars(select(HeadRelease.id).where(HeadRelease.state == "shadow"))).one()


async def run_of_changed(session: TenantSession, competency: str) -> str:
    """A run whose labels are changed before the worker begins: both in one transaction."""
    row = await service.start(session, competency, {})
    mine = select(Rating.id).join(Example, Example.id == Rating.example_id).order_by(Rating.id).limit(1)
    chosen = mine.where(Example.competency == competency).scalar_subquery()
    await session.execute(update(Rating).where(Rating.id == chosen).values(level=Rating.level % 5 + 1))
    return str(row.id)


async def queued(session: TenantSession, competency: str) -> str:
    """A run that no job of the worker's takes up."""
    dataset = await datasets.freeze(session, competency)
    empty = dict.fromkeys(column.name for column in TrainingRun.__table__.columns if column.nullable)
    row = TrainingRun(
        dataset_id=dataset.id, competency=competency, adapt=False, state="queued", share=0.0, created_by="tests", created_at=now(),
        **empty,
    )  # fmt: skip
    session.add(row)
    await session.flush()
    return str(row.id)


async def train_on(world: World, run_id: str, bench: Bench) -> None:
    settings = world.settings
    database = open_database(settings, open_keyring(settings), 2)
    try:
        async with ServingClient(settings.serving_url, settings.serving_token) as serving:
            await trainer.Trainer(database, ObjectStore(settings), serving, settings, bench, {}).run(
                world.tenant_id, run_id
            )
    finally:
        await database.close()


class Leaving(LocalBench):
    """Somebody leaves while the others' labels are learned."""

    def __init__(self, leave: Callable[[], object]) -> None:
        self._leave = leave

    def learn(self, material: Material, tick: Tick) -> Learnt:
        self._leave()
        return super().learn(material, tick)


class Killed(Exception):
    pass


class Dying(ObjectStore):
    """A store that the job does not outlive: before the shelf is written, or before old models are deleted."""

    def __init__(self, world: World, at: str) -> None:
        super().__init__(world.settings)
        self._at = at

    async def put(self, owner: TenantKey, name: str, plaintext: bytes) -> None:
        if self._at == name:
            raise Killed
        await super().put(owner, name, plaintext)

    async def delete(self, tenant_id: UUID, names: list[str]) -> None:
        if self._at == "delete":
            raise Killed
        await super().delete(tenant_id, names)


async def forgetting_jobs(session: TenantSession) -> int:
    waiting = text(
        "select count(*) from procrastinate_jobs where task_name = 'models.forget' and status in ('todo', 'doing')"
    )
    return await session.scalar(waiting) or 0


async def given(session: TenantSession, competency: str, interview_id: UUID) -> str:
    """An answer of the dataset belongs to this interview from now on; the pseudonym that its row bears."""
    mine = (await session.scalars(select(Example).where(Example.interview_id == interview_id))).first()
    query = select(Example).where(Example.competency == competency, Example.source == "import")
    chosen = (await session.scalars(query.order_by(Example.id).limit(1))).one()
    assert chosen.person_index
    pseudonym = chosen.person_index.hex()
    chosen.interview_id, chosen.person_index = interview_id, mine.person_index if mine else b"moved"
    return pseudonym


async def gone(session: TenantSession, competency: str) -> int:
    """As retention lets history go."""
    ids = select(Example.id).where(Example.competency == competency, Example.source == "import").limit(40)
    return await forgetting.examples(session, Example.id.in_(ids.scalar_subquery()))


def people_in_store(world: World) -> dict[str, list[str]]:
    """Whose rows each stored model holds, by its sha256."""

    async def read(session: TenantSession) -> dict[str, list[str]]:
        shelf = HeadShelf(ObjectStore(world.settings), keys_of(session))
        heads = {one: labels_in(await shelf.artefact(one)) for one in await shelf.stored()}
        return {
            one: [person or "" for item in head.items for person in item.people]
            for one, head in heads.items()
            if head
        }

    return within(world, read)


async def adapted_run(session: TenantSession, competency: str) -> str:
    """Too few labels for the page to offer it, which keeps the step short."""
    row = await service.start(session, competency, {})
    row.adapt = True
    return str(row.id)
