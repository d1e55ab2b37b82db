"""The feedback loop over HTTP: what reviewers and candidates say, proposals made of it, their effect, a new version."""

from __future__ import annotations

import io
import json
import re
import time
import zipfile
from uuid import UUID

import httpx
import pytest
from sqlalchemy import func, select, text

from duilian.customization.models import PublishedSet
from duilian.customization.service import content_of, newest_set, questions_of
from duilian.infra.database import Access, TenantSession
from duilian.platform.app.up import Stack
from duilian.platform.opinions import survey
from duilian.platform.opinions.models import StrictnessJudgement
from duilian.platform.reports.models import Report
from duilian.platform.revising import replay
from duilian.tenants.keyring import open_database, open_keyring
from feedback_world import DECLINED, PEOPLE, STRICT, SURVEYED, WORDS, open_proposal, plant
from finished import Finished, reported
from inside import within
from lab_world import Past
from outsiders import post, signed_in
from playing import report_of
from world import World, open_world, run

HERE = "/console/lab/proposals"
REASON = "Agreed with the heads of department."


@pytest.fixture(scope="module")
def world(stack: Stack) -> World:
    return open_world(stack.settings)


@pytest.fixture(scope="module")
def past(world: World) -> Past:
    return plant(world)


@pytest.fixture(scope="module")
def proposal(world: World, past: Past) -> str:
    """Asked for on the page, made by the worker."""
    consultant, _ = signed_in(world, "consultant")
    post(consultant, HERE)
    return str(open_proposal(world))


@pytest.fixture(scope="module")
def mine(world: World) -> Finished:
    return reported(world)


def desk(world: World, role: str) -> httpx.Client:
    return signed_in(world, role)[0]


def read(world: World, proposal: str) -> dict:
    with world.api() as program:
        return program.get(f"/api/v1/lab/proposals/{proposal}").raise_for_status().json()


# --- what people say ------------------------------------------------------------------------------


def test_a_reviewer_judges_changes_and_takes_back(world: World, mine: Finished) -> None:
    place, before = f"/console/interviews/{mine.id}", report_of(world, mine.id)
    recruiter, auditor = desk(world, "recruiter"), desk(world, "auditor")
    competency = next(c["key"] for c in before["competencies"] if c["outcome"] == "scored")
    for verdict, note in (("strict", "Said it in other words."), ("lenient", "")):
        post(recruiter, f"{place}/strictness", {"competency": competency, "verdict": verdict, "note": note})
    post(recruiter, f"{place}/strictness", {"competency": "", "verdict": "right"})
    page = recruiter.get(place).text
    pressed = re.findall(r'value="(\w+)" aria-pressed="true"', page)
    assert sorted(pressed) == ["lenient", "right"] and "Said it in other words" not in page
    assert (
        'aria-pressed="true"' not in desk(world, "department_manager").get(place).text
    )  # each has their own
    post(recruiter, f"{place}/strictness", {"competency": competency, "verdict": ""})
    assert re.findall(r'value="(\w+)" aria-pressed="true"', recruiter.get(place).text) == ["right"]
    post(auditor, f"{place}/strictness", {"competency": "", "verdict": "strict"}, 403)
    post(recruiter, f"{place}/strictness", {"competency": "none", "verdict": "strict"}, 404)
    post(recruiter, f"{place}/strictness", {"competency": "", "verdict": "bad"}, 400)
    assert report_of(world, mine.id) == before


def test_a_candidate_says_how_the_questions_were_and_staff_never_see_who(
    world: World, mine: Finished
) -> None:
    early = Finished(world, world.invite(locale="en"))
    assert early.page.get("survey").status_code == 303
    assert early.api.put("/survey", json={"words": "x"}).status_code == 409
    question = mine.api.get("/survey").json()["questions"][1]
    form = {f"felt-{question}": "hard", f"unclear-{question}": "1", "words": "只有我会这样写"}
    assert mine.page.post("survey", data=form).status_code == 303
    page = mine.page.get("survey").text
    assert page.count(" checked") == 2 and "只有我会这样写" in page
    assert mine.api.get("/survey").json()["answers"] == {question: {"felt": "hard", "unclear": True}}
    assert mine.counts()["survey"] == 1
    copy = zipfile.ZipFile(io.BytesIO(mine.api.get("/my-data/copy").content))
    assert json.loads(copy.read("survey.json"))[0]["words"] == "只有我会这样写"
    data = json.loads(copy.read("data.json"))
    assert data["interviews"][0]["strictness"][0]["verdict"] == "right"
    admin = desk(world, "admin")
    for address in (
        f"/console/interviews/{mine.id}",
        "/console/interviews",
        HERE,
        f"{HERE}/sets/complaint-written",
    ):
        assert "只有我会这样写" not in admin.get(address).raise_for_status().text
    assert "只有我会这样写" not in json.dumps(report_of(world, mine.id), ensure_ascii=False)
    told = told_of(world, "complaint-written")
    assert (told.n, told.said, told.words) == (1, {}, []), "counts of one person say as much as words"
    assert rows_of(world, "surveys", Access()) == rows_of(world, "surveys", Access(actor="member:x")) == 0


