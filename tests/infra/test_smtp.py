"""Mail over real SMTP: what arrives, what is refused for good, what is tried again, what cannot be smuggled in."""

from __future__ import annotations

import email
import socket
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from duilian.infra.local.mailbox import Catcher, find, kept
from duilian.infra.smtp import (
    BadMailAddress,
    Mail,
    MailNotConfigured,
    MailRefused,
    MailServerDown,
    Server,
    address_of,
    compose,
)

FROM = "no-reply@duilian.example"
LETTER = Mail("li.na@people.example", "李娜", "您好", "纯文本\n", "<p>网页</p>", sender="恒星零售")


class Postbox:
    """Keeps what it takes; answers a recipient of its own choosing with its own code."""

    def __init__(self) -> None:
        self.taken: list[tuple[list[str], EmailMessage]] = []
        self.refusals: dict[str, str] = {}

    async def handle_RCPT(self, _s: Any, _session: Any, envelope: Any, address: str, _o: Any) -> str:
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        message = email.message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.taken.append((envelope.rcpt_tos, message))
        return "250 taken"


@pytest.fixture
def postbox() -> Postbox:
    return Postbox()


@pytest.fixture
def server(postbox: Postbox) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(postbox, hostname="127.0.0.1", port=port)
    controller.start()
    yield Server.parse(f"smtp://127.0.0.1:{port}")
    controller.stop()


async def test_letter_arrives_with_both_parts(server: Server, postbox: Postbox) -> None:
    await server.deliver(compose(LETTER, FROM, "one"))
    [(to, message)] = postbox.taken
    assert to == ["li.na@people.example"]
    assert message["To"].addresses[0].display_name == "李娜"
    assert message["From"].addresses[0].display_name == "恒星零售"
    assert message["Subject"] == "您好"
    assert message["Message-ID"] == "<one@duilian.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain
    assert html
    assert plain.get_content().strip() == "纯文本"
    assert html.get_content().strip() == "<p>网页</p>"


@pytest.mark.parametrize(
    "words",
    [
        "Eve\r\nBcc: all@people.example",
        "Eve\nBcc: all@people.example",
        'Eve" <x@y.example>, "',
        "Eve\x00\x0b",
    ],
)
async def test_names_and_subjects_stay_one_line(server: Server, postbox: Postbox, words: str) -> None:
    """Whatever stands in a name: one recipient, no header of its own."""
    mail = Mail("li.na@people.example", words, words, "x\n", "x", sender=words)
    await server.deliver(compose(mail, FROM, "one"))
    [(to, message)] = postbox.taken
    assert to == ["li.na@people.example"]
    assert len(message["To"].addresses) == len(message["From"].addresses) == 1
    assert message["Bcc"] is None
    assert "\n" not in message["Subject"]


@pytest.mark.parametrize(
    "text",
    ["a@b.example, c@d.example", "a@b.example\nBcc: c@d.example", "a b@c.example", "<a@b.example>", "a@", "a", "",
     "a@b@c.example", "a@b.example;c@d.example", "李娜@b.example", "a..b@c.example", ".a@b.example", "a@b..example"],
)  # fmt: skip
def test_address_names_one_person(text: str) -> None:
    with pytest.raises(BadMailAddress):
        address_of(text)


async def test_domain_travels_as_dns_spells_it(server: Server, postbox: Postbox) -> None:
    await server.deliver(compose(Mail("li.na@例子.example", "李娜", "x", "x\n", "x"), FROM, "one"))
    assert postbox.taken[0][0] == ["li.na@xn--fsqu00a.example"]


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("550 5.1.1 no such mailbox", MailRefused),
        ("552 full", MailRefused),
        ("451 try later", MailServerDown),
        ("535 who are you", MailServerDown),
    ],
)
async def test_final_and_passing_refusals_differ(
    server: Server, postbox: Postbox, answer: str, problem: type[Exception]
) -> None:
    postbox.refusals[LETTER.to] = answer
    with pytest.raises(problem):
        await server.deliver(compose(LETTER, FROM, "one"))
    assert not postbox.taken


async def test_no_server_is_tried_again() -> None:
    with pytest.raises(MailServerDown):
        await Server.parse("smtp://127.0.0.1:1").deliver(compose(LETTER, FROM, "one"))


def test_password_never_travels_in_clear() -> None:
    assert Server.parse("smtp://mail.example").tls == "offered"
    assert Server.parse("smtp://user:pass@mail.example").tls == "required"
    assert Server.parse("smtp+starttls://mail.example").tls == "required"
    assert Server.parse("smtps://user:p%40ss@mail.example") == Server(
        "mail.example", 465, "implicit", "user", "p@ss"
    )
    assert "secret" not in repr(Server.parse("smtps://user:secret@mail.example"))


@pytest.mark.parametrize("url", ["", "mail.example:25", "http://mail.example", "smtp://"])
def test_what_is_no_mail_server_is_told(url: str) -> None:
    with pytest.raises(MailNotConfigured):
        Server.parse(url)


async def test_caught_mail_is_a_private_file(tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    controller = Controller(Catcher(folder), hostname="127.0.0.1", port=_free())
    controller.start()
    try:
        server = Server.parse(f"smtp://127.0.0.1:{controller.port}")
        for number in range(3):
            await server.deliver(compose(LETTER, FROM, str(number)))
    finally:
        controller.stop()
    caught = kept(folder)
    assert [one.message["Message-ID"] for one in caught] == [f"<{n}@duilian.example>" for n in range(3)]
    assert {one.to for one in caught} == {LETTER.to}
    assert find(folder, caught[1].name).part("plain") == "纯文本\n"
    assert folder.stat().st_mode & 0o077 == 0
    assert caught[0].path.stat().st_mode & 0o077 == 0


def _free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
