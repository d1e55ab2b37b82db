"""The way out to addresses that tenants enter: real servers on this machine, a resolver that lies."""

from __future__ import annotations

import asyncio
import gzip
import ipaddress
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from duilian.infra import outbound
from duilian.infra.outbound import (
    AddressRefused,
    GuardedTransport,
    NotHttps,
    NotPublic,
    PartnerUnavailable,
    Rules,
)
from duilian.infra.settings import Settings

LOCAL = Rules(loopback=True, seconds=2, bytes=10_000)


class Partner(BaseHTTPRequestHandler):
    """asked: the Host headers that came."""

    asked: list[str] = []  # noqa: RUF012  # one server a test session

    def do_GET(self) -> None:
        self.asked.append(self.headers["Host"])
        body, headers, pause = b"hello", {}, 0.0
        if self.path == "/large":
            body = b"x" * 20_000
        if self.path == "/packed":
            body, headers = gzip.compress(b"x" * 5_000_000), {"Content-Encoding": "gzip"}
        if self.path == "/slow":
            pause = 0.4
        status = 302 if self.path == "/moved" else 200
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) * (10 if pause else 1)))
        for name, value in (headers | ({"Location": "/large"} if status == 302 else {})).items():
            self.send_header(name, value)
        self.end_headers()
        for _ in range(10 if pause else 1):
            self.wfile.write(body)
            self.wfile.flush()
            time.sleep(pause)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def partner() -> Iterator[ThreadingHTTPServer]:
    yield from served(ThreadingHTTPServer(("127.0.0.1", 0), Partner))


def served(server: ThreadingHTTPServer) -> Iterator[ThreadingHTTPServer]:
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def fetch(
    url: str,
    rules: Rules = LOCAL,
    resolve: outbound.Resolve = outbound.resolve,
    verify: ssl.SSLContext | bool = True,
) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = GuardedTransport(rules, resolve=resolve, verify=verify)
        async with httpx.AsyncClient(transport=transport, trust_env=False) as http:
            return await http.get(url)

    return asyncio.run(ask())


PRIVATE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192", "192.0.2.1", "192.88.99.1", "198.18.0.1",
    "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "::", "::1",
    "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a00:1", "64:ff9b:1::1",
    "fe80::1", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "2001::1", "2002:7f00:1::", "3fff::1",
    "100::1", "5f00::1",
]  # fmt: skip


@pytest.mark.parametrize("number", PRIVATE)
def test_addresses_that_are_somebodys_own_are_refused(number: str) -> None:
    assert not outbound.is_public(ipaddress.ip_address(number))
    host = f"[{number}]" if ":" in number else number
    with pytest.raises(NotPublic):
        fetch(f"https://{host}/", Rules())


@pytest.mark.parametrize(
    "number",
    ["8.8.8.8", "100.63.255.255", "172.32.0.1", "2400:3200::1", "::ffff:8.8.8.8", "64:ff9b::808:808"],
)
def test_public_addresses_are_allowed(number: str) -> None:
    assert outbound.is_public(ipaddress.ip_address(number))


@pytest.mark.parametrize(
    "url",
    [
        "https://localhost/",
        "https://localhost./",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://127.1/",
    ],
)
def test_this_machine_is_refused_however_it_is_spelt(url: str) -> None:
    with pytest.raises(NotPublic):
        fetch(url, Rules())


@pytest.mark.parametrize("url", ["http://8.8.8.8/", "ftp://8.8.8.8/", "file:///etc/passwd", "//8.8.8.8/"])
def test_only_https(url: str) -> None:
    with pytest.raises(NotHttps):
        outbound.checked_url(url, Rules())


@pytest.mark.parametrize("url", ["https://", "https://user:word@partner.example/", "https://[::1/"])
def test_malformed_addresses_are_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        outbound.checked_url(url, Rules())


