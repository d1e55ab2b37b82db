"""A company opens a tenant alone, as a browser without scripts does it: real mail, real scoring, real limits."""

from __future__ import annotations

import io
import json
import re
import time
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from PIL import Image
from sqlalchemy import create_engine, select, text

from commands import duilian, refused
from duilian.billing.service import completed_interviews
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.infra.settings import Settings
from duilian.platform.app.up import Stack
from duilian.platform.onboarding import drafts
from duilian.platform.onboarding.company import spelt
from duilian.platform.recruiting.models import Invitation
from duilian.tenants import trials
from duilian.tenants.branding import AA_NORMAL_TEXT, contrast, readable
from duilian.tenants.keyring import open_database, open_keyring
from duilian.tenants.models import Tenant
from duilian.tenants.service import find_tenant
from inside import within
from letters import letter_to
from starting import PASSWORD, Starter
from world import World, run


@pytest.fixture(scope="module")
def company(stack: Stack) -> Starter:
    """A company that is open, whose tests follow one another."""
    return Starter(stack.settings).open()


def world_of(starter: Starter) -> World:
    async def find() -> UUID:
        database = open_database(starter.settings, open_keyring(starter.settings), 1)
        try:
            return await find_tenant(database, starter.slug)
        finally:
            await database.close()

    return World(starter.settings, starter.slug, run(find()), "", "", "retail")


def on_start(starter: Starter, path: str = "/start") -> str:
    """Where the browser is sent."""
    return starter.client.get(path, follow_redirects=True).url.path


def test_the_whole_way(stack: Stack) -> None:
    starter = Starter(stack.settings)
    assert starter.company().headers["location"] == "/start/admin"
    assert starter.admin().headers["location"] == "/start/code"
    assert starter.verify(starter.code()).headers["location"] == "/start/password"
    assert starter.password().headers["location"] == "/console/setup"
    page = starter.client.get("/console/setup")
    assert page.status_code == 200
    states = starter.states()
    assert states == {
        "company": "done", "admin": "done", "brand": "open", "domain": "open", "job": "open", "dry_run": "open",
        "invite": "open",
    }  # fmt: skip
    assert "setup-card" in starter.client.get("/console").text
    welcome = starter.letter()
    assert f"/t/{starter.slug}/sign-in" in welcome.part("plain")

    async def look(session: TenantSession) -> tuple[str, str, str, list[str]]:
        tenant = (await session.scalars(select(Tenant))).one()
        actions = await session.scalars(text("select action from audit_entries order by seq"))
        return tenant.jurisdiction, tenant.industry, tenant.time_zone, list(actions)

    jurisdiction, industry, zone, actions = within(world_of(starter), look)
    assert (jurisdiction, industry, zone) == ("cn", "retail", "Asia/Shanghai")
    assert {"tenant.opened", "member.added", "trial.began", "session.opened"} <= set(actions)


def test_nothing_is_kept_of_a_tenant_that_could_not_be_opened(stack: Stack) -> None:
    """Somebody was faster with the short name: neither tenant nor member nor key is left, and the draft goes on."""
    first, second = Starter(stack.settings), Starter(stack.settings)
    second.slug = first.slug
    for starter in (first, second):
        assert starter.company().status_code == 303
        starter.admin()
        starter.verify(starter.code())
    assert first.password().headers["location"] == "/console/setup"
    refused = second.password()
    assert refused.status_code == 409 and "taken" in refused.text
    assert "duilian_session" not in second.client.cookies
    second.slug = f"{first.slug}-2"
    assert second.company().headers["location"] == "/start/admin"
    assert second.admin().headers["location"] == "/start/password", "the address stays verified"
    assert second.password().headers["location"] == "/console/setup"


def test_sent_twice_it_opens_one(stack: Stack) -> None:
    """The second one, with the cookie that the first one took away, signs in; another password does not."""
    starter = Starter(stack.settings)
    starter.company()
    starter.admin()
    starter.verify(starter.code())
    again = starter.browser()
    again.cookies.update(starter.client.cookies)
    assert starter.password().headers["location"] == "/console/setup"
    assert again.post("/start/password", data={"password": PASSWORD + "!"}).status_code == 401
    answer = again.post("/start/password", data={"password": PASSWORD})
    assert answer.headers["location"] == "/console/setup" and answer.cookies["duilian_session"]


