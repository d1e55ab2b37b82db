"""A tenant's own domain, proven to a real name server: found, not found, lost, and nobody else's."""

from __future__ import annotations

import html
import re
from urllib.parse import urlsplit

import httpx
import pytest

from duilian.infra.names import NameServersDown, txt_records
from duilian.platform.app.up import Stack
from duilian.tenants.domains import BadDomain, checker, domain_of, slug_served_at
from duilian.tenants.keyring import open_database, open_keyring
from duilian.tenants.service import find_tenant
from name_server import NameServer
from starting import Starter
from world import World, run

DOMAIN = "/console/setup/domain"


@pytest.fixture(scope="module")
def company(stack: Stack) -> Starter:
    return Starter(stack.settings).open()


@pytest.fixture(scope="module")
def rival(stack: Stack) -> Starter:
    return Starter(stack.settings).open()


def claim(starter: Starter, domain: str) -> tuple[str, str]:
    """Name and value of the record to set."""
    assert starter.post(DOMAIN, domain=domain).status_code == 303
    page = html.unescape(starter.client.get(DOMAIN).text)
    [name], [value] = (
        re.findall(rf'data-part="{part}">([^<]+)<', page) for part in ("record_name", "record_value")
    )
    return name, value


def check(starter: Starter) -> bool:
    assert starter.post(f"{DOMAIN}/check").status_code == 303
    return 'data-verified="yes"' in starter.client.get(DOMAIN).text


def served(stack: Stack, host: str) -> str | None:
    async def look() -> str | None:
        database = open_database(stack.settings, open_keyring(stack.settings), 1)
        try:
            return await slug_served_at(database, host)
        finally:
            await database.close()

    return run(look())


def test_verified_by_its_record(stack: Stack, company: Starter, name_server: NameServer) -> None:
    domain = f"interview.{company.slug}.example"
    name, value = claim(company, domain.upper())
    assert name == f"_duilian.{domain}"
    assert not check(company) and "was not found yet" in company.client.get(DOMAIN).text
    assert served(stack, domain) is None and company.states()["domain"] == "open"
    name_server.records[name] = ["v=spf1 -all", value + "0"]
    assert not check(company), "another value proves nothing"
    name_server.records[name] = ["v=spf1 -all", value]
    assert check(company)
    assert name in name_server.asked
    assert served(stack, domain) == company.slug and company.states()["domain"] == "done"


def test_servers_that_are_down_prove_nothing_either_way(company: Starter, name_server: NameServer) -> None:
    name_server.silent = True
    try:
        assert check(company), "it stays verified"
    finally:
        name_server.silent = False


def test_nobody_else_gets_it_and_learns_nothing(
    stack: Stack, company: Starter, rival: Starter, name_server: NameServer
) -> None:
    """Even with the record in place; the page says what it says of a domain that nobody has."""
    domain = f"interview.{company.slug}.example"
    said: list[str] = []
    for wanted in (f"interview.nobody-{company.slug}.example", domain):
        name, value = claim(rival, wanted)
        if wanted == domain:
            name_server.records[name].append(value)
        assert not check(rival)
        page = rival.client.get(DOMAIN).text.replace(wanted, "§").replace(value, "§")
        said.append(re.sub(r"\d{1,2}:\d\d|[0-9a-f]{64}", "", page))
    assert said[0] == said[1]
    assert served(stack, domain) == company.slug


def test_lost_with_its_record_and_free_again(
    stack: Stack, company: Starter, rival: Starter, name_server: NameServer
) -> None:
    domain = f"interview.{company.slug}.example"
    name_server.records[f"_duilian.{domain}"] = name_server.records[f"_duilian.{domain}"][-1:]
    assert not check(company)
    assert served(stack, domain) is None
    assert check(rival), "now it is the other's to prove"
    assert served(stack, domain) == rival.slug
    assert rival.post(f"{DOMAIN}/remove").status_code == 303
    assert served(stack, domain) is None


def test_it_can_be_left_out(stack: Stack, name_server: NameServer) -> None:
    starter = Starter(stack.settings).open()
    assert starter.post(f"{DOMAIN}/skip").status_code == 303
    assert starter.states()["domain"] == "skipped"


