"""Signing in over HTTP: links by mail, the second step, sessions, API keys; what is refused and what it leaves."""

from __future__ import annotations

import html
import re
import secrets
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pyotp
import pytest
from sqlalchemy import text, update

from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.platform.app.up import Stack
from duilian.tenants.account_models import AccountLink, SignInStep
from duilian.tenants.codes import PERIOD
from duilian.tenants.models import StaffSession
from duilian.tenants.people import member_by_email
from inside import within
from letters import letter_to, letters_to, link_in
from world import PASSWORD, World, open_world

NEW = "seven silent lanterns"


@pytest.fixture(scope="module")
def firm(stack: Stack) -> World:
    return open_world(stack.settings)


@pytest.fixture
def fresh(stack: Stack) -> World:
    """A tenant of one's own, for what changes how all of its people sign in."""
    return open_world(stack.settings)


@pytest.fixture
def browser(stack: Stack) -> Iterator[httpx.Client]:
    with new_browser(stack.settings.public_url) as client:
        yield client


def new_browser(url: str) -> httpx.Client:
    headers = {"Accept": "text/html", "Accept-Language": "en"}
    return httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False)


def address(world: World, role: str) -> str:
    return f"{role}@{world.slug}.example"


def try_password(client: httpx.Client, world: World, role: str, password: str = PASSWORD) -> httpx.Response:
    form = {"tenant": world.slug, "email": address(world, role), "password": password, "lang": "en"}
    return client.post("/console/sign-in", data=form)


def csrf_of(client: httpx.Client, path: str = "/console/account") -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', client.get(path).text)
    assert found
    return found[1]


def ask_reset(world: World, role_address: str) -> httpx.Response:
    form = {"tenant": world.slug, "email": role_address, "lang": "en"}
    return new_browser(world.url).post("/console/forgot", data=form)


# -- links by mail -------------------------------------------------------------------------------------------------


def test_reset_says_the_same_to_everybody_and_mails_members_only(firm: World) -> None:
    known, unknown = address(firm, "auditor"), f"nobody-{secrets.token_hex(4)}@{firm.slug}.example"
    pages = [ask_reset(firm, one) for one in (known, unknown)]
    assert [page.status_code for page in pages] == [200, 200]
    assert pages[0].text.replace(known, "") == pages[1].text.replace(unknown, "")
    other = new_browser(firm.url).post(
        "/console/forgot", data={"tenant": "no-such-tenant", "email": known, "lang": "en"}
    )
    assert other.status_code == 200
    letter_to(firm, known)
    assert not letters_to(firm, unknown)


def test_reset_link_serves_once_and_ends_every_session(firm: World) -> None:
    role = "interviewer"
    before = firm.console(role)
    ask_reset(firm, address(firm, role))
    link = link_in(firm, letter_to(firm, address(firm, role)))
    client = new_browser(firm.url)
    assert client.get(link).status_code == client.get(link).status_code == 200, "looking does not use it up"
    weak = client.post(link, data={"password": "password123"})
    assert weak.status_code == 422
    assert 'id="password-error"' in weak.text
    own_name = client.post(link, data={"password": f"{firm.slug}.example"})
    assert own_name.status_code == 422, "the person's own address is guessed first"
    assert client.post(link, data={"password": NEW}).status_code == 303
    assert client.get(link).status_code == client.post(link, data={"password": NEW + "!"}).status_code == 404
    assert before.get("/console").status_code == 303, "who was signed in no longer is"
    assert try_password(client, firm, role).status_code == 401
    assert try_password(client, firm, role, NEW).status_code == 303
    assert "changed" in str(letter_to(firm, address(firm, role), 2).message["Subject"])


def test_reset_link_ends_and_a_newer_one_replaces_it(firm: World) -> None:
    to = address(firm, "department_manager")
    ask_reset(firm, to)
    first = link_in(firm, letter_to(firm, to))
    ask_reset(firm, to)
    second = link_in(firm, letter_to(firm, to, 2))
    client = new_browser(firm.url)
    assert client.get(first).status_code == 404
    assert client.get(second).status_code == 200

    async def expire(session: TenantSession) -> None:
        await session.execute(update(AccountLink).values(expires_at=now() - timedelta(seconds=1)))

    within(firm, expire)
    assert client.get(second).status_code == client.post(second, data={"password": NEW}).status_code == 404


def test_reset_link_of_another_tenant_opens_nothing(firm: World, charlie: World) -> None:
    to = address(firm, "billing_admin")
    ask_reset(firm, to)
    link = link_in(firm, letter_to(firm, to))
    foreign = link.replace(f"/t/{firm.slug}/", f"/t/{charlie.slug}/")
    assert new_browser(firm.url).get(foreign).status_code == 404


