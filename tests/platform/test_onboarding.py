"""A company sets up the tenant it opened (test_start.py): brand, first job, dry run, invitations, trial."""

from __future__ import annotations

import io
import json
import re
import time
from datetime import timedelta

import httpx
import pytest
from PIL import Image
from sqlalchemy import select, text

from commands import duilian, refused
from duilian.billing.service import completed_interviews
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.infra.settings import Settings
from duilian.platform.app.up import Stack
from duilian.platform.recruiting.models import Invitation
from duilian.tenants import trials
from duilian.tenants.branding import AA_NORMAL_TEXT, contrast, readable
from inside import within
from letters import letter_to
from starting import Starter
from world import World, open_world


@pytest.fixture(scope="module")
def company(stack: Stack) -> Starter:
    """A company that is open, whose tests follow one another."""
    return Starter(stack.settings).open()


def brand_form(**changes: str) -> dict[str, str]:
    words = {"logo_text": "拾光", "welcome": "您好，欢迎。", "thanks": "谢谢您。", "tagline": ""}
    form = {f"{field}.zh-CN": said for field, said in words.items()}
    form |= {"primary": "#8a1f4d", "accent": "#f2a33a", "radius": "0.5rem", "contact": "hr@company.example"}
    return form | {f"{field}.en": "" for field in words} | changes


def test_brand(company: Starter) -> None:
    """Saved, shown to candidates, and refused where it could not be read; nothing typed is lost."""
    answer = company.post(
        "/console/setup/brand", **brand_form(primary="#ffd84d", contact="typed@company.example")
    )
    assert answer.status_code == 422
    suggestion = readable("#ffd84d")
    assert suggestion in answer.text and "typed@company.example" in answer.text
    assert contrast(suggestion, "#ffffff") >= AA_NORMAL_TEXT
    assert company.states()["brand"] == "open"
    assert company.post("/console/setup/brand", **brand_form(primary="red;}")).status_code == 422
    assert (
        company.post("/console/setup/brand", **brand_form(**{"welcome.zh-CN": "字" * 601})).status_code == 422
    )
    assert company.post("/console/setup/brand", **brand_form()).status_code == 303
    assert company.states()["brand"] == "done"
    css = company.client.get(f"/t/{company.slug}/theme.css").text
    assert "--tenant-primary:#8a1f4d" in css


def png(size: tuple[int, int] = (800, 200)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "#8a1f4d").save(out, "PNG")
    return out.getvalue()


