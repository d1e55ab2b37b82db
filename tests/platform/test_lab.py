"""The measurement lab over HTTP: figures of a tenant with a past, anchors, calibration, groups nobody sees."""

from __future__ import annotations

import csv
import io
import json
import re
import time
import zipfile
from collections.abc import Iterator
from contextlib import nullcontext
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select, text

from duilian.customization.anchors import service as anchors
from duilian.customization.anchors.later import score_later
from duilian.customization.anchors.models import Anchor
from duilian.customization.labels import rating
from duilian.customization.labels.models import Example
from duilian.customization.labels.rating import Eyes
from duilian.infra.database import Access, TenantSession
from duilian.infra.objects import ObjectStore
from duilian.infra.settings import Settings
from duilian.platform.app.up import Stack
from duilian.platform.measuring.figures import KINDS
from duilian.platform.measuring.models import LabFigures
from duilian.platform.media.models import Recording
from duilian.platform.scoring.heads import HeadShelf
from duilian.serving.loading import load_embedder
from duilian.tenants.keyring import keys_of
from duilian.tenants.rights import ROLES, Right
from finished import Finished, reported
from heads import head_artefact
from inside import within
from lab_world import PEOPLE, Past, remember
from outsiders import csrf_of, signed_in
from playing import Part, spoken, written
from world import World, open_world


@pytest.fixture(scope="module")
def world(stack: Stack) -> World:
    return open_world(stack.settings)


@pytest.fixture(scope="module")
def past(world: World) -> Past:
    return remember(world)


@pytest.fixture(scope="module")
def admin(world: World) -> Iterator[httpx.Client]:
    with desk(world, "auditor") as auditor:  # English, and may read the lab
        yield auditor


@pytest.fixture(scope="module")
def measured(world: World, past: Past) -> dict[str, dict]:
    """Asked for on the page, computed by the worker, read by a program."""
    with desk(world, "consultant") as client:
        post(client, "/console/lab/measure")
    wait(lambda: within(world, _kinds) == set(KINDS))
    with world.api() as program:
        return {
            kind: program.get(f"/api/v1/lab/{kind}").raise_for_status().json()["content"] for kind in KINDS
        }


async def _kinds(session: TenantSession) -> set[str]:
    return set(await session.scalars(select(LabFigures.kind)))


def desk(world: World, role: str) -> nullcontext[httpx.Client]:
    """A member's client, signed in once."""
    return nullcontext(signed_in(world, role)[0])


def post(client: httpx.Client, path: str, data: dict | None = None) -> httpx.Response:
    answer = client.post(path, data={"csrf": csrf_of(client), **(data or {})})
    assert answer.status_code == 303, f"{path}: {answer.status_code} {answer.text[:400]}"
    return answer


def wait(ready, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.3)


def test_agreement_says_who_is_nearer(measured: dict[str, dict]) -> None:
    """The planted machine errs by more than the second person."""
    top = measured["agreement"]["rows"][0]
    assert top["key"] == "" and top["human"]["n"] == top["machine"]["n"] == PEOPLE
    for pair in (top["human"], top["machine"]):
        assert pair["qwk"]["low"] < pair["qwk"]["value"] < pair["qwk"]["high"]
        assert 0 < pair["icc1"]["value"] < pair["icck"]["value"] <= 1
        assert pair["exact"]["value"] < pair["adjacent"]["value"]
    assert top["human"]["smd"]["value"] > 0.3  # the first is more lenient than the second by most of a level
    assert measured["agreement"]["finding"] in ("further", "as_near", "nearer")


def test_figures_find_what_was_planted(measured: dict[str, dict], past: Past) -> None:
    strictest = measured["raters"]["raters"][0]
    assert strictest["rater"] == past.strict and strictest["severity"]["low"] > 0
    by_rater = {one["rater"]: one["severity"]["value"] for one in measured["raters"]["raters"]}
    assert by_rater[past.strict] - by_rater[past.even] == pytest.approx(0.7, abs=0.2)
    (row,) = (row for row in measured["items"]["sets"] if row["key"] == "complaint")
    weak = {one["item"] for one in row["items"] if "weak" in one["notes"]}
    assert weak == {past.last}
    assert all(40 <= one["seconds"] <= 80 and one["exposure"] == 1 for one in row["items"])
    (spread,) = measured["distributions"]["sets"]
    assert sum(spread["bins"]) == spread["n"] == PEOPLE and 0.4 < spread["passed"]["value"] < 0.7
    review = measured["review"]
    assert review["over_random20"]["low"] > 0 and review["gain20"]["value"] > 0.06
    (totals,) = (row for row in measured["validity"]["rows"] if row["basis"] == "totals")
    assert totals["raw"]["value"] > 0.5 and totals["known"] < totals["all"] == PEOPLE
    assert measured["drift"]["sets"][0]["value"]["reason"] == "few"


