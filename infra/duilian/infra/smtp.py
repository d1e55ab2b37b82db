"""Mail over SMTP (RFC 5321): an address with its encryption, a message that no field can break out of, one delivery.

`smtp://` takes encryption where the server offers it, `smtp+starttls://` insists on it, `smtps://` begins with it. A
password never travels in clear, except to this same machine.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

import aiosmtplib

from duilian.infra.clock import now
from duilian.infra.errors import Problem, Unavailable, Unprocessable

SECONDS = 20.0  # for one delivery
PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_ADDRESS = re.compile(r"[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f]{1,64}@[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f]{1,253}")


class BadMailAddress(Unprocessable):
    code = "bad-mail-address"
    zh = "这不是一个有效的邮箱地址，请检查拼写。"
    en = "This is not a valid e-mail address. Please check its spelling."


class MailNotConfigured(Problem):
    code = "mail-not-configured"
    zh = "还没有配置发信服务器。请设置 DUILIAN_SMTP_URL 后重试。"
    en = "No mail server is configured. Set DUILIAN_SMTP_URL and try again."


class MailServerDown(Unavailable):
    code = "mail-server-down"
    zh = "发信服务器暂时不可用，稍后会自动重试。"
    en = "The mail server is unavailable for the moment; the message will be tried again."


class MailRefused(Problem):
    """The server will never take this message. status: its reply code, such as 550."""

    code = "mail-refused"
    zh = "对方的邮件服务器拒收（代码 {reply}）。请检查邮箱地址。"
    en = "The recipient's mail server refused the message (code {reply}). Please check the address."


@dataclass(frozen=True)
class Mail:
    """One message to one person. sender: the name shown beside our address; reply_to: empty for none."""

    to: str
    name: str
    subject: str
    text: str
    html: str
    sender: str = ""
    reply_to: str = ""


@dataclass(frozen=True)
class Server:
    """Where mail is handed over. tls: from the first byte, by STARTTLS, or STARTTLS where it is offered."""

    host: str
    port: int
    tls: Literal["implicit", "required", "offered"]
    user: str
    password: str

    def __repr__(self) -> str:
        return f"Server({self.host}:{self.port}, {self.tls})"

    @classmethod
    def parse(cls, url: str) -> Server:
        """Raises MailNotConfigured for an empty or unknown address."""
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname:
            raise MailNotConfigured
        secret = bool(parts.username) and parts.hostname not in LOOPBACK
        tls = "implicit" if parts.scheme == "smtps" else "required" if secret else "offered"
        if parts.scheme == "smtp+starttls":
            tls = "required"
        port = parts.port or PORTS[parts.scheme]
        return cls(parts.hostname, port, tls, unquote(parts.username or ""), unquote(parts.password or ""))

    async def deliver(self, message: EmailMessage) -> None:
        """Raises MailServerDown (try again), MailRefused (never)."""
        options: dict[str, Any] = {
            "hostname": self.host,
            "port": self.port,
            "use_tls": self.tls == "implicit",
            "start_tls": {"implicit": False, "required": True, "offered": None}[self.tls],
            "username": self.user or None,
            "password": self.password or None,
            "timeout": SECONDS,
        }
        try:
            await aiosmtplib.send(message, **options)
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _told(error.recipients[0].code) from error
        except aiosmtplib.SMTPResponseException as error:
            raise _told(error.code) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise MailServerDown from error


def _told(reply: int) -> Problem:
    """5xx is final (RFC 5321 §4.2.1), except 53x: then it is our sign-in that the server does not like."""
    return MailRefused(reply=reply) if reply >= 540 or 500 <= reply < 530 else MailServerDown()


def address_of(text: str) -> str:
    """One plain address, trimmed, its domain as DNS spells it. Raises BadMailAddress: nothing that could name a
    second recipient passes, nor a mailbox outside ASCII, which few servers take (RFC 6531)."""
    if not _ADDRESS.fullmatch(text.strip()):
        raise BadMailAddress
    mailbox, _, domain = text.strip().partition("@")
    try:
        spelt = f"{mailbox.encode('ascii').decode()}@{domain.encode('idna').decode()}"
        return Address(addr_spec=spelt).addr_spec
    except (ValueError, MessageError) as error:  # dots in a row, empty labels
        raise BadMailAddress from error


def compose(mail: Mail, mail_from: str, message_id: str) -> EmailMessage:
    """The message as it travels. message_id: the same at each try, so that receivers see one message."""
    to, sender = address_of(mail.to), address_of(mail_from)
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(_line(mail.sender), addr_spec=sender)
    message["To"] = Address(_line(mail.name), addr_spec=to)
    message["Subject"] = _line(mail.subject)
    message["Date"] = format_datetime(now())
    message["Message-ID"] = f"<{message_id}@{sender.partition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday replies, please
    if mail.reply_to:
        message["Reply-To"] = Address(addr_spec=address_of(mail.reply_to))
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    return message


def _line(text: str) -> str:
    """Words of people in a header: one line, nothing that ends it."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:200]
