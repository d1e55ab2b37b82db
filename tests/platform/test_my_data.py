"""The candidate's own data: seeing, correcting, copying, withdrawing and erasing it, at every interface."""

from __future__ import annotations

import io
import json
import re
import secrets
import zipfile
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, text

from duilian.infra.audit import AuditEntry
from duilian.infra.database import Access, TenantSession
from duilian.infra.local.seaweedfs import LocalObjectStore
from duilian.platform.app.up import Stack
from duilian.platform.media.models import Take
from duilian.platform.privacy import recipients
from duilian.platform.privacy.receipts import is_genuine
from duilian.platform.recruiting.models import Candidate
from duilian.platform.reports.models import Report
from duilian.platform.scoring.models import Analysis
from duilian.platform.sessions.models import Answer
from duilian.tenants.keyring import keys_of
from finished import Finished, hand_in, reported, until
from inside import within
from playing import report_of, spoken
from world import World, open_world

Document = dict[str, Any]
WEAK = spoken("zh", "weak", "complaint")


@pytest.fixture(scope="module")
def world(stack: Stack) -> World:
    return open_world(stack.settings)


@pytest.fixture
def objects(stack: Stack) -> Callable[[World], set[str]]:
    """Names of a tenant's objects."""
    store = LocalObjectStore(stack.settings.data_dir, int(stack.settings.s3_endpoint.rpartition(":")[2]))

    def names(world: World) -> set[str]:
        prefix = f"{world.tenant_id}/"
        listing: Any = store.client()  # Any: boto3 builds its clients at run time
        found = listing.list_objects_v2(Bucket=stack.settings.s3_bucket, Prefix=prefix)
        return {item["Key"].removeprefix(prefix) for item in found.get("Contents", [])}

    return names


def rows_of(world: World, model: type[Any]) -> int:
    async def count(session: TenantSession) -> int:
        return await session.scalar(select(func.count()).select_from(model)) or 0

    return within(world, count)


def actions(world: World, *names: str) -> list[str]:
    async def read(session: TenantSession) -> list[str]:
        query = select(AuditEntry.action).where(AuditEntry.action.in_(names)).order_by(AuditEntry.seq)
        return list(await session.scalars(query))

    return within(world, read)


def test_what_is_held_and_who_looked(world: World) -> None:
    me = reported(world)
    # Training was consented to, so a little after the report the answers are kept to learn from as well.
    before = until(me.mine, lambda mine: "labels" in {h["category"] for h in mine["holdings"]})
    assert [look["what"] for look in before["looked"]] == ["report.exported"], (
        "the report was fetched by a program"
    )
    held = {h["category"]: h for h in before["holdings"]}
    assert {
        "contact", "invitation", "consents", "answers", "transcripts", "scores", "labels", "audit",
    } == set(held)  # fmt: skip
    assert held["answers"]["count"] == 5
    assert held["scores"]["until"] and held["audit"]["until"] is None
    office = world.console("recruiter")
    assert office.get(f"/console/interviews/{me.id}").status_code == 200
    with world.api() as program:
        program.get(f"/api/v1/interviews/{me.id}/report").raise_for_status()
    looked = [(look["role"], look["what"]) for look in me.mine()["looked"]]
    assert looked == [("key", "report.exported"), ("recruiter", "report.viewed"), ("key", "report.exported")]
    page = me.page.get("/my-data").text
    assert "recruiter@" not in page, "a role, not a name"


def test_correcting_name_and_address(world: World) -> None:
    me = reported(world)
    email = f"{secrets.token_hex(6)}@corrected.example"
    changed = me.api.put("/my-data/person", json={"name": "林小", "email": email.upper()})
    assert changed.json() == {"changed": ["name", "email"]}
    assert me.mine()["person"] == {"name": "林小", "email": email}
    assert me.api.put("/my-data/person", json={"name": "林小", "email": email}).json() == {"changed": []}
    assert "candidate.corrected" in actions(world, "candidate.corrected")
    other = world.invite()
    mine = world.candidate(other).get("/my-data").json()["person"]
    taken = me.api.put("/my-data/person", json={"name": "林小", "email": mine["email"]})
    assert (taken.status_code, taken.json()["code"]) == (409, "email-taken")
    for body, code in (
        ({"name": " ", "email": email}, "bad-name"), ({"name": "x", "email": "nobody"}, "bad-email"),
    ):  # fmt: skip
        refused = me.api.put("/my-data/person", json=body)
        assert (refused.status_code, refused.json()["code"]) == (422, code)


