"""Signing in over HTTP: links by mail, the second step, sessions, API keys; what is refused and what it leaves."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text, update

from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.platform.app.up import Stack
from duilian.tenants.account_models import AccountLink
from inside import within
from letters import letter_to, letters_to, link_in
from signing_in import address, ask_reset, csrf_of, new_browser, set_up_code, try_password
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
