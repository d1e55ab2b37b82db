"""Training a model over HTTP: the gates refuse a bad one, a good one runs in the shadow, judges, and is taken back."""

from __future__ import annotations

import asyncio
from functools import partial
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import select

from duilian.customization.anchors import service as anchors
from duilian.customization.labels import forgetting
from duilian.customization.labels.models import Example
from duilian.customization.training.errors import OtherInForce, ShadowShort
from duilian.customization.training.models import Forgetting, TrainingRun
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.infra.objects import ObjectStore
from duilian.platform.app.up import Stack
from duilian.platform.labelling.unlearner import Unlearner
from duilian.platform.scoring.heads import IN_FORCE
from duilian.platform.training import service
from duilian.platform.training.cluster import ClusterUnusable, RayBench
from duilian.tenants.keyring import open_database, open_keyring
from finished import reported, until
from inside import within
from outsiders import post, signed_in
from playing import shipped
from training_steps import (
    HERE,
    Dying,
    Killed,
    Leaving,
    Taught,
    actions,
    adapted_run,
    compared,
    explained,
    forgetting_jobs,
    given,
    gone,
    in_force,
    in_shadow,
    interview,
    people_in_store,
    put_in_force_silently,
    queued,
    run_of,
    run_of_changed,
    shadow_scores,
    states,
    train,
    train_on,
    usage,
)
from training_world import TAUGHT, UNSAID, declare, settle, show_good, teach
from waiting import wait_until
from world import World, open_world

wait = partial(wait_until, seconds=150)
OVER = (service.DONE, service.FAILED, service.CANCELLED)


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


def test_labels_by_lot_are_refused_and_nobody_overrides_it(taught: Taught) -> None:
    run = run_of(taught.world, taught.runs[taught.hopeless])
    assert run["verdict"] == "refused", run
    assert states(run)["learned"] == "failed" and states(run)["repeats"] == "passed"
    found = run["card"]["evaluation"]
    assert len(UNSAID) / 60 <= found["refused"] == found["current_refused"] < 0.2, "by the gate, as live"
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
    assert evaluation["alone"]["low"] > 0.5 and evaluation["candidate"]["covered"]["value"] > 0.8
    assert [point["labels"] for point in evaluation["curve"]] == [10, 25, None]
    assert run["card"]["data"]["labels"] == run["card"]["data"]["people"] == TAUGHT
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
    assert rows[taught.learnable]["labels"] == TAUGHT and rows[taught.learnable]["estimate"]["seconds"] > 0
    page = taught.desk.get(f"{HERE}/runs/{run['id']}").text
    assert "data-cost" in page and "¥0.01 / " in page.replace("CN¥", "¥")
    assert taught.desk.get(HERE).text.count("core-seconds") >= 2
    wait(lambda: (UUID(run["id"]), "model.trained") in within(world, usage))
    assert within(world, usage).count((UUID(run["id"]), "model.trained")) == 1


def test_shadow_promotion_and_the_way_back(taught: Taught) -> None:
    world, desk = taught.world, taught.desk
    run = run_of(world, taught.runs[taught.learnable])
    before = interview(world)
    post(desk, f"{HERE}/runs/{run['id']}/shadow")
    shadowed = interview(world)
    assert shadowed["competencies"] == before["competencies"], "the shadow changes nothing"
    assert run["artefact"][:12] not in msgspec.json.encode(shadowed).decode()
    asked = [q for q in shipped("retail", "complaint").questions if taught.learnable in q.competencies]
    wait(lambda: len(within(world, shadow_scores)) == len(asked))
    release, pairs = within(world, in_shadow), within(world, shadow_scores)
    assert any(counted is not None and counted != shadow for counted, shadow in pairs)
    page = desk.get(f"{HERE}/competencies/{taught.learnable}").raise_for_status().text
    assert f'data-count="shadow">{len(pairs)}<' in page and 'data-part="few-live"' in page
    with pytest.raises(ShadowShort):
        within(world, lambda session: put_in_force_silently(session, run["id"], release))
    refused = post(desk, f"{HERE}/releases/{release}/promote", {"reason": "so"}, status=422)
    assert "at least 10 characters" in refused.text and in_force(world) == {}
    reason = {"reason": "Anchors are being adjudicated; few have declared a group."}
    post(desk, f"{HERE}/releases/{release}/promote", reason)
    assert in_force(world) == {taught.learnable: run["artefact"]}
    judged = interview(world)
    assert f"head:{taught.learnable}" in msgspec.json.encode(judged).decode()
    assert run["artefact"][:12] in msgspec.json.encode(judged).decode()
    explained(world, judged, taught.learnable)
    with pytest.raises(
        OtherInForce
    ):  # it was compared with the scorer without labels, which judges no longer
        within(world, lambda session: compared(session, run["id"]))
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
    again = within(world, lambda session: run_of_changed(session, taught.learnable))
    wait(lambda: run_of(world, again)["state"] in OVER)
    run = run_of(world, again)
    assert run["failure"] and run["failure"]["code"] == "dataset-changed", {**run, "card": None}
    assert run_of(world, first)["state"] == "cancelled" and run_of(world, first)["card"] is None


