"""A company opens a tenant alone, as a browser without scripts does it: from the first form to its own console."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from hashlib import sha256

import pytest
from sqlalchemy import create_engine, select, text

from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.platform.app.up import Stack
from duilian.platform.onboarding import drafts
from duilian.platform.onboarding.company import spelt
from duilian.tenants.keyring import open_database, open_keyring
from duilian.tenants.models import Tenant
from inside import within
from letters import letter_to
from starting import PASSWORD, Starter
from world import run


@pytest.fixture(scope="module")
def company(stack: Stack) -> Starter:
    """A company that is open, whose tests follow one another."""
    return Starter(stack.settings).open()


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

    jurisdiction, industry, zone, actions = within(starter.opened(), look)
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

    assert within(starter.opened(), owners) == 1


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
    where = {"hash": sha256(secret.encode()).hexdigest()}
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
