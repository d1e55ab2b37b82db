"""The console over HTTP: signing in, inviting, deciding, overriding; what is refused and what stays."""

from __future__ import annotations

import html
import re
import secrets
import time
from pathlib import Path

import httpx
import pytest
import yaml

from browsing import browser
from duilian.platform.app.candidate_client import Candidate
from duilian.platform.app.up import Stack
from world import PASSWORD, World, open_world, run

ANSWERS = Path(__file__).parents[1] / "fixtures" / "answers" / "complaint" / "strong" / "zh.yaml"


def csrf_of(client: httpx.Client, path: str = "/console/invite") -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', client.get(path).text)
    assert found, "the page carries the form's token"
    return found[1]


@pytest.fixture(scope="module")
def shop(stack: Stack) -> World:
    return open_world(stack.settings)


@pytest.fixture(scope="module")
def admin(shop: World) -> httpx.Client:
    return shop.console()


@pytest.fixture(scope="module")
def reported(shop: World) -> str:
    """An interview with a report: the first question in writing, the rest left out."""
    invitation = shop.invite(locale="zh-CN")
    answer_in_writing(shop, invitation, yaml.safe_load(ANSWERS.read_text("utf-8"))["intro"])
    wait_for_report(shop, invitation["interview"])
    return invitation["interview"]


def answer_in_writing(world: World, invitation: dict[str, str], text: str) -> None:
    async def answer() -> None:
        async with Candidate(world.url, world.slug, invitation["token"]) as candidate:
            await candidate.begin()
            await candidate.open("intro")
            await candidate.write("intro", text)
            await candidate.submit()

    run(answer())


def wait_for_report(world: World, interview: str, seconds: float = 90) -> dict[str, object]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = world.api().get(f"/api/v1/interviews/{interview}/report")
        if answer.status_code == 200:
            return answer.json()
        time.sleep(0.3)
    raise AssertionError(answer.text)


def test_wrong_password_and_unknown_address_look_the_same(shop: World) -> None:
    pages: list[str] = []
    for email in (f"admin@{shop.slug}.example", "stranger@nowhere.example"):
        client = browser(shop.url, headers={"Accept": "text/html"})
        form = {"tenant": shop.slug, "email": email, "password": "wrong password", "lang": "en"}
        answer = client.post("/console/sign-in", data=form)
        assert answer.status_code == 401
        assert not answer.cookies
        pages.append(answer.text.replace(email, ""))
    assert pages[0] == pages[1]


def test_sign_in_is_throttled(stack: Stack) -> None:
    world = open_world(stack.settings)
    client = browser(world.url, headers={"Accept": "text/html"})
    form = {
        "tenant": world.slug,
        "email": f"admin@{world.slug}.example",
        "password": "wrong password",
        "lang": "en",
    }
    statuses = [client.post("/console/sign-in", data=form).status_code for _ in range(9)]
    assert statuses == [401] * 8 + [429]
    right = form | {"password": PASSWORD}
    assert client.post("/console/sign-in", data=right).status_code == 429, "the right password waits too"


def test_session_ends_with_signing_out(shop: World) -> None:
    client = shop.console()
    cookie = client.cookies["duilian_session"]
    assert client.get("/console").status_code == 200
    client.post("/console/sign-out")
    stolen = browser(shop.url, cookies={"duilian_session": cookie})
    assert stolen.get("/console").status_code == 401


def test_cookie_is_closed_to_scripts_and_other_sites(shop: World) -> None:
    client = browser(shop.url)
    form = {"tenant": shop.slug, "email": f"admin@{shop.slug}.example", "password": PASSWORD}
    header = client.post("/console/sign-in", data=form).headers["set-cookie"].lower()
    assert "httponly" in header
    assert "samesite=lax" in header


def test_a_list_is_invited_and_bad_rows_are_told_one_by_one(shop: World, admin: httpx.Client) -> None:
    tag = secrets.token_hex(4)
    people = "\n".join(
        [
            "姓名,邮箱",
            f"王芳,{tag}-1@candidate.example",
            f"{tag}-2@candidate.example\t李雷",
            "没有邮箱",
            f"王芳,{tag}-1@candidate.example",
            f",{tag}-3@candidate.example",
        ]
    )
    form = {"csrf": csrf_of(admin), "set": "complaint", "locale": "zh-CN", "hours": "48", "people": people}
    page = html.unescape(admin.post("/console/invite", data=form).text)
    links = set(re.findall(rf"{re.escape(shop.url)}/t/{shop.slug}/i/[\w-]+", page))
    assert len(links) == 2
    for row in (4, 5, 6):
        assert f"第 {row} 行" in page or f"Row {row}" in page
    box = re.search(r"<textarea[^>]*>(.*?)</textarea>", page, re.DOTALL)
    assert box
    assert "没有邮箱" in box[1]
    assert f"{tag}-2@" not in box[1], "only refused rows stay to be mended"