def test_a_cluster_out_of_reach_is_said_on_the_page_and_nothing_is_learned_here(taught: Taught) -> None:
    world, desk = taught.world, taught.desk
    run_id = within(world, lambda session: queued(session, taught.learnable))
    with pytest.raises(ClusterUnusable):
        asyncio.run(train_on(world, run_id, RayBench("ray://127.0.0.1:9")))
    found = run_of(world, run_id)
    assert (found["state"], found["failure"]["code"]) == ("learning", "training-cluster-unusable")
    assert "127.0.0.1:9" in desk.get(f"{HERE}/runs/{run_id}").text and found["card"] is None
    post(desk, f"{HERE}/runs/{run_id}/cancel")


def test_a_good_example_that_goes_meanwhile_is_in_no_model(taught: Taught) -> None:
    """Nobody marked it, so it is no label of the dataset; its words would stand in the model all the same."""
    world, good = taught.world, show_good(taught.world, taught.learnable)
    run_id = within(world, lambda session: queued(session, taught.learnable))
    bench = Leaving(lambda: within(world, lambda session: forgetting.examples(session, Example.id == good)))
    asyncio.run(train_on(world, run_id, bench))
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
    release = within(world, in_shadow)
    post(desk, f"{HERE}/releases/{release}/promote", {"reason": "Few have declared a group so far."})
    pseudonym = within(world, lambda session: given(session, taught.learnable, UUID(person.id)))
    held = [people.count(pseudonym) for people in people_in_store(world).values()]
    assert pseudonym in people_in_store(world)[before["artefact"]]
    person.api.post("/my-data/withdrawals", json={"purpose": "training"}).raise_for_status()
    own = until(person.mine, lambda mine: bool(mine["receipts"] and mine["receipts"][0]["finished_at"]))
    erased = {part["what"]: part["count"] for part in own["receipts"][0]["erased"]}
    assert erased["learned"] == sum(held) and erased["examples"] >= 1, erased
    stored, after = people_in_store(world), run_of(world, before["id"])
    assert before["artefact"] not in stored and not any(pseudonym in people for people in stored.values())
    assert (
        in_force(world) == {taught.learnable: after["artefact"]}
        and len(stored[after["artefact"]]) == TAUGHT - 1
    )
    assert after["card"]["forgotten"][0]["before"] == before["artefact"], (
        "reports that name it find their way"
    )
    assert after["artefact"][:12] in msgspec.json.encode(interview(world)).decode(), (
        "answers are judged by the rest"
    )
    assert_killed_anywhere_it_ends_the_same(world, stored[after["artefact"]][0], after["artefact"])
    assert within(world, lambda session: gone(session, taught.learnable)) == 40
    wait(lambda: in_force(world) == {})
    assert run_of(world, before["id"])["verdict"] == "refused"
    assert 'data-part="taken-out"' in desk.get(HERE).text
    post(desk, f"{HERE}/runs/{before['id']}/shadow", status=409)
    assert {"model.forgot", "model.taken_out"} <= set(actions(world))
    assert interview(world)["competencies"], "the scorer without labels judges again"


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

    wait(lambda: within(world, forgetting_jobs) == 0)
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
    run_id = within(world, lambda session: adapted_run(session, learnable))
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