def test_mailbox_is_not_flooded(fresh: World) -> None:
    to = address(fresh, "recruiter")
    answers = [ask_reset(fresh, to) for _ in range(5)]
    assert {answer.status_code for answer in answers} == {200}, "the answer never tells"
    letter_to(fresh, to, 3)
    ask_reset(fresh, address(fresh, "auditor"))
    letter_to(fresh, address(fresh, "auditor"))  # whatever came before it was done before it
    assert len(letters_to(fresh, to)) == 3


def test_nothing_of_a_letter_is_left_and_no_job_names_anybody(firm: World) -> None:
    to = address(firm, "recruiter")
    ask_reset(firm, to)
    letter_to(firm, to)
    time.sleep(0.5)  # the row is marked just after the server took the letter

    async def left(session: TenantSession) -> tuple[list[Any], list[str]]:
        rows = await session.execute(text("select sent_at, content_sealed from outgoing_mails"))
        jobs = await session.execute(
            text("select args::text from procrastinate_jobs where args->>'tenant_id' = :t"),
            {"t": str(session.tenant_id)},
        )
        return [tuple(row) for row in rows], [job for (job,) in jobs]

    rows, jobs = within(firm, left)
    assert rows
    assert all(sent and content is None for sent, content in rows)
    assert jobs
    assert not [job for job in jobs if "@" in job]


# -- the second step -----------------------------------------------------------------------------------------------


