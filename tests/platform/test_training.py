"""Training a model over HTTP: the gates refuse a bad one, a good one runs in the shadow, judges, and is taken back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from uuid import UUID

import httpx
import msgspec
import pytest
from sqlalchemy import delete, select, text, update

from duilian.billing.models import UsageEvent
from duilian.customization.anchors import service as anchors
from duilian.customization.labels import forgetting
from duilian.customization.labels.models import Example, Rating
from duilian.customization.training import datasets
from duilian.customization.training.folds import Material
from duilian.customization.training.models import Forgetting, HeadRelease, ShadowScore, TrainingRun
from duilian.infra.audit import AuditEntry
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.infra.objects import ObjectStore, TenantKey
from duilian.platform.app.up import Stack
from duilian.platform.labelling.unlearner import Unlearner
from duilian.platform.scoring.heads import IN_FORCE, HeadShelf
from duilian.platform.scoring.models import Analysis
from duilian.platform.training import service, trainer
from duilian.platform.training.benches import Bench, Learnt, LocalBench, Tick
from duilian.platform.training.cluster import ClusterUnusable, RayBench
from duilian.serving.client import ServingClient
from duilian.serving.scoring.artefact import labels_in
from duilian.tenants.keyring import keys_of, open_database, open_keyring
from finished import reported, until
from inside import within
from outsiders import csrf_of, signed_in
from playing import play, publish_written, report_of, shipped, written
from training_world import DEEDS, declare, settle, show_good, teach
from waiting import wait_until
from world import World, open_world

HERE = "/console/lab/models"
wait = partial(wait_until, seconds=150)
OVER = (service.DONE, service.FAILED, service.CANCELLED)


@dataclass(frozen=True)
class Taught:
    world: World
    learnable: str
    hopeless: str
    desk: httpx.Client
    runs: dict[str, str]


@pytest.fixture(scope="module")
def taught(stack: Stack) -> Taught:
    """Both competencies trained, one after the other as the worker takes them."""
    world = open_world(stack.settings)
    learnable, hopeless = teach(world)
    desk = signed_in(world, "consultant")[0]
    runs = {key: train(desk, key) for key in (learnable, hopeless)}
    for run_id in runs.values():
        wait(lambda one=run_id: run_of(world, one)["state"] in OVER)
    return Taught(world, learnable, hopeless, desk, runs)


def train(desk: httpx.Client, competency: str) -> str:
    return post(desk, f"{HERE}/train", {"competency": competency}).headers["location"].rpartition("/")[2]


def post(desk: httpx.Client, path: str, data: dict | None = None, status: int = 303) -> httpx.Response:
    answer = desk.post(path, data={"csrf": csrf_of(desk), **(data or {})})
    assert answer.status_code == status, f"{path}: {answer.status_code} {answer.text[:600]}"
    return answer


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


def test_labels_by_lot_are_refused_and_nobody_overrides_it(taught: Taught) -> None:
    run = run_of(taught.world, taught.runs[taught.hopeless])
    assert run["verdict"] == "refused", run
    assert states(run)["learned"] == "failed" and states(run)["repeats"] == "passed"
    assert run["card"]["evaluation"]["by_heart"]["value"] > run["card"]["evaluation"]["own"]["value"] + 0.2
    post(taught.desk, f"{HERE}/runs/{run['id']}/shadow", status=409)
    with taught.world.api() as program:
        answer = program.post(f"/api/v1/lab/models/runs/{run['id']}/shadow")
    assert answer.status_code == 409 and answer.json()["code"] == "gate-closed"
    page = taught.desk.get(f"{HERE}/runs/{run['id']}").text
    assert 'data-verdict="refused"' in page and f"{run['id']}/shadow" not in page


def test_a_model_from_sound_labels_passes_with_its_card(taught: Taught) -> None:
    run = run_of(taught.world, taught.runs[taught.learnable])
    found = states(run)
    assert run["verdict"] == "warned", run["card"]["gates"]
    assert {name for name, state in found.items() if state == "warned"} == {"groups", "impact", "anchors"}
    evaluation = run["card"]["evaluation"]
    assert evaluation["own"]["low"] > 0.6 and evaluation["difference"]["low"] >= -0.05
    assert [point["labels"] for point in evaluation["curve"]] == [10, 25, None]
    assert run["card"]["data"]["labels"] == run["card"]["data"]["people"] == 60
    card = taught.desk.get(f"{HERE}/runs/{run['id']}/card.json").raise_for_status()
    assert card.json() == run["card"]
    page = taught.desk.get(f"{HERE}/runs/{run['id']}").text
    assert page.count("data-gate=") == 9 and "What it must not be used for" in page


def test_the_cost_is_told_before_and_measured_after(taught: Taught) -> None:
    world, run = taught.world, run_of(taught.world, taught.runs[taught.learnable])
    cost, told = run["cost"], run["estimate"]
    assert cost == run["card"]["cost"] and cost["where"] == "local" and cost["bytes"] > 1000
    assert 0 < cost["core_seconds"] < cost["seconds"] < 150 and 0 < cost["tier_seconds"] < cost["seconds"]
    assert cost["money"] == {"CNY": 1, "JPY": 1}, "rounded up, never free"
    assert told["core_seconds"] >= 1 and set(told["money"]) == {"CNY", "JPY"}
    assert told["core_seconds"] / 10 < cost["core_seconds"] < told["core_seconds"] * 10
    with world.api() as program:
        rows = {row["key"]: row for row in program.get("/api/v1/lab/models").json()["competencies"]}
    assert rows[taught.learnable]["labels"] == 60 and rows[taught.learnable]["estimate"]["seconds"] > 0
    page = taught.desk.get(f"{HERE}/runs/{run['id']}").text
    assert "data-cost" in page and "¥0.01 / " in page.replace("CN¥", "¥")
    assert taught.desk.get(HERE).text.count("core-seconds") >= 2
    wait(lambda: (UUID(run["id"]), "model.trained") in within(world, _usage))
    assert within(world, _usage).count((UUID(run["id"]), "model.trained")) == 1


async def _usage(session: TenantSession) -> list[tuple[UUID, str]]:
    return [tuple(row) for row in await session.execute(select(UsageEvent.subject_id, UsageEvent.metric))]


def test_shadow_promotion_and_the_way_back(taught: Taught) -> None:
    world, desk = taught.world, taught.desk
    run = run_of(world, taught.runs[taught.learnable])
    before = interview(world)
    post(desk, f"{HERE}/runs/{run['id']}/shadow")
    shadowed = interview(world)
    assert shadowed["competencies"] == before["competencies"], "the shadow changes nothing"
    assert run["artefact"][:12] not in msgspec.json.encode(shadowed).decode()
    asked = [q for q in shipped("retail", "complaint").questions if taught.learnable in q.competencies]
    wait(lambda: len(within(world, _shadow_scores)) == len(asked))
    release, pairs = within(world, _release), within(world, _shadow_scores)
    assert any(counted is not None and counted != shadow for counted, shadow in pairs)
    page = desk.get(f"{HERE}/competencies/{taught.learnable}").raise_for_status().text
    assert f'data-count="shadow">{len(pairs)}<' in page
    refused = post(desk, f"{HERE}/releases/{release}/promote", {"reason": "so"}, status=422)
    assert "at least 10 characters" in refused.text and in_force(world) == {}
    reason = {"reason": "Anchors are being adjudicated; few have declared a group."}
    post(desk, f"{HERE}/releases/{release}/promote", reason)
    assert in_force(world) == {taught.learnable: run["artefact"]}
    judged = interview(world)
    assert f"head:{taught.learnable}" in msgspec.json.encode(judged).decode()
    assert run["artefact"][:12] in msgspec.json.encode(judged).decode()
    explained(world, judged, taught.learnable)
    post(desk, f"{HERE}/rollback", {"competency": taught.learnable, "reason": "a trial"})
    assert in_force(world) == {}
    assert interview(world)["competencies"] == before["competencies"], "back to the scorer without labels"
    assert {
        "dataset.frozen",
        "training.done",
        "model.shadowed",
        "model.promoted",
        "model.rolled-back",
    } <= set(actions(world))


def explained(world: World, report: dict, competency: str) -> None:
    """The model's own account: in the API, on the page, in the PDF; what it says of others is levels and counts."""
    (scored,) = (one for one in report["competencies"] if one["key"] == competency)
    text = {one["key"]: one["transcript"]["text"] for one in report["answers"]}
    assert scored["why"], "a model of the company's own judged"
    for why in scored["why"]:
        assert all(text[why["answer"]][one["offset"] :].startswith(one["text"]) for one in why["moved"])
        assert set(why["near"][0]) == {"level", "answers"} if why["near"] else why["labels"] == 0
    said = msgspec.json.encode(scored["why"]).decode()
    assert not any(deed in said for deed in DEEDS), "nobody else's words"
    here = f"/console/interviews/{report['interview']}"
    staff = world.console("owner")
    page = staff.get(here).raise_for_status().text
    assert 'data-part="why"' in page
    assert staff.get(f"{here}/report.pdf").raise_for_status().content.startswith(b"%PDF")