def test_two_at_once_open_one(stack: Stack) -> None:
    """The same form, posted twice before the first answer."""
    from concurrent.futures import ThreadPoolExecutor

    starter = Starter(stack.settings)
    starter.company()
    starter.admin()
    starter.verify(starter.code())
    browsers = [starter.browser(), starter.browser()]
    for one in browsers:
        one.cookies.update(starter.client.cookies)
    with ThreadPoolExecutor(2) as pool:
        post = lambda one: one.post("/start/password", data={"password": PASSWORD})  # noqa: E731
        answers = list(pool.map(post, browsers))
    places = [answer.headers.get("location") for answer in answers]
    assert "/console/setup" in places
    assert all(answer.status_code == 303 for answer in answers)

    async def owners(session: TenantSession) -> int:
        return int((await session.execute(text("select count(*) from members"))).scalar_one())

    assert within(world_of(starter), owners) == 1


def test_resumed_by_cookie_and_by_the_letter(stack: Stack) -> None:
    starter = Starter(stack.settings)
    starter.company()
    assert on_start(starter) == "/start/admin"
    starter.admin()
    assert on_start(starter) == "/start/code"
    assert starter.name in starter.client.get("/start/company").text, "nothing is asked for twice"
    [link] = re.findall(r"/start/continue/[\w-]+", starter.letter().part("plain"))
    lost, starter.client = starter.client, starter.browser()
    assert on_start(starter) == "/start/company", "without the cookie nothing is known"
    assert starter.name in starter.client.get(link).text
    assert lost.get("/start", follow_redirects=True).url.path == "/start/code", "looking moves nothing"
    assert starter.client.post(link).headers["location"] == "/start/password"
    assert lost.get("/start", follow_redirects=True).url.path == "/start/company", "and now it has moved"
    assert starter.password().headers["location"] == "/console/setup"


def test_who_began_with_anothers_address_does_not_get_the_tenant(stack: Stack) -> None:
    """The victim follows the letter; the attacker's cookie opens nothing any more, so it chooses no password."""
    attacker = Starter(stack.settings)
    attacker.company()
    attacker.admin()
    victim = attacker.browser()
    [link] = re.findall(r"/start/continue/[\w-]+", attacker.letter().part("plain"))
    assert victim.post(link).status_code == 303
    assert attacker.password().status_code == 404
    assert attacker.client.get("/start/password").headers["location"] == "/start"


def test_a_wrong_code_and_one_that_is_tried_too_often(stack: Stack) -> None:
    starter = Starter(stack.settings)
    starter.company()
    starter.admin()
    right = starter.code()
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    answers = [starter.verify(wrong) for _ in range(5)]
    assert [a.status_code for a in answers] == [422] * 5
    assert "Tries left: 4" in answers[0].text and "void" in answers[4].text
    assert starter.verify(right).status_code == 422, "the right one is void too"
    assert starter.client.post("/start/code/again").status_code == 303
    newer = starter.code()
    if newer != right:
        assert starter.verify(right).status_code == 422
    assert starter.verify(f" {newer[:3]} {newer[3:]} ").headers["location"] == "/start/password"


def test_a_code_that_is_too_old(stack: Stack) -> None:
    starter = Starter(stack.settings)
    starter.company()
    starter.admin()
    code = starter.code()

    async def age() -> None:
        database = open_database(starter.settings, open_keyring(starter.settings), 1)
        try:
            opened = await drafts.find(database, starter.client.cookies["duilian_start"])
            assert opened is not None and opened.draft.code_until is not None
            opened.draft.code_until = now() - timedelta(seconds=1)
            await drafts.keep(database, opened)
        finally:
            await database.close()

    run(age())
    answer = starter.verify(code)
    assert answer.status_code == 422 and "too old" in answer.text