def test_a_copy_holds_everything(world: World) -> None:
    me = reported(
        world, [WEAK[0], "顾客说奶粉买错了，我先道歉，再按流程核对小票，请示店长后给他换了，第二天回访。"]
    )
    me.api.post(
        "/my-data/practice", content=b"my try", headers={"Content-Type": "text/plain"}
    ).raise_for_status()
    answer = me.page.get("/my-data/copy")
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as copy:
        assert copy.testzip() is None
        names = copy.namelist()
        data = json.loads(copy.read("data.json"))
        recording = next(n for n in names if n.startswith("recordings/"))
        heard = copy.read(next(n for n in names if n.startswith("transcripts/"))).decode()
        practised = copy.read(next(n for n in names if n.startswith("practice/")))
        played = copy.read(recording)
    assert data["person"][0]["email"].endswith("@candidate.example")
    answers = data["interviews"][0]["answers"]
    assert answers[0]["transcript"]["text"] == heard
    assert answers[1]["written"].startswith("顾客说奶粉")
    assert data["interviews"][0]["report"]["total"]
    assert practised == b"my try"
    with world.api() as staff:
        media = staff.get(f"/api/v1/interviews/{me.id}/answers/{answers[0]['question']}/media")
    assert played == media.content


def test_erasing_leaves_a_skeleton_and_a_receipt(stack: Stack, objects: Callable[[World], set[str]]) -> None:
    world = open_world(stack.settings)
    me = reported(
        world, [WEAK[0], "这是一段用文字写下的回答，讲我怎样处理顾客投诉、怎样核对小票、怎样回访。"]
    )
    me.api.post(
        "/my-data/practice", content=b"my try", headers={"Content-Type": "text/plain"}
    ).raise_for_status()
    office = world.console("admin")
    token = re.search(r'name="csrf" value="([^"]+)"', office.get(f"/console/interviews/{me.id}").text)
    assert token
    form = {"csrf": token[1], "outcome": "reject", "reason": "personal words about 林晓"}
    assert office.post(f"/console/interviews/{me.id}/decision", data=form).status_code == 303
    assert objects(world)
    receipt = me.receipt(me.erase())
    assert receipt["finished_at"] and receipt["finished_at"] <= receipt["due_at"]
    erased = {part["what"]: part["count"] for part in receipt["erased"]}
    assert erased["recordings"] == 1 and erased["reports"] == 1 and erased["candidates"] == 1
    assert erased["reasons"] == 1 and erased["practice"] == 1 and erased["analyses"] == 2
    assert {part["what"] for part in receipt["kept"]} == {"skeleton", "consents", "decisions", "audit"}
    assert objects(world) == set()
    assert [rows_of(world, model) for model in (Report, Analysis, Take)] == [0, 0, 0]

    async def left(session: TenantSession) -> tuple[Candidate, list[Answer], bool, Any]:
        person = (await session.scalars(select(Candidate))).one()
        person.name, person.email  # noqa: B018  # opened while the session lives
        reasons = (await session.execute(text("select outcome, reason_sealed from decisions"))).one()
        answers = list(await session.scalars(select(Answer)))
        return person, answers, is_genuine(keys_of(session), receipt), tuple(reasons)

    person, answers, genuine, decision = within(world, left)
    assert genuine
    assert not is_genuine_when_altered(world, receipt)
    assert decision == ("reject", None)
    assert {a.text_sealed for a in answers} == {None}
    assert person.erased_at is not None
    assert me.api.post("/start").json()["code"] == "erased"
    page = me.page.get("/my-data").text
    assert "林晓" not in page
    assert f"/my-data/receipts/{receipt['number']}" in page
    file = me.page.get(f"/my-data/receipts/{receipt['number']}/receipt.json")
    assert file.json() == receipt
    office = world.console("admin")
    listed = office.get("/console/interviews").text
    assert "林晓" not in listed and "candidate.example" not in listed
    assert office.get(f"/console/interviews/{me.id}").status_code == 200
    acts = actions(world, "erasure.requested", "records.erased", "erasure.done")
    assert acts == ["erasure.requested", "records.erased", "erasure.done"]