async def _shadow_scores(session: TenantSession) -> list[tuple[float | None, float | None]]:
    return [tuple(row) for row in await session.execute(select(ShadowScore.counted, ShadowScore.shadow))]


async def _erase_analyses(session: TenantSession) -> None:
    await session.execute(delete(Analysis))


async def _release(session: TenantSession) -> UUID:
    return (await session.scalars(select(HeadRelease.id).where(HeadRelease.state == "shadow"))).one()


def test_only_a_person_with_the_right_promotes(taught: Taught) -> None:
    auditor = signed_in(taught.world, "auditor")[0]
    nobody = UUID(int=1)
    post(auditor, f"{HERE}/releases/{nobody}/promote", status=403)
    post(auditor, f"{HERE}/rollback", {"competency": taught.learnable}, status=403)
    assert auditor.get(f"{HERE}/runs/{taught.runs[taught.learnable]}").status_code == 200
    with taught.world.api() as program:
        assert program.post(f"/api/v1/lab/models/releases/{nobody}/promote").status_code == 404


def test_a_run_is_cancelled_and_changed_labels_are_noticed(taught: Taught) -> None:
    world, desk = taught.world, taught.desk
    first = train(desk, taught.learnable)
    post(desk, f"{HERE}/runs/{first}/cancel")
    post(desk, f"{HERE}/runs/{first}/cancel", status=409)
    again = within(world, lambda session: _run_of_changed(session, taught.learnable))
    wait(lambda: run_of(world, again)["state"] in OVER)
    run = run_of(world, again)
    assert run["failure"] and run["failure"]["code"] == "dataset-changed", {**run, "card": None}
    assert run_of(world, first)["state"] == "cancelled" and run_of(world, first)["card"] is None


