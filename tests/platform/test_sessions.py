"""After the password: one-time codes and their recovery, sessions listed, ended and exchanged."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import text, update

from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.platform.app.up import Stack
from duilian.tenants.account_models import SignInStep
from duilian.tenants.models import StaffSession
from duilian.tenants.people import member_by_email
from inside import within
from letters import letter_to
from signing_in import address, code_of, csrf_of, new_browser, set_up_code, try_password
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


# -- the second step -----------------------------------------------------------------------------------------------


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