def test_loopback_is_closed_in_production_whatever_the_setting() -> None:
    assert Rules.of(Settings(outbound_loopback=True)).loopback
    assert not Rules.of(Settings()).loopback
    assert not Rules.of(Settings(outbound_loopback=True, environment="production")).loopback


def test_loopback_setting_opens_no_other_network() -> None:
    for number in ("10.0.0.1", "169.254.169.254", "192.168.1.1"):
        with pytest.raises((NotPublic, NotHttps)):
            fetch(f"http://{number}/")


def test_one_private_address_among_public_ones_is_enough(partner: ThreadingHTTPServer) -> None:
    async def mixed(_host: str, _port: int) -> list[outbound.Address]:
        return [ipaddress.ip_address("8.8.8.8"), ipaddress.ip_address("127.0.0.1")]

    with pytest.raises(NotPublic):
        fetch(f"https://mixed.example:{partner.server_port}/", resolve=mixed)


def test_name_is_asked_once_and_the_connection_goes_where_it_was_checked(
    partner: ThreadingHTTPServer,
) -> None:
    """A name that would answer otherwise the next time (DNS rebinding)."""
    asked: list[str] = []

    async def rebinding(host: str, _port: int) -> list[outbound.Address]:
        asked.append(host)
        return [ipaddress.ip_address("127.0.0.1" if len(asked) == 1 else "10.0.0.1")]

    answer = fetch(f"http://rebinding.example:{partner.server_port}/", resolve=rebinding)
    assert answer.text == "hello"
    assert asked == ["rebinding.example"]
    assert Partner.asked[-1] == f"rebinding.example:{partner.server_port}"


def test_redirect_is_not_followed(partner: ThreadingHTTPServer) -> None:
    assert fetch(f"http://127.0.0.1:{partner.server_port}/moved").status_code == 302


@pytest.mark.parametrize(
    ("path", "reason"), [("large", "too-large"), ("packed", "packed"), ("slow", "timeout")]
)
def test_answers_are_bounded(partner: ThreadingHTTPServer, path: str, reason: str) -> None:
    """Each byte of the slow one comes in time; the whole does not."""
    began = time.monotonic()
    with pytest.raises(PartnerUnavailable) as refused:
        fetch(f"http://127.0.0.1:{partner.server_port}/{path}")
    assert refused.value.params["reason"] == reason
    assert time.monotonic() - began < LOCAL.seconds + 1


def test_nobody_listening_is_said(partner: ThreadingHTTPServer) -> None:
    with pytest.raises(PartnerUnavailable):
        fetch("http://127.0.0.1:1/")


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, ssl.SSLContext]]:
    """A TLS server whose certificate names hooks.example: its port, and trust in it."""
    folder = tmp_path_factory.mktemp("tls")
    write_certificate(folder / "cert.pem", folder / "key.pem", "hooks.example")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Partner)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    for _ in served(server):
        yield server.server_port, ssl.create_default_context(cafile=str(folder / "cert.pem"))


def write_certificate(certificate: Path, key_file: Path, name: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]), datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    encoding, shape = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    key_file.write_bytes(key.private_bytes(encoding, shape, serialization.NoEncryption()))


async def here(_host: str, _port: int) -> list[outbound.Address]:
    return [ipaddress.ip_address("127.0.0.1")]


def test_certificate_is_checked_against_the_name_not_the_number(
    certified: tuple[int, ssl.SSLContext],
) -> None:
    port, trust = certified
    assert fetch(f"https://hooks.example:{port}/", resolve=here, verify=trust).text == "hello"
    with pytest.raises(PartnerUnavailable):
        fetch(f"https://other.example:{port}/", resolve=here, verify=trust)


def test_client_cannot_be_talked_out_of_the_rules() -> None:
    async def ask() -> None:
        async with outbound.client(Rules(), transport=None, follow_redirects=True) as http:
            assert not http.follow_redirects
            await http.get("https://127.0.0.1/")

    with pytest.raises(NotPublic):
        asyncio.run(ask())
