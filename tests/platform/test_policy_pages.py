"""The policy at work: what candidates are asked, what runs, when an interview may start, and who changed it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text

from duilian.infra.audit import AuditEntry
from duilian.infra.database import TenantSession
from duilian.platform.app.up import Stack
from duilian.platform.web.words import t
from duilian.tenants.policy_store import PolicyVersion
from finished import Finished, hand_in, reported
from inside import within
from playing import publish_written, report_of, shipped, spoken, written
from world import World, open_world

Document = dict[str, Any]
WEAK = spoken("zh", "weak", "complaint")


@pytest.fixture
def settings(stack: Stack) -> Any:
    return stack.settings


def token(office: httpx.Client) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', office.get("/console/policy").text)
    assert found
    return found[1]


def change(office: httpx.Client, feature: str, kind: str, **form: str) -> httpx.Response:
    data = {"csrf": token(office), "change": kind, **form}
    return office.post(f"/console/policy/features/{feature}", data=data)


def entries(world: World, prefix: str) -> list[Document]:
    async def read(session: TenantSession) -> list[Document]:
        query = select(AuditEntry).where(AuditEntry.action.startswith(prefix)).order_by(AuditEntry.seq)
        return [row.facts for row in await session.scalars(query)]

    return within(world, read)


def test_the_page_says_which_rules_apply_and_why(settings: Any) -> None:
    world = open_world(settings)
    page = world.console("admin").get("/console/policy").text
    assert "个人信息保护法" in page and "第24条" in page
    for word in ("verified", "unverified"):
        assert t("zh-CN", f"console.policy.{word}") in page
    assert world.console("recruiter").get("/console/policy").status_code == 403


def test_illinois_asks_no_consent_to_a_face_check_and_runs_none(settings: Any) -> None:
    world = open_world(settings, jurisdiction="us-il")
    me = Finished(world, world.invite("complaint", locale="zh-CN"))
    state = me.api.get("/").json()
    assert set(state["consents"]["decisions"]) == {"recording", "scoring", "transfer", "training"}
    assert state["policy"]["jurisdiction"] == "us-il"
    assert 'name="face_check"' not in me.page.get("/consent").text
    decisions = dict.fromkeys(state["consents"]["decisions"], True) | {"face_check": True}
    body = {"version": state["consents"]["version"], "decisions": decisions}
    assert me.api.put("/consents", json=body).json()["code"] == "unknown-purpose"


def test_a_feature_that_was_forbidden_is_not_asked_and_not_done(settings: Any) -> None:
    world = open_world(settings)
    office = world.console("admin")
    before = Finished(world, world.invite("complaint", locale="zh-CN"))
    assert change(office, "face_presence", "forbid").status_code == 303
    after = Finished(world, world.invite("complaint", locale="zh-CN"))
    assert "face_check" in before.api.get("/").json()["consents"]["decisions"], "the stamped policy governs"
    assert "face_check" not in after.api.get("/").json()["consents"]["decisions"]
    assert change(office, "face_presence", "restore").status_code == 303
    again = Finished(world, world.invite("complaint", locale="zh-CN"))
    assert "face_check" in again.api.get("/").json()["consents"]["decisions"]
    facts = entries(world, "policy.")
    assert [f["action"] for f in facts] == ["policy.forbidden", "policy.restored"]
    assert facts[0]["actor"].startswith("member:")
    assert facts[0]["before"]["version"] != facts[0]["after"]["version"]


def test_delivery_measures_can_be_kept_out_of_the_report(settings: Any) -> None:
    world = open_world(settings)
    assert change(world.console("admin"), "delivery_measures", "forbid").status_code == 303
    report = report_of(world, reported(world, [WEAK[0]]).id)
    assert report["answers"][0]["transcript"]["text"]
    assert report["answers"][0]["delivery"] is None


def test_new_york_scores_only_with_an_audit_and_after_ten_business_days(settings: Any) -> None:
    world = open_world(settings, jurisdiction="us-nyc", time_zone="America/New_York")
    key = publish_written(world, shipped("retail", "complaint"))
    me = Finished(world, world.invite(key))
    state = me.api.get("/").json()
    assert "scoring" not in state["consents"]["decisions"]
    start = datetime.fromisoformat(state["not_before"])
    # Two weeks, a day less from a Saturday on, some days more with holidays, an hour either way in spring and autumn.
    assert timedelta(days=12, hours=22) < start - datetime.now(UTC) < timedelta(days=20)
    deadline = datetime.fromisoformat(state["deadline"])
    assert timedelta(hours=47) < deadline - start < timedelta(hours=49)
    welcome = me.page.get("/").text
    assert "notice" in welcome or "告知期" in welcome
    decisions = dict.fromkeys(state["consents"]["decisions"], True)
    me.api.put("/consents", json={"version": state["consents"]["version"], "decisions": decisions})
    early = me.api.post("/start")
    assert (early.status_code, early.json()["code"]) == (409, "too-early")
    assert me.page.get("/begin").text.count("stage-title") == 1
    within(world, no_notice)
    assert me.api.post("/start").status_code == 200
    office = world.console("admin")
    assert change(office, "speech_scoring", "turn-on", statement="").status_code == 422
    stated = "Audit of 2026-09-01 by an independent auditor, summary at audits.example/2026"
    assert change(office, "speech_scoring", "turn-on", statement=stated).status_code == 303
    turned_on = entries(world, "policy.turned_on")
    assert turned_on[-1]["after"]["changes"]["enabled"]["speech_scoring"]["statement"] == stated
    assert turned_on[-1]["after"]["changes"]["enabled"]["speech_scoring"]["by"] == turned_on[-1]["actor"]
    after = Finished(world, world.invite(key))
    assert "scoring" in after.api.get("/").json()["consents"]["decisions"]


async def no_notice(session: TenantSession) -> None:
    await session.execute(text("update invitations set not_before = null"))


def test_without_an_audit_in_new_york_a_person_reviews(settings: Any) -> None:
    world = open_world(settings, jurisdiction="us-nyc", time_zone="America/New_York")
    key = publish_written(world, shipped("retail", "complaint"))
    invitation = world.invite(key)
    within(world, no_notice)
    me = Finished(world, invitation)
    state = me.api.get("/").json()
    decisions = dict.fromkeys(state["consents"]["decisions"], True)
    me.api.put("/consents", json={"version": state["consents"]["version"], "decisions": decisions})
    me.api.post("/start").raise_for_status()
    words = written("complaint", "strong", "zh")[0]
    me.api.post("/questions/intro/open").raise_for_status()
    me.api.put("/questions/intro/text", json={"text": words}).raise_for_status()
    me.api.post("/submit", json={"leave_unanswered": True}).raise_for_status()
    report = report_of(world, me.id)
    assert report["human_review"] == {"needed": True, "reason": "scoring-not-allowed"}
    assert report["answers"][0]["transcript"]["text"] == words, "a person reads it"
    assert {c["score"] for c in report["competencies"]} == {None}


def test_expression_cannot_be_turned_on_where_the_law_forbids_it(settings: Any) -> None:
    world = open_world(settings, jurisdiction="eu")
    office = world.console("admin")
    refused = change(office, "expression", "turn-on", statement="we would like to")
    assert refused.status_code == 422
    assert entries(world, "policy.") == []
    neutral = open_world(settings, jurisdiction="neutral")
    office = neutral.console("admin")
    assert change(office, "expression", "turn-on").status_code == 303
    me = Finished(neutral, neutral.invite("complaint", locale="zh-CN"))
    assert me.api.get("/").json()["consents"]["decisions"]["expression"] is None
    named = entries(neutral, "policy.turned_on")[0]
    assert named["actor"].startswith("member:") and named["after"]["feature"] == "expression"
    assert change(office, "expression", "turn-off").status_code == 303
    later = Finished(neutral, neutral.invite("complaint", locale="zh-CN"))
    assert "expression" not in later.api.get("/").json()["consents"]["decisions"]


def test_no_score_rests_on_expression(settings: Any) -> None:
    """Turned on and agreed to: what the scorer is sent is words, and the score is the same."""
    plain, expressive = (
        open_world(settings, jurisdiction="neutral"),
        open_world(settings, jurisdiction="neutral"),
    )
    assert change(expressive.console("admin"), "expression", "turn-on").status_code == 303
    scores = []
    for world in (plain, expressive):
        report = report_of(world, reported(world).id)
        scores.append([c["score"] for c in report["competencies"]])
    assert scores[0] == scores[1] != []


def test_machine_made_advice_carries_the_label_where_it_must(settings: Any) -> None:
    for jurisdiction, labelled in (("cn", True), ("neutral", False)):
        world = open_world(settings, jurisdiction=jurisdiction)
        me = reported(world)
        feedback = me.api.get("/feedback").json()
        assert feedback["made_by"] == {"machine": True, "label": labelled}
        assert ("由人工智能生成" in me.page.get("/feedback").text) is labelled
        report = report_of(world, me.id)
        assert report["made_by"]["label"] is labelled
        page = world.console("admin").get(f"/console/interviews/{me.id}").text
        assert ("Written by a machine" in page or "由人工智能生成" in page) is labelled


def test_choosing_a_jurisdiction_starts_from_its_rules(settings: Any) -> None:
    world = open_world(settings)
    office = world.console("admin")
    assert change(office, "training", "forbid").status_code == 303
    data = {"csrf": token(office), "jurisdiction": "eu"}
    assert office.post("/console/policy/jurisdiction", data=data).status_code == 303
    asked = Finished(world, world.invite("complaint")).api.get("/").json()
    assert asked["policy"]["jurisdiction"] == "eu"
    assert "training" in asked["consents"]["decisions"]
    bad = office.post("/console/policy/jurisdiction", data=data | {"jurisdiction": "atlantis"})
    assert bad.status_code == 422
    too_long = {"csrf": token(office), "media": "91", "records": "", "notice": ""}
    assert office.post("/console/policy/periods", data=too_long).status_code == 422


def test_what_is_stamped_never_changes(settings: Any) -> None:
    world = open_world(settings)
    me = hand_in(world, list(written("complaint", "weak", "zh")))
    version = me.api.get("/").json()["policy"]["version"]

    async def kept(session: TenantSession) -> PolicyVersion:
        return (await session.scalars(select(PolicyVersion).where(PolicyVersion.version == version))).one()

    assert within(world, kept).jurisdiction == "cn"

    async def rewrite(session: TenantSession) -> None:
        await session.execute(text("update policy_versions set content = '{}'"))

    with pytest.raises(Exception, match="permission denied"):
        within(world, rewrite)