def is_genuine_when_altered(world: World, receipt: Document) -> bool:
    async def check(session: TenantSession) -> bool:
        return is_genuine(keys_of(session), receipt | {"erased": []})

    return within(world, check)


def test_erasing_wants_a_deliberate_act(world: World) -> None:
    me = Finished(world, world.invite())
    refused = me.api.post("/my-data/erasure", json={"confirm": False})
    assert (refused.status_code, refused.json()["code"]) == (422, "not-confirmed")
    back = me.page.post("/my-data/erase", data={})
    assert back.status_code == 303 and back.headers["location"].endswith("/my-data/erase")
    assert me.counts()["contact"] == 1


def test_erasing_while_the_interview_runs_and_after_it_expired(world: World) -> None:
    started = Finished(world, world.invite())
    state = started.api.get("/").json()
    decisions = dict.fromkeys(state["consents"]["decisions"], True)
    started.api.put("/consents", json={"version": state["consents"]["version"], "decisions": decisions})
    started.api.post("/start").raise_for_status()
    assert started.receipt(started.erase())["finished_at"]
    assert started.api.get("/").json()["status"] == "erased"
    late = Finished(world, world.invite())
    within(world, lambda session: expire(session, late))
    assert late.api.get("/").json()["status"] == "expired"
    assert late.page.get("/my-data").status_code == 200
    assert late.receipt(late.erase())["finished_at"]


async def expire(session: TenantSession, me: Finished) -> None:
    names = {"id": me.id}
    await session.execute(
        text("update interviews set deadline = now() - interval '1 hour' where id = cast(:id as uuid)"), names
    )


def test_third_parties_are_told(world: World) -> None:
    me = reported(world)

    async def pass_on(session: TenantSession) -> None:
        await recipients.passed(session, me_id(me), "人事系统", "none-yet", "report")

    within(world, pass_on)
    assert [r["state"] for r in me.mine()["recipients"]] == ["passed"]
    receipt = me.receipt(me.erase())
    assert receipt["told"] == [{"recipient": "人事系统", "what": "report", "state": "to_tell"}]
    assert actions(world, "data.passed", "data.recall")[-2:] == ["data.passed", "data.recall"]


def me_id(me: Finished) -> Any:
    from uuid import UUID

    return UUID(me.id)


def test_withdrawing_scoring_after_the_report(world: World) -> None:
    me = reported(world, [WEAK[0]])
    assert report_of(world, me.id)["answers"][0]["transcript"]
    answer = me.api.post("/my-data/withdrawals", json={"purpose": "scoring"})
    assert answer.json()["withdrawn"] is True
    report = report_of(world, me.id)
    assert report["human_review"] == {"needed": True, "reason": "scoring-refused"}
    assert report["total"]["outcome"] == "cannot_be_scored"
    assert {c["score"] for c in report["competencies"]} == {None}
    assert report["answers"][0]["transcript"] is None
    with world.api() as staff:
        key = report["answers"][0]["key"]
        assert staff.get(f"/api/v1/interviews/{me.id}/answers/{key}/media").status_code == 200
    counts = me.counts()
    assert "transcripts" not in counts and counts["scores"] == 1, "the report that says a person reviews"
    again = me.api.post("/my-data/withdrawals", json={"purpose": "scoring"})
    assert again.json()["withdrawn"] is False


def test_withdrawing_scoring_while_it_runs(world: World) -> None:
    me = hand_in(world, list(WEAK[:3]), "complaint")
    me.api.post("/my-data/withdrawals", json={"purpose": "scoring"}).raise_for_status()
    report = report_of(world, me.id)
    assert report["human_review"]["needed"] is True
    assert {c["score"] for c in report["competencies"]} == {None}
    assert {a["transcript"] is None for a in report["answers"]} == {True}

    async def judged(session: TenantSession) -> list[Any]:
        query = select(Analysis.judged_sealed, Analysis.transcript_sealed).join(
            Answer, Answer.id == Analysis.answer_id
        )
        return [tuple(row) for row in await session.execute(query.where(Answer.interview_id == me_id(me)))]

    assert set(within(world, judged)) <= {(None, None)}


