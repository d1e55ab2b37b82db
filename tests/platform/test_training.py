"""Training a model over HTTP: the gates refuse a bad one, a good one runs in the shadow, judges, and is taken back."""

from __future__ import annotations

import time
from dataclasses import dataclass
from uuid import UUID

import httpx
import msgspec
import pytest
from sqlalchemy import delete, select, update

from duilian.customization.labels.models import Example, Rating
from duilian.customization.training.models import HeadRelease, ShadowScore, TrainingRun
from duilian.infra.audit import AuditEntry
from duilian.infra.database import TenantSession
from duilian.infra.objects import ObjectStore
from duilian.platform.app.up import Stack
from duilian.platform.scoring.heads import HeadShelf
from duilian.platform.scoring.models import Analysis
from duilian.platform.training import service
from duilian.tenants.keyring import keys_of
from inside import within
from outsiders import csrf_of, signed_in
from playing import play, publish_written, report_of, shipped, written
from training_world import teach
from world import World, open_world

HERE = "/console/lab/models"
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


def wait(ready, seconds: float = 150) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.4)


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
    assert {name for name, state in found.items() if state == "warned"} == {"groups", "anchors"}
    evaluation = run["card"]["evaluation"]
    assert evaluation["own"]["low"] > 0.6 and evaluation["difference"]["low"] >= -0.05
    assert [point["labels"] for point in evaluation["curve"]] == [10, 25, None]
    assert run["card"]["data"]["labels"] == run["card"]["data"]["people"] == 60
    card = taught.desk.get(f"{HERE}/runs/{run['id']}/card.json").raise_for_status()
    assert card.json() == run["card"]
    page = taught.desk.get(f"{HERE}/runs/{run['id']}").text
    assert page.count("data-gate=") == 8 and "What it must not be used for" in page


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
    assert run_of(world, again)["failure"]["code"] == "dataset-changed"
    assert run_of(world, first)["state"] == "cancelled" and run_of(world, first)["card"] is None


async def _run_of_changed(session: TenantSession, competency: str) -> str:
    """A run whose labels are changed before the worker begins: both in one transaction."""
    row = await service.start(session, competency)
    chosen = select(Example.id).where(Example.competency == competency).limit(1).scalar_subquery()
    await session.execute(
        update(Rating).where(Rating.example_id == chosen).values(level=Rating.level % 5 + 1)
    )
    return str(row.id)


async def _adapted_run(session: TenantSession, competency: str) -> str:
    """Too few labels for the page to offer it, which keeps the step short."""
    row = await service.start(session, competency)
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