async def _run_of_changed(session: TenantSession, competency: str) -> str:
    """A run whose labels are changed before the worker begins: both in one transaction."""
    row = await service.start(session, competency, {})
    mine = select(Rating.id).join(Example, Example.id == Rating.example_id).order_by(Rating.id).limit(1)
    chosen = mine.where(Example.competency == competency).scalar_subquery()
    await session.execute(update(Rating).where(Rating.id == chosen).values(level=Rating.level % 5 + 1))
    return str(row.id)


def test_a_cluster_out_of_reach_is_said_on_the_page_and_nothing_is_learned_here(taught: Taught) -> None:
    world, desk = taught.world, taught.desk
    run_id = within(world, lambda session: _queued(session, taught.learnable))
    with pytest.raises(ClusterUnusable):
        asyncio.run(_train_on(world, run_id, RayBench("ray://127.0.0.1:9")))
    found = run_of(world, run_id)
    assert (found["state"], found["failure"]["code"]) == ("learning", "training-cluster-unusable")
    assert "127.0.0.1:9" in desk.get(f"{HERE}/runs/{run_id}").text and found["card"] is None
    post(desk, f"{HERE}/runs/{run_id}/cancel")


async def _queued(session: TenantSession, competency: str) -> str:
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


async def _train_on(world: World, run_id: str, bench: Bench) -> None:
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


