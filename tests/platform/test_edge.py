"""What holds for every answer: headers, cookies, callers behind proxies, rate limits. One application in this process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import msgspec
import pytest
from litestar import Litestar

from duilian.infra.limits import Buckets
from duilian.infra.settings import Settings, WrongSetting
from duilian.platform.app.up import Stack
from duilian.platform.app.web import armoured, build
from duilian.platform.web.limits import Limits
from world import PASSWORD, World

Open = Callable[..., httpx.AsyncClient]


class Standing:
    """A clock that a test moves."""

    at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture(scope="module")
def app(stack: Stack) -> Litestar:
    return build(stack.settings)


@pytest.fixture
def clock() -> Standing:
    return Standing()


@pytest.fixture
def browse(stack: Stack, app: Litestar, clock: Standing) -> Open:
    """A client of the application under other settings, calling from `peer`."""

    def open_client(
        peer: str = "127.0.0.1", headers: dict[str, str] | None = None, **changes: Any
    ) -> httpx.AsyncClient:
        settings = msgspec.structs.replace(stack.settings, **changes)
        app.state.limits = Limits(settings, clock)
        transport = httpx.ASGITransport(armoured(app, settings), client=(peer, 50_000))  # pyright: ignore[reportArgumentType]
        return httpx.AsyncClient(
            transport=transport, base_url=settings.public_url, headers=headers, trust_env=False
        )

    return open_client


HTTPS = {"public_url": "https://interviews.example"}


@pytest.mark.parametrize(
    "path", ["/", "/console/sign-in", "/nowhere", "/api/v1/interviews", "/static/none.js"]
)
async def test_every_answer_carries_the_headers(browse: Open, path: str) -> None:
    answer = await browse(**HTTPS).get(path)
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy and "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert answer.headers["strict-transport-security"].startswith("max-age=31536000")
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_plain_http_promises_no_https(browse: Open) -> None:
    assert "strict-transport-security" not in (await browse().get("/")).headers


async def sign_in(client: httpx.AsyncClient, world: World) -> httpx.Response:
    form = {"tenant": world.slug, "email": f"admin@{world.slug}.example", "password": PASSWORD, "lang": "en"}
    return await client.post("/console/sign-in", data=form)


async def test_cookies_over_https_are_for_this_host_alone(browse: Open, alice: World) -> None:
    client = browse(**HTTPS)
    answer = await sign_in(client, alice)
    assert answer.status_code == 303
    [cookie] = [c for c in answer.headers.get_list("set-cookie") if "session" in c]
    assert cookie.startswith("__Host-duilian_session=")
    attributes = [part.strip().lower() for part in cookie.split(";")[1:]]
    assert {"path=/", "secure", "httponly", "samesite=lax"} <= set(attributes)
    assert not any(part.startswith("domain") for part in attributes)
    assert (await client.get("/console")).status_code == 200
    assert (await client.post("/console/sign-out")).status_code == 303
    assert not client.cookies, "the end of the session is sent in a form that browsers accept"


async def test_cookie_that_a_neighbour_planted_is_not_seen(browse: Open, alice: World) -> None:
    client = browse(**HTTPS)
    await sign_in(client, alice)
    value = client.cookies["__Host-duilian_session"]
    planted = browse(headers={"Cookie": f"duilian_session={value}"}, **HTTPS)
    assert (await planted.get("/console")).status_code == 401


async def test_person_is_told_to_wait_and_may_go_on_then(browse: Open, clock: Standing, alice: World) -> None:
    client = browse(headers={"Authorization": f"Bearer {alice.api_key}"}, limit_person=3)
    for left in (2, 1, 0):
        answer = await client.get("/api/v1/question-sets")
        assert answer.status_code == 200
        assert f'"person";r={left};t=' in answer.headers["ratelimit"]
    refused = await client.get("/api/v1/question-sets", headers={"Accept-Language": "en"})
    assert refused.status_code == 429
    assert refused.headers["content-type"] == "application/problem+json"
    assert (refused.json()["code"], refused.json()["policy"]) == ("too-many-requests", "person")
    assert "content-security-policy" in refused.headers
    clock.at += int(refused.headers["retry-after"])
    assert (await client.get("/api/v1/question-sets")).status_code == 200
    assert '"person";q=3;w=60' in answer.headers["ratelimit-policy"]


async def test_people_get_a_page_when_they_are_refused(browse: Open) -> None:
    client = browse(headers={"Accept": "text/html", "Accept-Language": "en"}, limit_network=1)
    await client.get("/")
    refused = await client.get("/")
    assert refused.status_code == 429
    assert "Please try again in 60 seconds" in refused.text


async def test_another_person_at_the_same_address_goes_on(browse: Open, alice: World) -> None:
    client = browse(limit_person=1)
    for key, status in (
        (alice.api_key, 200),
        (alice.api_key, 429),
        (alice.weak_key, 403),
        (alice.weak_key, 429),
    ):
        headers = {"Authorization": f"Bearer {key}"}
        assert (await client.get("/api/v1/question-sets", headers=headers)).status_code == status


async def test_link_counts_as_one_person_in_pages_and_api(browse: Open, alice: World) -> None:
    token = alice.invite()["token"]
    client = browse(limit_person=1)
    assert (await client.get(f"/t/{alice.slug}/i/{token}")).status_code == 200
    headers = {"Authorization": f"Bearer {token}"}
    assert (await client.get(f"/api/v1/t/{alice.slug}/interview", headers=headers)).status_code == 429


async def test_tenants_share_is_its_own_and_strangers_take_none_of_it(
    browse: Open, alice: World, charlie: World
) -> None:
    client = browse(limit_tenant=2)
    forged = [f"dl_{alice.slug}_{n}" for n in range(5)]
    for key, status in [
        *((k, 401) for k in forged),
        *((alice.api_key, s) for s in (200, 200, 429)),
        (charlie.api_key, 200),
    ]:
        headers = {"Authorization": f"Bearer {key}"}
        assert (await client.get("/api/v1/question-sets", headers=headers)).status_code == status


async def test_address_behind_our_proxy_is_the_callers(browse: Open) -> None:
    options = {"trusted_proxies": "10.0.0.0/8", "limit_network": 1}
    client = browse(peer="10.1.1.1", **options)
    for forwarded, status in (
        ("198.51.100.1", 200), ("198.51.100.2", 200), ("198.51.100.1", 429),
        ("198.51.100.9, 198.51.100.1, 10.2.2.2", 429),  # what stands before our proxies' word is the caller's own
        ("2001:db8:1:1::1", 200), ("2001:db8:1:1::2", 429), ("2001:db8:1:2::1", 200),
    ):  # fmt: skip
        assert (await client.get("/", headers={"X-Forwarded-For": forwarded})).status_code == status, (
            forwarded
        )


async def test_strangers_cannot_choose_their_address(browse: Open) -> None:
    client = browse(peer="203.0.113.5", trusted_proxies="10.0.0.0/8", limit_network=1)
    answers = [await client.get("/", headers={"X-Forwarded-For": f"198.51.100.{n}"}) for n in range(3)]
    assert [answer.status_code for answer in answers] == [200, 429, 429]


def test_wrong_proxies_stop_the_start(app: Litestar, stack: Stack) -> None:
    with pytest.raises(WrongSetting, match="TRUSTED_PROXIES"):
        armoured(app, msgspec.structs.replace(stack.settings, trusted_proxies="10.0.0.0/8, nowhere"))


def test_limits_leave_room_for_fifty_candidates_behind_one_address() -> None:
    """A chunk a second each, and after an outage of a minute all that waited on top, for ten minutes."""
    settings = Settings()
    network, person = Buckets("n", settings.limit_network), Buckets("p", settings.limit_person)
    for second in range(600):
        calls = 2 if second % 120 < 60 else 0
        for candidate in range(50):
            for call in range(calls):
                at = second + (candidate * calls + call) / 200
                assert network.take("nat", at).allowed
                assert person.take(str(candidate), at).allowed
