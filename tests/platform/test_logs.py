"""What the processes write down: no password, token, key, name, address or word of an answer, whatever happened."""

from __future__ import annotations

import secrets
import time

import httpx

from browsing import browser
from duilian.platform.app.candidate_client import Candidate
from duilian.platform.app.up import Stack
from otlp import Received
from playing import report_of
from world import PASSWORD, World, open_world, run

WORDS = "我在服务台工作了八年，去年有位顾客投诉牛奶过期，我马上道歉并且当场退款，晚上又打电话回访，他很满意。暗号{}"


def test_secrets_and_people_are_in_no_log(stack: Stack, telemetry_of_stack: Received) -> None:
    """Through sign-in, invitation, interview and report, and with each of them in the wrong place too."""
    world = open_world(stack.settings)
    name, email, word, wrong = (f"zq{secrets.token_hex(6)}" for _ in range(4))
    invitation = world.invite(name=f"林{name}", email=f"{email}@candidate.example", locale="zh-CN")
    run(answer(world, invitation["token"], WORDS.format(word)))
    report_of(world, invitation["interview"])
    session = world.console("owner").cookies["duilian_session"]
    misplace(
        world, [name, f"{email}@candidate.example", word, wrong, PASSWORD, invitation["token"], world.api_key]
    )
    settings = stack.settings
    told = [
        name, email, word, wrong, PASSWORD, invitation["token"], world.api_key, session.partition(".")[2],
        settings.serving_token, settings.s3_secret_key, password_of(settings.database_url),
        password_of(settings.database_owner_url),
    ]  # fmt: skip
    time.sleep(3)  # the last batch of telemetry
    written = {path.name: path.read_bytes() for path in (settings.data_dir / "logs").glob("*.log*")}
    assert {"web.log", "worker.log", "serving.log"} <= set(written)
    written["telemetry"] = b"".join(telemetry_of_stack.raw)
    found = [
        (place, secret) for place, content in written.items() for secret in told if secret.encode() in content
    ]
    assert not found


async def answer(world: World, token: str, words: str) -> None:
    async with Candidate(world.url, world.slug, token) as candidate:
        await candidate.begin()
        await candidate.open("intro")
        await candidate.write("intro", words)
        await candidate.submit()


def misplace(world: World, secrets_and_people: list[str]) -> None:
    """Each as a path, a query, a header, a form, a body that is no JSON, a password."""
    with browser(world.url) as client:
        for value in secrets_and_people:
            quoted = httpx.QueryParams({"q": value})
            for answer in (
                client.get(f"/t/{world.slug}/i/{quoted['q']}"),
                client.get(f"/console/interviews?{quoted}"),
                client.get(
                    "/api/v1/interviews", headers={"Authorization": f"Bearer x{value.encode().hex()}"}
                ),
                client.post("/api/v1/invitations", json={"name": value}, headers=bearer(world)),
                client.post(
                    "/api/v1/invitations", content=f"{{{value}".encode(), headers=bearer(world) | JSON
                ),
                client.post("/api/v1/invitations", json=body(value + "\0"), headers=bearer(world)),
                client.post(
                    f"/t/{world.slug}/sign-in", data={"email": value, "password": value, "tenant": world.slug}
                ),
            ):
                assert answer.status_code < 500, answer.text


JSON = {"Content-Type": "application/json"}


def bearer(world: World) -> dict[str, str]:
    return {"Authorization": f"Bearer {world.api_key}"}


def body(value: str) -> dict[str, str]:
    return {"name": value, "email": "x@y.example", "question_set": value}


def password_of(url: str) -> str:
    return url.partition("://")[2].partition("@")[0].partition(":")[2]