def test_a_good_example_that_goes_meanwhile_is_in_no_model(taught: Taught) -> None:
    """Nobody marked it, so it is no label of the dataset; its words would stand in the model all the same."""
    world, good = taught.world, show_good(taught.world, taught.learnable)
    run_id = within(world, lambda session: _queued(session, taught.learnable))
    bench = Leaving(lambda: within(world, lambda session: forgetting.examples(session, Example.id == good)))
    asyncio.run(_train_on(world, run_id, bench))
    found = run_of(world, run_id)
    assert (found["state"], found["failure"]["code"]) == ("failed", "dataset-changed")


def test_declared_groups_and_anchors_are_measured(taught: Taught) -> None:
    """Of the same answers, once people have declared a group and forty answers are settled and scored by what judges now."""
    world, desk = taught.world, taught.desk
    declare(world)
    settle(world, taught.learnable)
    post(desk, "/console/lab/anchors/score")
    wait(lambda: within(world, anchors.baseline) is not None)
    run_id = train(desk, taught.learnable)
    wait(lambda: run_of(world, run_id)["state"] in OVER)
    run = run_of(world, run_id)
    gates = {gate["name"]: gate for gate in run["card"]["gates"]}
    assert gates["groups"]["state"] == gates["impact"]["state"] == "passed", gates
    assert gates["anchors"]["case"] == "nearer" and gates["anchors"]["params"]["n"] >= 20, gates
    assert {gap["group"] for gap in run["card"]["groups"]} == {"man", "woman"}
    assert run["card"]["selection"][0]["found"]["ratio"]["value"] >= 0.8
    assert run["estimate"]["seconds"] < 3600, "corrected by the runs before it"
    page = desk.get(f"{HERE}/runs/{run_id}").text
    assert "in the better half by its marks" in page and "agree clearly better with the settled marks" in page


def test_whoever_withdraws_leaves_every_model(taught: Taught) -> None:
    """Also one whose address was corrected since: the row bears the old pseudonym. Then too many leave at once."""
    world, desk = taught.world, taught.desk
    before = run_of(world, taught.runs[taught.learnable])
    person = reported(world)
    post(desk, f"{HERE}/runs/{before['id']}/shadow")
    release = within(world, _release)
    post(desk, f"{HERE}/releases/{release}/promote", {"reason": "Few have declared a group so far."})
    pseudonym = within(world, lambda session: _given(session, taught.learnable, UUID(person.id)))
    held = [people.count(pseudonym) for people in people_in_store(world).values()]
    assert pseudonym in people_in_store(world)[before["artefact"]]
    person.api.post("/my-data/withdrawals", json={"purpose": "training"}).raise_for_status()
    own = until(person.mine, lambda mine: bool(mine["receipts"] and mine["receipts"][0]["finished_at"]))
    erased = {part["what"]: part["count"] for part in own["receipts"][0]["erased"]}
    assert erased["learned"] == sum(held) and erased["examples"] >= 1, erased
    stored, after = people_in_store(world), run_of(world, before["id"])
    assert before["artefact"] not in stored and not any(pseudonym in people for people in stored.values())
    assert in_force(world) == {taught.learnable: after["artefact"]} and len(stored[after["artefact"]]) == 59
    assert after["card"]["forgotten"][0]["before"] == before["artefact"], (
        "reports that name it find their way"
    )
    assert after["artefact"][:12] in msgspec.json.encode(interview(world)).decode(), (
        "answers are judged by the rest"
    )
    assert_killed_anywhere_it_ends_the_same(world, stored[after["artefact"]][0], after["artefact"])
    assert within(world, lambda session: _gone(session, taught.learnable)) == 40
    wait(lambda: in_force(world) == {})
    assert run_of(world, before["id"])["verdict"] == "refused"
    assert 'data-part="taken-out"' in desk.get(HERE).text
    post(desk, f"{HERE}/runs/{before['id']}/shadow", status=409)
    assert {"model.forgot", "model.taken_out"} <= set(actions(world))
    assert interview(world)["competencies"], "the scorer without labels judges again"


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