def test_groups_are_compared_and_small_ones_are_not_named(measured: dict[str, dict], world: World) -> None:
    (gender,) = measured["fairness"]["questions"]
    rows = {row["group"]: row for row in gender["impact"]["rows"]}
    assert gender["impact"]["reference"] == "man" and rows["woman"]["adverse"]
    assert rows["woman"]["ratio"]["value"] == pytest.approx(rows["woman"]["rate"] / rows["man"]["rate"])
    assert {gap["group"] for gap in gender["gaps"]} == {"woman", "man"}
    assert gender["dif"] and not any(one["flagged"] for one in gender["dif"])
    assert "candidate" not in json.dumps(measured["fairness"])


@pytest.mark.parametrize("kind", ["", *KINDS])
def test_each_page_says_a_finding_and_gives_the_data(
    admin: httpx.Client, measured: dict[str, dict], kind: str
) -> None:
    page = admin.get(f"/console/lab/{kind}".rstrip("/")).raise_for_status().text
    assert "too few: 0 of" not in page or kind in ("drift", "validity")
    if not kind:
        assert page.count('href="/console/lab/agreement"') == 2
        return
    assert re.search(r'class="lab-finding">[^<]{20,}', page), page[:2000]
    data = admin.get(f"/console/lab/{kind}/data.csv").raise_for_status()
    rows = list(csv.DictReader(io.StringIO(data.content.decode("utf-8-sig"))))
    assert rows and data.headers["content-type"].startswith("text/csv")


def test_only_who_may_sees_the_lab(world: World) -> None:
    for role in ROLES:
        allowed = Right.LAB_READ in ROLES[role]
        with desk(world, role) as client:
            assert client.get("/console/lab").status_code == (200 if allowed else 403), role


def test_the_review_list_comes_in_the_order_of_expected_gain(world: World, past: Past) -> None:
    """Totals with the largest error first."""
    with desk(world, "recruiter") as client:
        page = client.get("/console/interviews?order=gain").raise_for_status().text
    errors = [float(found) for found in re.findall(r'data-error="([0-9.]+)"', page)]
    assert len(errors) > 10 and errors == sorted(errors, reverse=True)


def test_anchors_are_chosen_scored_and_block_a_head_that_moves_them(
    stack: Stack, world: World, past: Past
) -> None:
    settled = within(world, anchors.settled_examples)
    chosen = [str(one) for one in list(settled)[:45]]
    with desk(world, "consultant") as client:
        post(client, "/console/lab/anchors", {"example": chosen, "shown": chosen})
        post(client, "/console/lab/anchors/score")
        first = run_number(world, 1)
        assert first.state == "holds" and first.is_baseline and 20 <= first.verdict["n"] <= 45
        competency = within(world, _competency)
        put_in_force(stack, world, competency)
        post(client, "/console/lab/anchors/score")
        second = run_number(world, 2)
        assert second.state == "breach" and not second.is_baseline
        assert {"shift", "moved"} <= set(second.verdict["breaches"])
        assert "breached" in client.get("/console/lab/anchors").text
        assert "Nothing is released" in client.get("/console/lab").text
        post(client, f"/console/lab/anchors/runs/{second.id}/accept")
    scores = {UUID(key): value for key, value in second.scores.items()}
    verdict = within(world, lambda session: anchors.anchors_hold(session, scores))
    assert verdict.state == "holds" and not verdict.blocked
    lost = dict.fromkeys(scores)
    assert within(world, lambda session: anchors.anchors_hold(session, lost)).breaches == ["unscored"]


async def _competency(session: TenantSession) -> str:
    return (await session.scalars(select(Example.competency).limit(1))).one()


def run_number(world: World, number: int):
    wait(lambda: len(within(world, anchors.runs)) >= number)
    return within(world, anchors.runs)[0]


def put_in_force(stack: Stack, world: World, competency: str) -> None:
    """A model that says 5 to everything."""
    embedder = load_embedder(Settings(models_dir=stack.settings.models_dir)).step

    async def put(session: TenantSession) -> None:
        shelf = HeadShelf(ObjectStore(world.settings), keys_of(session))
        await shelf.put_in_force(competency, await shelf.put(head_artefact(embedder, 5, competency)))

    within(world, put)