def code_of(secret: str, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(time.time() + steps * PERIOD)


def set_up_code(client: httpx.Client) -> tuple[str, list[str]]:
    """Through the account page: the secret and the recovery codes."""
    page = client.get("/console/account/code").text
    found = re.search(r'data-part="secret">([A-Z2-7]{32})<', page)
    assert found
    assert "<svg" in page
    assert found[1] in client.get("/console/account/code").text, (
        "the same secret when the page is loaded again"
    )
    csrf = csrf_of(client)
    wrong = client.post("/console/account/code", data={"csrf": csrf, "code": "000000"})
    assert wrong.status_code == 422
    done = client.post("/console/account/code", data={"csrf": csrf, "code": code_of(found[1], -1)})
    assert done.status_code == 200, done.text[:300]
    codes = re.findall(r'<li class="select-all">([a-z2-7-]+)</li>', done.text)
    assert len(set(codes)) == 10
    return found[1], codes


def test_code_is_asked_for_once_set_up_and_serves_once(fresh: World) -> None:
    other = fresh.console("recruiter")
    client = fresh.console("recruiter")
    secret, recovery = set_up_code(client)
    assert client.get("/console").status_code == 200, "this device stays"
    assert other.get("/console").status_code == 303, "the others do not"
    again = new_browser(fresh.url)
    answer = try_password(again, fresh, "recruiter")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/sign-in/code")
    assert "duilian_session" not in again.cookies
    assert again.get("/console").status_code == 303, "the password alone opens nothing"
    assert again.post("/console/sign-in/code", data={"code": "123456"}).status_code == 422
    code = code_of(secret)
    assert again.post("/console/sign-in/code", data={"code": f"{code[:3]} {code[3:]}"}).status_code == 303
    assert again.get("/console").status_code == 200
    replay = new_browser(fresh.url)
    try_password(replay, fresh, "recruiter")
    assert replay.post("/console/sign-in/code", data={"code": code}).status_code == 422, "it was used"
    assert replay.post("/console/sign-in/code", data={"code": recovery[0].upper()}).status_code == 303
    third = new_browser(fresh.url)
    try_password(third, fresh, "recruiter")
    assert third.post("/console/sign-in/code", data={"code": recovery[0]}).status_code == 422
    assert third.post("/console/sign-in/code", data={"code": recovery[1]}).status_code == 303
    assert "one-time codes" in str(letter_to(fresh, address(fresh, "recruiter")).message["Subject"]).lower()


def test_step_ends_after_five_wrong_codes_and_with_time(fresh: World) -> None:
    set_up_code(fresh.console("recruiter"))
    client = new_browser(fresh.url)
    try_password(client, fresh, "recruiter")
    statuses = [client.post("/console/sign-in/code", data={"code": "000000"}).status_code for _ in range(6)]
    assert statuses == [422] * 5 + [401]
    try_password(client, fresh, "recruiter")
    statuses = [client.post("/console/sign-in/code", data={"code": "000000"}).status_code for _ in range(4)]
    assert statuses == [422] * 3 + [429], "beginning anew gives no more tries"

    async def expire(session: TenantSession) -> None:
        await session.execute(update(SignInStep).values(expires_at=now() - timedelta(seconds=1)))

    within(fresh, expire)
    assert client.get("/console/sign-in/code").status_code == 303


def test_stolen_step_of_another_tenant_is_worth_nothing(fresh: World, charlie: World) -> None:
    set_up_code(fresh.console("recruiter"))
    client = new_browser(fresh.url)
    try_password(client, fresh, "recruiter")
    _, _, secret = client.cookies["duilian_step"].partition(".")
    thief = new_browser(fresh.url)
    thief.cookies.set("duilian_step", f"{charlie.tenant_id.hex}.{secret}")
    assert thief.get("/console/sign-in/code").status_code == 303
    assert thief.post("/console/sign-in/code", data={"code": "000000"}).status_code == 401


def test_tenant_can_ask_everybody_for_a_code(fresh: World) -> None:
    admin = fresh.console("owner")
    form = {"csrf": csrf_of(admin, "/console/access"), "code_required": "1"}
    assert admin.post("/console/access/policy", data=form).status_code == 303
    client = new_browser(fresh.url)
    answer = try_password(client, fresh, "interviewer")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/sign-in/enrol")
    page = client.get("/console/sign-in/enrol").text
    found = re.search(r'data-part="secret">([A-Z2-7]{32})<', page)
    assert found
    assert client.post("/console/sign-in/enrol", data={"code": "000000"}).status_code == 422
    done = client.post("/console/sign-in/enrol", data={"code": code_of(found[1])})
    assert done.status_code == 200
    assert len(re.findall(r'<li class="select-all">', done.text)) == 10
    assert client.get("/console").status_code == 200
    again = new_browser(fresh.url)
    assert try_password(again, fresh, "interviewer").headers["location"] == "/console/sign-in/code"
    csrf = csrf_of(client)
    refused = client.post(
        "/console/account/code/remove", data={"csrf": csrf, "code_password": "wrong password"}
    )
    assert refused.status_code == 422
    assert client.get("/console/account").text.count("/console/account/code/remove") == 0, (
        "nobody leaves alone"
    )


# -- sessions ------------------------------------------------------------------------------------------------------


def test_sessions_are_listed_and_ended(firm: World) -> None:
    role, phone = (
        "department_manager",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Version/18.0 Mobile Safari/604.1",
    )
    here, there, third = (firm.console(role) for _ in range(3))
    elsewhere = new_browser(firm.url)
    elsewhere.headers["User-Agent"] = phone
    try_password(elsewhere, firm, role)
    page = html.unescape(here.get("/console/account").text)
    assert "Safari · iPhone" in page
    assert "127.0.0.1" in page
    ends = re.findall(r'action="(/console/account/sessions/[0-9a-f-]{36}/end)"', page)
    assert len(ends) == 3, "not this device"
    csrf = csrf_of(here)
    assert here.post(ends[0], data={"csrf": csrf}).status_code == 303
    assert elsewhere.get("/console").status_code == 303, "the newest stands first"
    assert there.get("/console").status_code == 200
    assert here.post("/console/account/sessions/end-others", data={"csrf": csrf}).status_code == 303
    assert there.get("/console").status_code == third.get("/console").status_code == 303
    assert here.get("/console").status_code == 200


def test_nobody_ends_a_session_of_somebody_else(firm: World) -> None:
    victim, other = firm.console("auditor"), firm.console("department_manager")

    async def victims(session: TenantSession) -> str:
        member = await member_by_email(session, address(firm, "auditor"))
        assert member
        query = text("select id from staff_sessions where member_id = :m order by id desc limit 1")
        return str(await session.scalar(query, {"m": member.id}))

    target = within(firm, victims)
    answer = other.post(f"/console/account/sessions/{target}/end", data={"csrf": csrf_of(other)})
    assert answer.status_code == 404
    assert victim.get("/console").status_code == 200


@pytest.mark.parametrize("column", ["last_seen_at", "expires_at"])
def test_session_ends_unused_and_in_any_case(fresh: World, column: str) -> None:
    client = fresh.console("recruiter")
    ago = timedelta(hours=2, seconds=1) if column == "last_seen_at" else timedelta(seconds=1)

    async def age(session: TenantSession) -> None:
        await session.execute(update(StaffSession).values({column: now() - ago}))

    assert client.get("/console").status_code == 200
    within(fresh, age)
    assert client.get("/console").status_code == 303


def test_changed_password_exchanges_the_session(fresh: World) -> None:
    client, other = fresh.console("recruiter"), fresh.console("recruiter")
    old = client.cookies["duilian_session"]
    csrf = csrf_of(client)
    form = {"csrf": csrf, "current": "not this one", "password": NEW}
    wrong = client.post("/console/account/password", data=form)
    assert wrong.status_code == 422
    assert 'id="current-error"' in wrong.text
    weak = client.post(
        "/console/account/password", data=form | {"current": PASSWORD, "password": "qwertyuiop"}
    )
    assert weak.status_code == 422
    assert 'id="password-error"' in weak.text
    assert client.post("/console/account/password", data=form | {"current": PASSWORD}).status_code == 303
    assert client.cookies["duilian_session"] != old
    assert client.get("/console").status_code == 200
    assert other.get("/console").status_code == 303
    thief = new_browser(fresh.url)
    thief.cookies.set("duilian_session", old)
    assert thief.get("/console").status_code == 303, "a value that leaked before is worth nothing now"


def test_current_password_cannot_be_guessed_at_leisure(fresh: World) -> None:
    client = fresh.console("recruiter")
    form = {"csrf": csrf_of(client), "current": "not this one", "password": NEW}
    statuses = [client.post("/console/account/password", data=form).status_code for _ in range(9)]
    assert statuses == [422] * 8 + [429]


# -- API keys ------------------------------------------------------------------------------------------------------


def make_key(client: httpx.Client, **fields: str) -> httpx.Response:
    form = {"csrf": csrf_of(client, "/console/api-keys"), "name": "nightly", "days": "30", "unit": ""}
    return client.post("/console/api-keys", data=form | fields)


def test_key_is_shown_once_works_and_is_revoked(firm: World) -> None:
    client = firm.console("admin")
    answer = make_key(client, **{"right.interviews.read": "1"})
    found = re.search(rf'data-part="key">(dl_{firm.slug}_[\w-]+)<', answer.text)
    assert found
    assert found[1] not in client.get("/console/api-keys").text
    assert firm.api(found[1]).get("/api/v1/interviews").status_code == 200
    assert firm.api(found[1]).get("/api/v1/question-sets").status_code == 403, "no more than was chosen"
    page = client.get("/console/api-keys").text
    revoke = re.search(r'action="(/console/api-keys/[0-9a-f-]{36}/revoke)"', page)
    assert revoke
    assert client.post(revoke[1], data={"csrf": csrf_of(client, "/console/api-keys")}).status_code == 303
    assert firm.api(found[1]).get("/api/v1/interviews").status_code == 401


def test_key_needs_a_name_and_a_right(firm: World) -> None:
    answer = make_key(firm.console("admin"), name=" ")
    assert answer.status_code == 422
    assert {'id="name-error"', 'id="rights-error"'} <= set(re.findall(r'id="\w+-error"', answer.text))


# -- pages ---------------------------------------------------------------------------------------------------------


def test_tenants_sign_in_page_carries_its_look(firm: World, browser: httpx.Client) -> None:
    page = browser.get(f"/t/{firm.slug}/sign-in").text
    assert f'href="/t/{firm.slug}/theme.css' in page
    assert 'name="tenant" type="text"' not in page
    form = {"email": address(firm, "auditor"), "password": "wrong password", "lang": "en"}
    assert browser.post(f"/t/{firm.slug}/sign-in", data=form).status_code == 401
    assert browser.post(f"/t/{firm.slug}/sign-in", data=form | {"password": PASSWORD}).status_code == 303
    assert browser.get("/t/no-such-tenant/sign-in").status_code == 404


def test_forms_from_other_sites_are_refused(firm: World, browser: httpx.Client) -> None:
    form = {"tenant": firm.slug, "email": address(firm, "auditor"), "password": PASSWORD}
    for site in ("cross-site", "same-site"):
        assert (
            browser.post("/console/sign-in", data=form, headers={"Sec-Fetch-Site": site}).status_code == 403
        )
    ours = browser.post("/console/sign-in", data=form, headers={"Sec-Fetch-Site": "same-origin"})
    assert ours.status_code == 303


def test_what_happened_is_in_the_audit_log(fresh: World) -> None:
    browser = new_browser(fresh.url)
    try_password(browser, fresh, "recruiter", "wrong password")
    client = fresh.console("recruiter")
    set_up_code(client)
    client.post("/console/sign-out")

    async def actions(session: TenantSession) -> list[tuple[str, str]]:
        rows = await session.execute(text("select action, entry from audit_entries order by seq"))
        return [(action, entry) for action, entry in rows]

    found = within(fresh, actions)
    assert {"sign-in.failed", "session.opened", "code.set-up", "session.closed"} <= {
        action for action, _ in found
    }
    assert all("127.0.0.1" in entry for action, entry in found if action == "sign-in.failed")
    assert not [entry for _, entry in found if "@" in entry], "no address in the log"