def told_of(world: World, set_key: str) -> survey.Counted:
    async def count() -> survey.Counted:
        database = open_database(world.settings, open_keyring(world.settings), 1)
        try:
            return await survey.counted(database, world.tenant_id, set_key)
        finally:
            await database.close()

    return run(count())


def rows_of(world: World, table: str, access: Access) -> int:
    async def count(session: TenantSession) -> int:
        return await session.scalar(text(f"select count(*) from {table}")) or 0

    return within(world, count, access)


def test_a_real_report_is_replayed_to_the_same_total(world: World, mine: Finished) -> None:
    async def again(session: TenantSession) -> tuple[float | None, float]:
        (one,) = await replay.reported(session, "complaint-written")
        await replay.fill(session, {one.interview_id: one})
        content = await questions_of(session, one.set_id)
        return replay.total_of(content.competencies, one), one.total

    replayed, stored = within(world, again)
    assert replayed == stored


def test_what_people_said_goes_with_the_person(world: World, mine: Finished) -> None:
    """The reviewer's judgement goes with the report."""
    judged = select(func.count()).select_from(StrictnessJudgement).join(
        Report, Report.id == StrictnessJudgement.report_id
    ).where(Report.interview_id == UUID(mine.id))  # fmt: skip

    async def count(session: TenantSession) -> int:
        return await session.scalar(judged) or 0

    assert within(world, count) == 1
    gone = {row["what"]: row["count"] for row in mine.receipt(mine.erase())["erased"]}
    assert gone["surveys"] == 1 and mine.api.get("/survey").json()["answers"] == {}
    assert within(world, count) == 0


# --- proposals ------------------------------------------------------------------------------------


def test_a_proposal_says_why_with_n_and_what_contradicts_it(world: World, past: Past, proposal: str) -> None:
    found = read(world, proposal)
    why = found["findings"]
    assert found["question_set"] == "complaint" and found["state"] == "open"
    assert why["counts"] == why["counts"] | {
        "interviews": PEOPLE - 1,
        "marks": PEOPLE,
        "surveys": SURVEYED,
        "opinions": 8,
    }
    weights = {row["competency"]: row for row in why["weights"]["rows"]}
    assert why["weights"]["basis"] == "outcome" and why["weights"]["why"] in ("", "same")
    assert weights[STRICT]["fitted"]["value"] < weights[STRICT]["present"]  # noise is half of it
    assert weights["problem-solving"]["fitted"]["reason"] == "few"  # never scored: its weight stays
    assert sum(row["proposed"] for row in weights.values()) == 100
    assert all(abs(row["proposed"] - row["present"]) <= 10 for row in weights.values())
    (cuts,) = (fit for fit in why["cuts"] if not fit["why"])  # the competency that is marked
    assert cuts["difference"]["high"] < 0 and cuts["proposed"][1] > cuts["present"][1]
    assert {fit["why"] for fit in why["cuts"]} == {"", "few"}
    assert why["order"]["why"] == "same"
    (level,) = (item["level"] for item in why["order"]["items"] if item["question"] == past.last)
    assert level["n"] == PEOPLE - DECLINED, "who declined is counted and not learned from"
    (unclear,) = (item for item in why["order"]["items"] if item["reword"])
    assert unclear["question"] == past.last and unclear["said"]["hard"] == SURVEYED
    assert cuts["competency"] == STRICT and cuts["against"] == ["opinions"]