def test_report_page_shows_quotes_and_the_api_agrees(shop: World, admin: httpx.Client, reported: str) -> None:
    report = wait_for_report(shop, reported)
    page = html.unescape(admin.get(f"/console/interviews/{reported}").text)
    quotes = [e["quote"] for c in report["competencies"] for e in c["evidence"]]
    assert quotes
    plain = re.sub(r"<[^>]+>|\s", "", page)
    for quote in quotes:
        assert re.sub(r"\s", "", quote) in plain


def test_decision_needs_a_reason_and_is_kept(shop: World, admin: httpx.Client, reported: str) -> None:
    csrf, path = csrf_of(admin), f"/console/interviews/{reported}/decision"
    assert admin.post(path, data={"csrf": csrf, "outcome": "advance", "reason": " "}).status_code == 422
    assert admin.post(path, data={"csrf": csrf, "outcome": "hire", "reason": "good"}).status_code == 400
    assert (
        admin.post(path, data={"csrf": csrf, "outcome": "hold", "reason": "等第二位面试官的意见"}).status_code
        == 303
    )
    assert (
        admin.post(
            path, data={"csrf": csrf, "outcome": "advance", "reason": "案例具体，善后到位"}
        ).status_code
        == 303
    )
    page = admin.get(f"/console/interviews/{reported}").text
    assert "等第二位面试官的意见" in page
    assert "案例具体，善后到位" in page


def test_override_keeps_both_scores(shop: World, admin: httpx.Client, reported: str) -> None:
    before = wait_for_report(shop, reported)
    competency = next(c for c in before["competencies"] if c["outcome"] == "scored")
    form = {"csrf": csrf_of(admin), "competency": competency["key"], "level": "5", "reason": "现场表现更好"}
    path = f"/console/interviews/{reported}/override"
    assert admin.post(path, data=form | {"level": "6"}).status_code == 422
    assert admin.post(path, data=form | {"competency": "charm"}).status_code == 404
    assert admin.post(path, data=form).status_code == 303
    page = admin.get(f"/console/interviews/{reported}").text
    assert "现场表现更好" in page
    assert str(competency["score"]) in page
    assert "10.0" in page or ">10<" in page
    assert wait_for_report(shop, reported)["sha256"] == before["sha256"], "the AI's report is not touched"


def test_reinviting_opens_a_new_interview(shop: World, admin: httpx.Client, reported: str) -> None:
    form = {"csrf": csrf_of(admin), "outcome": "reinvite", "reason": "录音效果不好"}
    answer = admin.post(f"/console/interviews/{reported}/decision", data=form)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/console/invitations/")
    assert shop.url in admin.get(answer.headers["location"]).text


def test_program_cannot_decide(shop: World, reported: str) -> None:
    """There is no route for it, and an API key opens no console."""
    answer = shop.api().post(
        f"/console/interviews/{reported}/decision", data={"outcome": "reject", "reason": "x" * 9}
    )
    assert answer.status_code == 401


def test_interviewer_reads_and_does_not_decide(shop: World, reported: str) -> None:
    client = shop.console("interviewer")
    assert client.get(f"/console/interviews/{reported}").status_code == 200
    form = {"outcome": "reject", "reason": "不合适", "csrf": "0" * 64}
    assert client.post(f"/console/interviews/{reported}/decision", data=form).status_code == 403


@pytest.mark.parametrize(
    "query", ["status=to_review", "q=%25", "q=nobody-at-all", "set=complaint&page=9", "status=bad"]
)
def test_filters_live_in_the_address(admin: httpx.Client, query: str) -> None:
    assert admin.get(f"/console/interviews?{query}").status_code == 200


def test_feedback_has_words_and_no_numbers(shop: World) -> None:
    """What the candidate reads holds no score, no level, no rank."""
    invitation = shop.invite(locale="zh-CN")
    text = yaml.safe_load(ANSWERS.read_text("utf-8"))["intro"]
    candidate = shop.candidate(invitation)
    assert candidate.get("/feedback").status_code == 404
    answer_in_writing(shop, invitation, text)
    wait_for_report(shop, invitation["interview"])
    feedback = candidate.get("/feedback").json()
    assert feedback["strengths"][0]["quote"] in text
    assert not {"score", "level", "total", "rank", "standard_error"} & set(
        str(feedback).replace("'", " ").split()
    )


def test_errors_are_pages_for_people(shop: World, admin: httpx.Client) -> None:
    answer = admin.get("/console/interviews/00000000-0000-7000-8000-000000000000")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "Traceback" not in answer.text
    signed_out = httpx.get(f"{shop.url}/console", headers={"Accept": "text/html"}, trust_env=False)
    assert (signed_out.status_code, signed_out.headers["location"]) == (303, "/console/sign-in")


def test_pages_carry_the_security_headers(admin: httpx.Client, shop: World) -> None:
    for path in ("/console", "/", f"/t/{shop.slug}/i/none"):
        headers = admin.get(path).headers
        assert "unsafe-inline" not in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"