def upload(starter: Starter, data: bytes, name: str = "logo.png", kind: str = "image/png") -> httpx.Response:
    files = {"logo": (name, data, kind)}
    return starter.client.post("/console/setup/brand/logo", data={"csrf": starter.csrf}, files=files)


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><rect width="9" height="9"/>%s</svg>'
REFUSED = {
    "script": SVG % b"<script>alert(1)</script>",
    "handler": SVG % b'<rect onload="alert(1)"/>',
    "outside": SVG % b'<image href="http://elsewhere.example/x.png"/>',
    "entity": b'<!DOCTYPE svg [<!ENTITY x "y">]>' + SVG % b"",
    "html": b"<html><script>alert(1)</script></html>",
    "gif": b"GIF89a" + b"\0" * 60,
    "cut png": png()[:60],
    "empty": b"",
    "large": png() + b"\0" * 600_000,
    "wide": png((5001, 1)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_logos_that_are_refused(company: Starter, name: str) -> None:
    answer = upload(company, REFUSED[name])
    assert answer.status_code == 422 and "cannot be used" in answer.text


def test_logo(company: Starter) -> None:
    """A picture with a page behind it is drawn anew: what is served is the picture alone, and can do nothing."""
    assert company.client.get(f"/t/{company.slug}/logo").status_code == 404
    assert upload(company, png() + b"<script>alert(1)</script>").status_code == 303
    served = company.client.get(f"/t/{company.slug}/logo")
    assert served.headers["content-type"] == "image/png" and b"script" not in served.content
    assert served.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in served.headers["content-security-policy"]
    assert Image.open(io.BytesIO(served.content)).size == (640, 160)
    assert upload(company, SVG % b"", "logo.svg", "text/html").status_code == 303
    assert company.client.get(f"/t/{company.slug}/logo").headers["content-type"] == "image/svg+xml"
    assert company.post("/console/setup/brand/logo/remove").status_code == 303
    assert company.client.get(f"/t/{company.slug}/logo").status_code == 404


def test_first_job_and_dry_run(company: Starter) -> None:
    """The pack's set is published, a simulated candidate is really scored, and nobody else hears of it."""
    assert company.post("/console/setup/job", set="none").status_code == 422
    assert company.post("/console/setup/dry-run", set="complaint|zh-CN", level="strong").status_code == 404
    assert company.post("/console/setup/job", set="complaint").status_code == 303
    assert company.states()["job"] == "done"
    assert company.post("/console/setup/dry-run", set="complaint|zh-CN", level="brilliant").status_code == 422
    reports = {level: dry_run(company, level) for level in ("strong", "weak")}
    scores = {
        level: float(re.findall(r'verdict-score">([\d.]+)<', page)[0]) for level, page in reports.items()
    }
    assert scores["strong"] > scores["weak"]
    assert company.states()["dry_run"] == "done"
    assert company.states()["invite"] == "open", "a dry run is no invitation"
    for page in ("/console/interviews", "/console"):
        assert (
            "Simulated" not in company.client.get(page).text
            and "模拟候选人" not in company.client.get(page).text
        )

    async def facts(session: TenantSession) -> tuple[int, int, int]:
        told = await session.execute(
            text("select count(*) from events where kind like 'interview.%' or kind like 'report.%'")
        )
        trial = await trials.trial_of(session)
        assert trial is not None
        return await completed_interviews(session), int(told.scalar_one()), trial.used

    assert within(company.opened(), facts) == (0, 0, 0)


def dry_run(company: Starter, level: str) -> str:
    """The page of its report, once it is ready."""
    answer = company.post("/console/setup/dry-run", set="complaint|zh-CN", level=level)
    assert answer.status_code == 303, answer.text[:500]
    place = answer.headers["location"]
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        page = company.client.get(place)
        assert page.status_code == 200 and 'data-part="dry-run"' in page.text
        if "verdict-score" in page.text:
            break
        time.sleep(0.5)
    else:
        raise AssertionError("no report")
    assert company.client.get(f"{place}/report.pdf").status_code == 404, "it cannot be taken away"
    assert company.post(f"{place}/decision", outcome="reject", reason="a dry run").status_code == 404
    return page.text


def test_a_dry_run_can_be_erased(company: Starter) -> None:
    page = company.client.get("/console/setup/dry-run").text
    place = re.findall(r"/console/setup/dry-run/[0-9a-f-]+/erase", page)[0]
    count = page.count("data-run=")
    assert company.post(place).status_code == 303
    deadline = time.monotonic() + 60
    while company.client.get("/console/setup/dry-run").text.count("data-run=") == count:
        assert time.monotonic() < deadline
        time.sleep(0.5)


def invite(starter: Starter, people: str) -> str:
    fields = {"set": "complaint", "people": people, "locale": "zh-CN", "hours": "48", "mail": "1"}
    answer = starter.post("/console/invite", **fields)
    assert answer.status_code == 200, answer.text[:300]
    return answer.text


def test_first_invitation_and_the_end_of_the_trial(company: Starter) -> None:
    world = company.opened()
    assert "someone@candidate.example" in invite(company, "林晓, someone@candidate.example")
    assert letter_to(world, "someone@candidate.example")
    assert company.states()["invite"] == "done"
    assert "1 / 20" in company.client.get("/console").text or "1 of 20" in company.client.get("/console").text

    async def shrink(session: TenantSession) -> None:
        await trials.change(session, 2, None)

    within(world, shrink)
    page = invite(company, "甲, a@candidate.example\n乙, b@candidate.example")
    assert "2 invitations" in page and "b@candidate.example" in page, "the row that was refused says why"

    async def invited(session: TenantSession) -> int:
        real = select(Invitation.id).where(Invitation.dry_run.is_(False))
        return len((await session.scalars(real)).all())

    assert within(world, invited) == 2

    async def end(session: TenantSession) -> None:
        await trials.change(session, 100, now() - timedelta(minutes=1))

    within(world, end)
    assert "trial ended" in invite(company, "丙, c@candidate.example")

    async def lift(session: TenantSession) -> bool:
        return await trials.lift(session)

    assert within(world, lift)
    assert "c@candidate.example" in invite(company, "丙, c@candidate.example")
    assert 'data-part="trial"' not in company.client.get("/console").text


def test_the_reminder_can_be_put_away(company: Starter) -> None:
    assert "setup-card" in company.client.get("/console").text
    assert company.post("/console/setup/dismiss").status_code == 303
    assert "setup-card" not in company.client.get("/console").text
    assert company.client.get("/console/setup").status_code == 200


def test_a_tenant_that_others_had_set_up_is_not_reminded(stack: Stack) -> None:
    client = open_world(stack.settings).console("admin")
    assert "setup-card" not in client.get("/console").text
    assert client.get("/console/setup").status_code == 200


def test_the_vendor_changes_a_trial(stack: Stack) -> None:
    starter = Starter(stack.settings).open()
    shown = json.loads(duilian(stack, "tenant", "trial", starter.slug, "--json").stdout)["trial"]
    assert (shown["invitations"], shown["used"]) == (20, 0)
    more = duilian(stack, "tenant", "trial", starter.slug, "--invitations", "500", "--days", "90", "--json")
    changed = json.loads(more.stdout)["trial"]
    assert changed["invitations"] == 500 and changed["ends_at"] > shown["ends_at"]
    assert "no limits" in duilian(stack, "tenant", "trial", starter.slug, "--lift").stdout
    assert 'data-part="trial"' not in starter.client.get("/console").text
    refused(duilian(stack, "tenant", "trial", "nobody-there"), "nobody-there")


def test_settings_of_a_trial() -> None:
    assert (Settings().trial_invitations, Settings().trial_days) == (20, 30)


API_BRAND = {
    "primary": "#1d3f72", "accent": "#f2a33a", "logo_text": {"zh-CN": "港湾", "en": "Harbour"},
    "welcome": {"zh-CN": "您好", "en": "Hello"}, "contact": "hr@harbour.example",
}  # fmt: skip


def test_brand_by_the_api(stack: Stack) -> None:
    """The same checks and the same audit entry as by the page."""
    alice = open_world(stack.settings)
    with alice.api() as client:
        low = client.put("/api/v1/brand", json=API_BRAND | {"primary": "#ffd84d"})
        assert (low.status_code, low.json()["code"]) == (422, "low-contrast")
        assert low.json()["instead"] == readable("#ffd84d")
        empty = client.put("/api/v1/brand", json=API_BRAND | {"welcome": {"zh-CN": "", "en": ""}})
        assert (empty.status_code, empty.json()["code"]) == (422, "bad-brand-words")
        assert client.put("/api/v1/brand", json=API_BRAND).status_code == 200
        assert client.get("/api/v1/brand").json()["logo_text"] == API_BRAND["logo_text"]
    assert alice.api(alice.weak_key).get("/api/v1/brand").status_code == 403

    async def saved(session: TenantSession) -> int:
        rows = await session.execute(text("select count(*) from audit_entries where action = 'brand.saved'"))
        return int(rows.scalar_one())

    assert within(alice, saved) == 1


def test_a_trial_is_told_to_programs_too(charlie: World) -> None:
    async def limit(session: TenantSession) -> None:
        await trials.begin(session, 1, 30)

    async def lift(session: TenantSession) -> None:
        await trials.lift(session)

    within(charlie, limit)
    try:
        charlie.invite()
        body = {"name": "x", "email": "one-more@candidate.example", "question_set": charlie.set_key}
        refused = charlie.api().post("/api/v1/invitations", json=body)
        assert (refused.status_code, refused.json()["code"]) == (403, "trial-used-up")
        assert refused.headers["content-type"].startswith("application/problem+json")
    finally:
        within(charlie, lift)