@pytest.mark.parametrize(
    "typed",
    ["", "localhost", "example", "https://a.example", "a.example/x", "10.0.0.1", "a..example", "-a.example", "a b.example",
     "duilian.example", "x.duilian.example", "a" * 64 + ".example", "*.example.org"],
)  # fmt: skip
def test_what_is_no_domain_of_theirs(typed: str) -> None:
    with pytest.raises(BadDomain):
        domain_of(typed, "duilian.example")


def test_domains_as_dns_spells_them() -> None:
    assert domain_of(" Interview.Example.COM. ", "duilian.example") == "interview.example.com"
    assert domain_of("面试.例子.example", "duilian.example") == "xn--ee3al1u.xn--fsqu00a.example"


def test_records_are_looked_up_at_a_real_server(name_server: NameServer) -> None:
    name_server.records["_duilian.real.example"] = ["one", "two"]
    # Records of one name have no order (RFC 2181 §5).
    assert sorted(run(txt_records("_duilian.real.example", name_server.address))) == ["one", "two"]
    assert run(txt_records("_duilian.missing.example", name_server.address)) == []
    with pytest.raises(NameServersDown):
        run(txt_records("_duilian.real.example", "127.0.0.1:1"))


def at(stack: Stack, host: str, path: str) -> httpx.Response:
    """A call that came to us under another name."""
    headers = {"Host": host, "Accept": "text/html"}
    return httpx.get(stack.settings.public_url + path, headers=headers, trust_env=False)


def test_only_a_verified_domain_is_served_and_shows_candidates_pages_alone(
    stack: Stack, company: Starter, name_server: NameServer, alice: World
) -> None:
    domain = f"jobs.{company.slug}.example"
    name, value = claim(company, domain)
    other = alice.invite(locale="zh-CN")["token"]
    assert at(stack, "unknown.example", f"/t/{company.slug}/theme.css").status_code == 421
    name_server.records[name] = [value]
    assert check(company)
    assert at(stack, domain.upper() + ":443", f"/t/{company.slug}/theme.css").status_code == 200
    assert at(stack, domain, "/").headers["location"].endswith(f"/t/{company.slug}/sign-in")
    hidden = [
        "/console/sign-in",
        "/start",
        f"/t/{alice.slug}/theme.css",
        f"/t/{alice.slug}/i/{other}",
        "/api/v1/interviews",
    ]
    assert {at(stack, domain, path).status_code for path in hidden} == {404}
    assert at(stack, "127.0.0.1", "/console/sign-in").status_code == 200
    assert at(stack, "web", "/health").status_code == 200


def test_invitations_name_the_domain_once_that_is_wanted(stack: Stack, company: Starter) -> None:
    domain = f"jobs.{company.slug}.example"
    company.post("/console/setup/job", set="complaint")

    def link(address: str) -> str:
        people = f"林晓, {address}"
        page = company.post(
            "/console/invite", set="complaint", people=people, hours="48", locale="zh-CN"
        ).text
        [found] = set(re.findall(r"https?://[\w.:-]+/t/[\w./-]+/i/[\w-]+", html.unescape(page)))
        return found

    assert link("one@candidate.example").startswith(stack.settings.public_url)
    assert company.post(f"{DOMAIN}/links", wanted="1").status_code == 303
    named = link("two@candidate.example")
    assert urlsplit(named).hostname == domain
    page = at(stack, domain, urlsplit(named).path)
    assert page.status_code == 200 and "林晓" in page.text


def test_the_daily_look_is_patient_and_then_is_not(
    stack: Stack, company: Starter, name_server: NameServer
) -> None:
    domain = f"jobs.{company.slug}.example"
    name_server.records.pop(f"_duilian.{domain}")

    async def daily() -> str | None:
        database = open_database(stack.settings, open_keyring(stack.settings), 1)
        try:
            tenant_id = await find_tenant(database, company.slug)
            await checker(database, name_server.address)(tenant_id)
            return await slug_served_at(database, domain)
        finally:
            await database.close()

    assert [run(daily()) for _ in range(3)] == [company.slug, company.slug, None]
    assert company.post(f"{DOMAIN}/links", wanted="1").status_code == 422