def test_the_effect_is_shown_before_anything_is_published(world: World, proposal: str) -> None:
    effect = read(world, proposal)["effect"]
    assert effect["n"] == PEOPLE - 1 and effect["unlike"] == 1  # one was reported otherwise than it comes out
    change = effect["change"]
    assert 0 < change["changed"] <= change["n"] == sum(change["bins"]) and 0.8 < change["rank"]["value"] < 1
    assert effect["crossing"]["border"] == pytest.approx(5.5, abs=0.2)
    assert (
        effect["agreement"]["cuts"][0]["held_out"]
        and effect["agreement"]["cuts"][0]["rise"]["low"] is not None
    )
    (gender,) = effect["groups"]
    assert {row["group"] for row in gender["after"]["rows"]} == {"woman", "man"}
    auditor, recruiter = desk(world, "auditor"), desk(world, "recruiter")
    page = auditor.get(f"{HERE}/{proposal}?border=5").raise_for_status().text
    assert "At a total of 5.0" in page and "Contradiction" in page and "too lenient" in page
    assert 'data-part="publish"' not in page and recruiter.get(f"{HERE}/{proposal}").status_code == 403
    up, down = map(int, re.findall(r"(\d+) would come to stand above it and (\d+) below", page)[0])
    people = recruiter.get(f"{HERE}/{proposal}/people?border=5").raise_for_status().text
    assert people.count('href="/console/interviews/') == up + down and "候选人" in people
    assert auditor.get(f"{HERE}/sets/complaint").text.count(WORDS) == 3  # without names


def test_it_is_changed_replayed_published_and_taken_back(world: World, proposal: str) -> None:
    consultant, place = desk(world, "consultant"), f"{HERE}/{proposal}"
    reports = within(world, digests)
    form = dict(
        re.findall(r'name="((?:weight|cut|place)-[^"]+)" value="([^"]+)"', consultant.get(place).text)
    )
    key = next(name for name in form if name.startswith("weight-"))
    refused = post(consultant, f"{place}/change", form | {key: "99"}, 422).text
    assert "they sum to" in refused and 'value="99"' in refused
    post(desk(world, "recruiter"), f"{place}/publish", {"reason": REASON}, 403)
    first, second = [name for name in form if name.startswith("weight-")][:2]
    form |= {first: str(int(form[first]) + 1), second: str(int(form[second]) - 1)}
    post(consultant, f"{place}/change", form)
    open_proposal(world)
    assert not read(world, proposal)["effect"]["agreement"]["weights"]["held_out"]
    post(consultant, f"{place}/publish", {"reason": "no"}, 422)
    post(consultant, f"{place}/publish", {"reason": REASON})
    made = within(world, newest)
    assert made.version == 2 and made.provenance == {"proposal": proposal, "reason": REASON, "base": 1}
    assert {c.key: c.weight for c in content_of(made).competencies} == read(world, proposal)["chosen"][
        "weights"
    ]
    assert next(c for c in content_of(made).competencies if c.key == STRICT).cuts is not None
    assert within(world, digests) == reports
    post(consultant, f"{place}/publish", {"reason": REASON}, 409)
    assert REASON in consultant.get(f"{HERE}/sets/complaint").text
    post(consultant, f"{place}/take-back", {"reason": REASON})
    back = within(world, newest)
    assert back.version == 3 and back.provenance["takes_back"] == 1
    assert content_of(back) == content_of(within(world, first_version))


async def newest(session: TenantSession) -> PublishedSet:
    return await newest_set(session, "complaint")


async def first_version(session: TenantSession) -> PublishedSet:
    query = select(PublishedSet).where(PublishedSet.key == "complaint", PublishedSet.version == 1)
    return (await session.scalars(query)).one()


async def digests(session: TenantSession) -> list[str]:
    return sorted(f"{row.id}{row.sha256}{row.total}" for row in await session.scalars(select(Report)))


def test_what_was_rejected_is_not_proposed_again(world: World, proposal: str) -> None:
    """For the version in force now, which came of taking back."""
    consultant = desk(world, "consultant")
    post(consultant, HERE)
    again = open_proposal(world)
    assert str(again) != proposal
    post(consultant, f"{HERE}/{again}/reject", {"reason": REASON})
    with world.api() as program:
        before = program.get("/api/v1/lab/proposals").json()
        assert program.post("/api/v1/lab/proposals", json={}).status_code == 202
        deadline = time.monotonic() + 60
        while (after := program.get("/api/v1/lab/proposals").json())["signals"] == before["signals"]:
            assert time.monotonic() < deadline
            time.sleep(0.3)
    assert [one["state"] for one in after["proposals"]][:2] == ["rejected", "taken_back"]