def test_a_rater_calibrates_blind_and_sees_the_result(world: World, past: Past) -> None:
    with desk(world, "consultant") as lab:
        place = post(lab, "/console/lab/calibrations", {"title": "Spring", "size": "6"}).headers["location"]
    with desk(world, "interviewer") as judge:  # rated all of them: nothing is left for this one
        assert "0 of 0" in judge.get(place).text
    with desk(world, "department_manager") as rater:
        for _ in range(6):
            page = rater.get(place).text
            example = re.search(r'name="example" value="([0-9a-f-]+)"', page)
            assert example and "settled level" not in page
            post(rater, f"{place}/marks", {"example": example.group(1), "level": "3"})
        again = rater.post(
            f"{place}/marks", data={"csrf": csrf_of(rater), "example": example.group(1), "level": "5"}
        )
        assert again.status_code == 303
        result = rater.get(place).text
        assert "Of 6 answers you gave the settled level in" in result and "Everybody" not in result
    with desk(world, "consultant") as lab:
        post(lab, f"{place}/close")
    with desk(world, "auditor") as reader:
        assert reader.get(place).status_code == 403  # reads the lab, rates nothing


def test_a_candidate_declares_changes_and_takes_back(world: World) -> None:
    me = Finished(world, world.invite(locale="en"))
    page = me.page.get("my-data/groups").raise_for_status().text
    assert "Voluntary" in page and page.count("checked") == page.count("I would rather not say")
    saved = me.page.post("my-data/groups", data={"gender": "woman", "age": "35_44", "disability": "nonsense"})
    assert saved.status_code == 303
    assert me.api.get("/my-data/groups").json()["declared"] == {"gender": "woman", "age": "35_44"}
    copy = zipfile.ZipFile(io.BytesIO(me.api.get("/my-data/copy").content))
    assert json.loads(copy.read("groups.json")) == {"gender": "woman", "age": "35_44"}
    assert me.counts()["groups"] == 2
    assert me.api.put("/my-data/groups", json={"declared": {}}).json() == {"declared": {}}
    me.api.put("/my-data/groups", json={"declared": {"gender": "other"}})
    receipt = me.receipt(me.erase())
    assert any(row["what"] == "declarations" and row["count"] == 1 for row in receipt["erased"]), receipt
    assert declared_rows(world, Access()) == 0


def declared_rows(world: World, access: Access) -> int:
    async def count(session: TenantSession) -> int:
        return await session.scalar(text("select count(*) from declarations")) or 0

    return within(world, count, access)


def test_no_session_but_the_candidates_own_sees_a_declaration(
    world: World, past: Past, measured: dict[str, dict]
) -> None:
    """Nor does any page or document of staff hold one; and nobody writes one for somebody else."""
    mine = past.candidates[0]
    assert declared_rows(world, Access(candidate_id=mine)) == 1
    for access in (Access(), Access(actor="member:x", units=None), Access(candidate_id=UUID(int=1))):
        assert declared_rows(world, access) == 0

    async def take(session: TenantSession) -> int:
        await session.execute(text("select set_config('app.statistics', 'on', true)"))
        gone = await session.execute(text("delete from declarations returning id"))
        changed = await session.execute(text("update declarations set question = 'x' returning id"))
        return len(gone.all()) + len(changed.all())

    assert within(world, take) == 0


def test_a_spoken_anchor_is_heard_again_by_each_recogniser(stack: Stack) -> None:
    """By the real one, once per version; what it hears is what is judged."""
    world = open_world(stack.settings)
    parts: list[Part] = [*written("complaint", "strong", "zh")]
    parts[1] = spoken("zh", "strong", "complaint")[1]
    reported(world, parts, training=True)
    wait(lambda: within(world, spoken_example) is not None)

    async def choose(session: TenantSession) -> UUID:
        """Two people agree on it."""
        example = await spoken_example(session)
        assert example is not None
        for rater in ("member:one", "member:two"):
            await rating.rate(session, Eyes(rater), example.id, 4)
        await anchors.add(session, example.id)
        await score_later(session)
        return example.id

    example_id = within(world, choose)
    run_number(world, 1)
    first = within(world, anchor)
    assert first.heard_by and "silero" in first.heard_by
    assert len(within(world, anchors.heard)[example_id]) > 60

    async def age(session: TenantSession) -> None:
        """As if another recogniser had heard it: something else."""
        row = await anchor(session)
        row.heard, row.heard_by = "嗯。", "{}"
        await score_later(session)

    within(world, age)
    run = run_number(world, 2)
    assert within(world, anchor).heard_by == first.heard_by
    assert run.scores[str(example_id)] is not None and len(within(world, anchors.heard)[example_id]) > 60


async def spoken_example(session: TenantSession) -> Example | None:
    query = select(Example).join(Recording, Recording.answer_id == Example.answer_id)
    return await session.scalar(query.order_by(Example.id).limit(1))


async def anchor(session: TenantSession) -> Anchor:
    return (await session.scalars(select(Anchor))).one()
