"""A tenant's own scoring model in its sealed storage: used, kept apart, missed in words, repaired and replayed."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
import pytest

from duilian.infra.database import TenantSession
from duilian.infra.jobs import dead_letters, replay
from duilian.infra.objects import ObjectStore
from duilian.infra.settings import Settings
from duilian.platform.scoring.heads import HeadShelf, HeadUnusable
from duilian.serving.loading import load_embedder
from duilian.serving.scoring.artefact import Artefact
from duilian.tenants.keyring import keys_of
from heads import head_artefact
from inside import within
from playing import play, publish_written, report_of, shipped, written
from world import World, open_world

Result = TypeVar("Result")


@pytest.fixture(scope="module")
def artefact(stack) -> Artefact:
    """Judges everything to be level 5."""
    embedder = load_embedder(Settings(models_dir=stack.settings.models_dir)).step
    competency = shipped("retail", "complaint").questions[1].competencies[0]
    return head_artefact(embedder, 5, competency)


def on_shelf(world: World, work: Callable[[HeadShelf], Awaitable[Result]]) -> Result:
    async def go(session: TenantSession) -> Result:
        return await work(HeadShelf(ObjectStore(world.settings), keys_of(session)))

    return within(world, go)


def interview(world: World) -> dict:
    parts = written("complaint", "medium", "zh")
    set_key = publish_written(world, shipped("retail", "complaint"))
    return report_of(world, play(world, set_key, parts))


def failures(report: dict) -> set[str]:
    return {answer["reason"]["code"] for answer in report["answers"] if answer["reason"]}


def versions(report: dict) -> str:
    return msgspec.json.encode(report).decode()


def test_a_head_in_force_judges_its_tenants_answers_and_nobody_elses(stack, artefact):
    ours, theirs = (open_world(stack.settings) for _ in range(2))
    before = interview(ours)

    async def put(shelf: HeadShelf) -> str:
        sha256 = await shelf.put(artefact)
        await shelf.put_in_force(artefact.competency, sha256)
        return sha256

    sha256 = on_shelf(ours, put)
    ours_now, theirs_now = interview(ours), interview(theirs)
    assert f"head:{artefact.competency}" in versions(ours_now) and sha256[:12] in versions(ours_now)
    assert sha256[:12] not in versions(theirs_now)
    scores = [
        next(c for c in report["competencies"] if c["key"] == artefact.competency)["level"]
        for report in (before, theirs_now, ours_now)
    ]
    assert scores[0] == scores[1] < scores[2]
    on_shelf(ours, lambda shelf: shelf.put_in_force(artefact.competency, None))
    assert interview(ours)["competencies"] == before["competencies"], "back to the cold start"


def test_a_missing_head_stops_its_tenant_alone_until_it_is_repaired(stack, artefact):
    ours, theirs = (open_world(stack.settings) for _ in range(2))

    async def put_and_lose(shelf: HeadShelf) -> str:
        sha256 = await shelf.put(artefact)
        await shelf.put_in_force(artefact.competency, sha256)
        return sha256

    sha256 = on_shelf(ours, put_and_lose)
    run_delete(ours, f"models/{sha256}")
    with pytest.raises(HeadUnusable, match=sha256[:12]):
        on_shelf(ours, lambda shelf: shelf.artefact(sha256))
    report = interview(ours)
    assert failures(report) == {"model-failed"}
    assert failures(interview(theirs)) == set()
    dead = within(ours, dead_letters)
    assert {letter["task_name"] for letter in dead} == {"scoring.process_answer"}
    on_shelf(ours, lambda shelf: shelf.put(artefact))

    async def replay_all(session: TenantSession) -> None:
        assert all([await replay(session, letter["id"]) for letter in dead])

    within(ours, replay_all)
    deadline = time.monotonic() + 60
    while failures(report_of(ours, report["interview"])):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert within(ours, dead_letters) == []


def run_delete(world: World, name: str) -> None:
    async def go(session: TenantSession) -> None:
        await ObjectStore(world.settings).delete(session.tenant_id, [name])

    within(world, go)