def test_a_draft_does_not_last(stack: Stack) -> None:
    """What is over cannot be opened, and the hourly run erases it; others stay."""
    old, young = Starter(stack.settings), Starter(stack.settings)
    for starter in (old, young):
        starter.company()
    secret = old.client.cookies["duilian_start"]
    engine = create_engine(stack.settings.database_owner_url)
    where = {"hash": __import__("hashlib").sha256(secret.encode()).hexdigest()}
    with engine.begin() as connection:
        words = connection.execute(text("select sealed from tenant_drafts where cookie_hash = :hash"), where)
        assert old.name.encode() not in words.scalar_one(), "sealed"
        connection.execute(
            text("update tenant_drafts set expires_at = now() where cookie_hash = :hash"), where
        )
    assert on_start(old) == "/start/company"
    assert old.admin().status_code == 404

    async def erase() -> int:
        database = open_database(stack.settings, open_keyring(stack.settings), 1)
        try:
            return await drafts.erase_old(database)
        finally:
            await database.close()

    assert run(erase()) >= 1
    with engine.begin() as connection:
        left = "select count(*) from tenant_drafts where cookie_hash = :hash"
        assert connection.execute(text(left), where).scalar_one() == 0
    engine.dispose()
    assert on_start(young) == "/start/admin"


def test_whether_an_address_is_known_makes_no_difference(stack: Stack, company: Starter) -> None:
    """An owner's address and a stranger's: the same answers, a letter each."""
    known, stranger = Starter(stack.settings), Starter(stack.settings)
    known.email, known.letters = company.email, company.letters + 1  # the welcome letter is not a code
    letter_to(known.world, known.email, known.letters)
    pages = []
    for starter in (known, stranger):
        starter.company()
        answer = starter.admin()
        page = starter.client.get(answer.headers["location"])
        pages.append((answer.status_code, page.status_code, page.text.replace(starter.email, "§")))
        assert starter.code()
    assert pages[0] == pages[1]


def test_letters_to_one_address_are_limited(stack: Stack) -> None:
    starter = Starter(stack.settings)
    starter.company()
    assert starter.admin().status_code == 303
    sent = [starter.client.post("/start/code/again").status_code for _ in range(5)]
    assert sent == [303] * 4 + [429]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": " "}, "Please fill this in"),
        ({"industry": "piracy"}, "Please fill this in"),
        ({"jurisdiction": "atlantis"}, "Please fill this in"),
        ({"slug": "Not A Slug"}, "short name is 2 to 40"),
        ({"slug": "console"}, "is taken"),
    ],
)
def test_what_is_wrong_is_told_beside_the_field(stack: Stack, changes: dict[str, str], said: str) -> None:
    starter = Starter(stack.settings)
    answer = starter.company(**changes)
    assert answer.status_code in (409, 422)
    assert said in answer.text and 'aria-invalid="true"' in answer.text
    assert "duilian_start" not in starter.client.cookies, "nothing is kept of it"


def test_a_taken_short_name_is_refused_and_another_proposed(stack: Stack, company: Starter) -> None:
    starter = Starter(stack.settings)
    assert starter.company(slug=company.slug).status_code == 409
    name = f"Harbour {company.slug}"
    assert starter.company(name=name, slug="").status_code == 303
    page = starter.client.get("/start/admin").text
    assert f"/t/harbour-{company.slug}" in page


@pytest.mark.parametrize(
    ("name", "slug"),
    [("拾光百货", "shiguangbaihuo"), ("Café Müller & Co.", "cafe-muller-co"), ("3M 中国", "m-zhongguo"), ("！！", "team")],
)  # fmt: skip
def test_short_names_out_of_names(name: str, slug: str) -> None:
    assert spelt(name) == slug


@pytest.mark.parametrize(("password", "said"), [("short", "at least 10"), ("password1234", "guessed")])
def test_weak_passwords_are_refused(stack: Stack, password: str, said: str) -> None:
    starter = Starter(stack.settings)
    starter.company()
    starter.admin()
    starter.verify(starter.code())
    answer = starter.password(password)
    assert answer.status_code == 422 and said in answer.text


def test_a_step_cannot_be_left_out(stack: Stack) -> None:
    starter = Starter(stack.settings)
    assert starter.password().status_code == 404
    starter.company()
    answer = starter.password()
    assert (answer.status_code, answer.headers["location"]) == (303, "/start")
    starter.admin()
    assert starter.password().headers["location"] == "/start"


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

    assert within(world_of(company), facts) == (0, 0, 0)


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
    world = world_of(company)
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


def test_a_tenant_that_others_had_set_up_is_not_reminded(alice: World) -> None:
    client = alice.console("admin")
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


def test_brand_by_the_api(alice: World) -> None:
    """The same checks and the same audit entry as by the page."""
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