def assert_killed_anywhere_it_ends_the_same(world: World, person: str, before: str) -> None:
    """Asked without a job, so that only we do it."""

    async def ask(session: TenantSession) -> None:
        session.add(Forgetting(examples=[], people=[person], erasure_id=None, rows=None, asked_at=now(), done_at=None))  # fmt: skip

    async def forget(store: ObjectStore) -> None:
        database = open_database(world.settings, open_keyring(world.settings), 1)
        try:
            await Unlearner(database, store).run(world.tenant_id)
        finally:
            await database.close()

    wait(lambda: within(world, _forgetting_jobs) == 0)
    within(world, ask)
    for at in (IN_FORCE, "delete"):
        with pytest.raises(Killed):
            asyncio.run(forget(Dying(world, at)))
        (judging,) = in_force(world).values()
        assert judging in people_in_store(world), "what judges is there, whichever it is"
    asyncio.run(forget(ObjectStore(world.settings)))
    asyncio.run(forget(ObjectStore(world.settings)))
    stored = people_in_store(world)
    assert before not in stored and not any(person in people for people in stored.values())
    assert set(in_force(world).values()) <= stored.keys()


async def _forgetting_jobs(session: TenantSession) -> int:
    waiting = text(
        "select count(*) from procrastinate_jobs where task_name = 'models.forget' and status in ('todo', 'doing')"
    )
    return await session.scalar(waiting) or 0


async def _given(session: TenantSession, competency: str, interview_id: UUID) -> str:
    """An answer of the dataset belongs to this interview from now on; the pseudonym that its row bears."""
    mine = (await session.scalars(select(Example).where(Example.interview_id == interview_id))).first()
    query = select(Example).where(Example.competency == competency, Example.source == "import")
    chosen = (await session.scalars(query.order_by(Example.id).limit(1))).one()
    assert chosen.person_index
    pseudonym = chosen.person_index.hex()
    chosen.interview_id, chosen.person_index = interview_id, mine.person_index if mine else b"moved"
    return pseudonym


async def _gone(session: TenantSession, competency: str) -> int:
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


async def _adapted_run(session: TenantSession, competency: str) -> str:
    """Too few labels for the page to offer it, which keeps the step short."""
    row = await service.start(session, competency, {})
    row.adapt = True
    return str(row.id)


def test_the_encoder_is_adapted_only_where_labels_suffice(taught: Taught) -> None:
    page = taught.desk.get(HERE).text
    assert "needs at least 200 labels; there are 60" in page and 'name="adapt"' not in page
    refused = post(taught.desk, f"{HERE}/train", {"competency": taught.learnable, "adapt": "1"}, status=422)
    assert "at least 200 labels" in refused.text
    with taught.world.api() as program:
        wanted = {"competency": taught.learnable, "adapt": True}
        answer = program.post("/api/v1/lab/models/runs", json=wanted)
    assert (answer.status_code, answer.json()["code"]) == (422, "too-few-to-adapt")


def test_too_few_labels_neither_train_nor_pass(stack: Stack) -> None:
    world = open_world(stack.settings)
    learnable, hopeless = teach(world, good=10, bad=9)
    desk = signed_in(world, "consultant")[0]
    post(desk, f"{HERE}/train", {"competency": hopeless}, status=422)
    run_id = within(world, lambda session: _adapted_run(session, learnable))
    wait(lambda: run_of(world, run_id)["state"] in OVER)
    run = run_of(world, run_id)
    assert run["verdict"] == "refused" and states(run)["enough"] == "failed"
    said = run["card"]["adapter"]
    assert said["adapted"]["n"] == said["without"]["n"] == 10 and len(said["sha256"]) == 64
    page = desk.get(f"{HERE}/runs/{run_id}").text
    assert f'data-adapter="{"used" if said["used"] else "left"}"' in page

    async def stored(session: TenantSession) -> int:
        return len(list(await session.scalars(select(TrainingRun.id))))

    assert within(world, stored) == 1
