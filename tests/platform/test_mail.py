"""Letters with the work they tell of: invitations and members by e-mail, in the reader's language, over real SMTP."""

from __future__ import annotations

import html
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import text

from browsing import browser
from duilian.infra import mail
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.infra.ids import new_id
from duilian.infra.mail import OutgoingMail
from duilian.infra.smtp import BadMailAddress, Mail
from duilian.platform.app.up import Stack
from duilian.platform.web import letters
from duilian.tenants.keyring import open_database, open_keyring
from inside import within
from letters import letter_to, letters_to, link_in
from world import World, open_world, run


@pytest.fixture(scope="module")
def firm(stack: Stack) -> World:
    return open_world(stack.settings)


def csrf_of(client: httpx.Client, path: str) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', client.get(path).text)
    assert found
    return found[1]


def somebody() -> str:
    return f"{secrets.token_hex(6)}@candidate.example"


def invite(firm: World, people: str, **fields: str) -> str:
    admin = firm.console("recruiter")
    form = {"csrf": csrf_of(admin, "/console/invite"), "set": firm.set_key, "locale": "zh-CN", "hours": "48"}
    answer = admin.post("/console/invite", data=form | {"people": people} | fields)
    assert answer.status_code == 200
    return html.unescape(answer.text)


@pytest.mark.parametrize(("locale", "word"), [("zh-CN", "面试"), ("en", "interview")])
def test_invitation_is_mailed_with_its_link(firm: World, locale: str, word: str) -> None:
    to = somebody()
    page = invite(firm, f"林晓, {to}", mail="1", locale=locale)
    letter = letter_to(firm, to)
    link = link_in(firm, letter)
    assert link in page
    assert word in str(letter.message["Subject"])
    assert "林晓" in letter.part("plain")
    assert httpx.get(link, trust_env=False).status_code == 200
    assert letter.message["From"].addresses[0].addr_spec == "no-reply@duilian.example"


def test_nothing_is_mailed_where_the_box_is_empty(firm: World) -> None:
    quiet, loud = somebody(), somebody()
    invite(firm, f"林晓, {quiet}")
    invite(firm, f"林晓, {loud}", mail="1")
    letter_to(firm, loud)
    assert not letters_to(firm, quiet)


def test_list_is_mailed_one_letter_each_and_what_cannot_be_is_told(firm: World) -> None:
    good, odd = somebody(), f"李娜{secrets.token_hex(3)}@candidate.example"
    page = invite(firm, f"王芳, {good}\n李娜, {odd}", mail="1")
    letter = letter_to(firm, good)
    assert len(letter.message["To"].addresses) == 1
    assert odd in page
    assert re.search(rf"field-error[^>]*>[^<]*{re.escape(odd)}", page)


def test_page_says_what_became_of_the_letter_and_sends_again(firm: World) -> None:
    to = somebody()
    made = firm.api().post(
        "/api/v1/invitations",
        json={"name": "Alex", "email": to, "question_set": firm.set_key, "locale": "en"},
    )
    assert made.json()["mailed"] is True
    letter_to(firm, to)
    admin = firm.console("recruiter")
    path = f"/console/invitations/{made.json()['invitation']}"
    deadline = time.monotonic() + 10
    while "Sent" not in (page := admin.get(path).text) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert "Sent" in page
    assert admin.post(f"{path}/mail", data={"csrf": csrf_of(admin, "/console/invite")}).status_code == 303
    assert link_in(firm, letter_to(firm, to, 2)) == made.json()["url"]


def test_api_may_keep_the_letter_back(firm: World) -> None:
    assert firm.invite()["mailed"] is False


def test_member_comes_by_letter(firm: World) -> None:
    admin, to = firm.console("admin"), f"{secrets.token_hex(6)}@{firm.slug}.example"
    page = admin.get("/console/people").text
    unit = re.search(r'<option value="([0-9a-f-]{36})">', page)
    assert unit
    form = {"csrf": csrf_of(admin, "/console/people"), "name": "周敏", "email": to, "unit": unit[1]}
    assert admin.post("/console/people/invite", data=form | {"role": "interviewer"}).status_code == 303
    link = link_in(firm, letter_to(firm, to))
    client = browser(firm.url, headers={"Accept": "text/html"})
    credentials = {"tenant": firm.slug, "email": to, "password": "seven silent lanterns"}
    assert client.post("/console/sign-in", data=credentials | {"password": ""}).status_code == 401
    assert client.post(link, data={"password": credentials["password"]}).status_code == 303
    assert client.post("/console/sign-in", data=credentials).status_code == 303
    assert client.get("/console/interviews").status_code == 200
    assert client.get("/console/people").status_code == 403