def test_withdrawing_the_recording_erases_it_and_a_person_takes_over(
    stack: Stack, objects: Callable[[World], set[str]]
) -> None:
    world = open_world(stack.settings)
    me = reported(world, [WEAK[0]])
    assert objects(world)
    answer = me.api.post("/my-data/withdrawals", json={"purpose": "recording"})
    assert answer.json() == {"withdrawn": True, "status": "human_route"}
    with world.api() as staff:
        assert staff.get(f"/api/v1/interviews/{me.id}/report").status_code == 404
        assert staff.get(f"/api/v1/interviews/{me.id}/answers/intro/media").status_code == 404
    number = next(r["number"] for r in me.mine()["receipts"] if r["scope"] == "recording")
    assert me.receipt(number)["finished_at"]
    assert objects(world) == set()
    assert "recordings" not in me.counts()


def test_withdrawing_in_the_middle_of_a_recording(stack: Stack, objects: Callable[[World], set[str]]) -> None:
    """What is still being sent is refused, and nothing of it stays."""
    world = open_world(stack.settings)
    me = Finished(world, world.invite("complaint", locale="zh-CN"))
    state = me.api.get("/").json()
    decisions = dict.fromkeys(state["consents"]["decisions"], True)
    me.api.put("/consents", json={"version": state["consents"]["version"], "decisions": decisions})
    me.api.post("/start").raise_for_status()
    me.api.post("/questions/intro/open").raise_for_status()
    me.api.post(
        "/questions/intro/takes", json={"mode": "audio", "content_type": "audio/webm"}
    ).raise_for_status()
    assert send(me, 0).status_code == 200
    me.api.post("/my-data/withdrawals", json={"purpose": "recording"}).raise_for_status()
    assert send(me, 1).json()["code"] == "human-route"
    until(lambda: {"left": len(objects(world))}, lambda found: found["left"] == 0)


def send(me: Finished, seq: int) -> httpx.Response:
    import base64
    from hashlib import sha256

    sound = b"\x1a\x45\xdf\xa3" + b"sound" * 99  # begins as every WebM file does
    digest = base64.b64encode(sha256(sound).digest()).decode()
    path = f"/questions/intro/takes/1/segments/0/chunks/{seq}"
    return me.api.put(path, content=sound, headers={"Content-Digest": f"sha-256=:{digest}:"})


def test_withdrawing_training_and_transfer_is_recorded(world: World) -> None:
    me = reported(world)
    for purpose in ("training", "transfer"):
        assert me.api.post("/my-data/withdrawals", json={"purpose": purpose}).json()["withdrawn"] is True
    decided = me.mine()["consents"]
    assert (decided["training"], decided["transfer"], decided["scoring"]) == (False, False, True)
    unknown = me.api.post("/my-data/withdrawals", json={"purpose": "soul"})
    assert (unknown.status_code, unknown.json()["code"]) == (400, "not-asked")


def test_another_link_shows_nothing_of_mine(world: World) -> None:
    me, other = reported(world), Finished(world, world.invite())
    number = me.erase()
    assert other.api.get(f"/my-data/receipts/{number}").json()["code"] == "no-receipt"
    assert me.receipt(number)["number"] == number


def test_the_database_erases_only_what_is_asked_for(world: World) -> None:
    """The application's role can neither delete a report nor call the function without an erasure under way."""
    me = reported(world)

    async def delete(session: TenantSession) -> None:
        await session.execute(text("delete from reports"))

    async def call(session: TenantSession) -> None:
        names = {"erasure": "00000000-0000-0000-0000-000000000001", "interview": me.id}
        await session.execute(
            text("select erase_records(cast(:erasure as uuid), cast(:interview as uuid))"), names
        )

    for attempt in (delete, call):
        with pytest.raises(Exception, match=r"permission denied|no erasure under way"):
            within(world, attempt, Access())
    assert report_of(world, me.id)