def test_nobody_brings_in_somebody_above_themselves(firm: World) -> None:
    admin, to = firm.console("admin"), somebody()
    form = {"csrf": csrf_of(admin, "/console/people"), "name": "x", "email": to, "role": "owner"}
    assert admin.post("/console/people/invite", data=form).status_code == 403


def test_nothing_is_mailed_of_what_did_not_happen(firm: World) -> None:
    about, to = new_id(), somebody()

    async def fail(session: TenantSession) -> None:
        await mail.send_later(session, "test", about, Mail(to, "x", "x", "x", "x"))
        raise RuntimeError

    with pytest.raises(RuntimeError):
        within(firm, fail)

    async def rows(session: TenantSession) -> int:
        query = "select count(*) from outgoing_mails where about = :about"
        return await session.scalar(text(query), {"about": about}) or 0

    assert within(firm, rows) == 0


def test_letter_needs_an_address(firm: World) -> None:
    async def send(session: TenantSession) -> None:
        await mail.send_later(
            session, "test", new_id(), Mail("a@b.example\nBcc: c@d.example", "x", "x", "x", "x")
        )

    with pytest.raises(BadMailAddress):
        within(firm, send)


def test_letter_outlives_a_mail_server_that_is_down(firm: World, stack: Stack) -> None:
    to = somebody()
    os.kill(stack.supervisor.process("mail").pid, signal.SIGKILL)
    invite(firm, f"林晓, {to}", mail="1")
    letter_to(firm, to, seconds=60)


class Refusing:
    """A mail server that knows nobody."""

    async def handle_RCPT(self, *_: Any) -> str:
        return "550 5.1.1 no such mailbox"


def test_refused_letter_is_marked_and_erased(firm: World) -> None:
    """No second try: the page says what the receiving server said."""
    invitation = UUID(firm.invite()["invitation"])

    async def write(session: TenantSession) -> UUID:
        content = msgspec.json.encode(asdict(Mail("a@b.example", "x", "x", "x", "x"))).decode()
        row = OutgoingMail(kind="invitation", about=invitation, content=content, created_at=now())
        session.add(row)
        await session.flush()
        return row.id

    mail_id = within(firm, write)
    controller = Controller(Refusing(), hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        deliver(firm, f"smtp://127.0.0.1:{controller.port}", mail_id)
    finally:
        controller.stop()

    async def left(session: TenantSession) -> tuple[str, int | None, bytes | None]:
        row = await session.get_one(OutgoingMail, (session.tenant_id, mail_id))
        return row.state, row.reply, row.content_sealed

    assert within(firm, left) == ("refused", 550, None)
    assert "550" in firm.console("recruiter").get(f"/console/invitations/{invitation}").text


def deliver(world: World, smtp_url: str, mail_id: UUID) -> None:
    """What the worker does, with another mail server."""

    async def go() -> None:
        database = open_database(world.settings, open_keyring(world.settings), 1)
        settings = msgspec.structs.replace(world.settings, smtp_url=smtp_url)
        try:
            await mail.sender(database, settings)(world.tenant_id, str(mail_id))
        finally:
            await database.close()

    run(go())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_command_reads_what_was_mailed(firm: World) -> None:
    to = somebody()
    invite(firm, f"林晓, {to}", mail="1")
    letter_to(firm, to)
    environment = os.environ | {"DUILIAN_DATA_DIR": str(firm.settings.data_dir)}

    def duilian(*words: str) -> subprocess.CompletedProcess[str]:
        program = Path(sys.executable).with_name("duilian")
        return subprocess.run([program, "mail", *words], env=environment, capture_output=True, text=True)

    listed = json.loads(duilian("list", "--json").stdout)
    [mine] = [one for one in listed if one["to"] == to]
    assert mine["name"] in duilian("list").stdout
    assert firm.url in json.loads(duilian("show", mine["name"], "--json").stdout)["text"]
    assert firm.url in duilian("show", mine["name"]).stdout
    refused = duilian("show", "no-such-message")
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
@pytest.mark.parametrize(
    "kind", ["invitation", "welcome", "reset", "password_changed", "code_on", "code_off"]
)
def test_words_of_people_are_no_markup(kind: str, locale: str) -> None:
    sender = letters.Sender({"zh-CN": "<b>店</b>", "en": "<b>Shop</b>"}, "#235f5f", "hr@shop.example")
    reader = letters.Reader("<script>alert(1)</script>", "a@b.example", locale)
    params = dict.fromkeys(("job", "questions", "minutes", "deadline", "until", "at"), "{x}")
    link = "https://x.example/t/s/i/abc" if kind in ("invitation", "welcome", "reset") else ""
    letter = letters.write(kind, reader, sender, link, **params)
    assert "<script>" not in letter.html
    assert "<b>" not in letter.html
    assert "<script>alert(1)</script>" in letter.text
    assert letter.reply_to == "hr@shop.example"
    assert letter.subject
