"""Every route × {nobody, other tenant, member without the right, member with it}. An unlisted route fails."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest
from litestar import Litestar

from duilian.platform.app import web
from duilian.platform.app.up import Stack
from world import World


@dataclass(frozen=True)
class Route:
    """kind: "public", "link" (invitation token), "key" (API key), "session" (console). ok: statuses when allowed."""

    method: str
    path: str
    kind: str
    ok: tuple[int, ...]
    body: dict[str, Any] | None = None
    form: dict[str, str] | None = None


I, T = "/t/{slug:str}/i/{token:str}", "/api/v1/t/{slug:str}/interview"  # noqa: E741
Q, C, A = T + "/questions/{key:str}", "/console", "/api/v1"
TAKE = Q + "/takes/{number:int}"
ROUTES = [
    Route("GET", "/", "public", (200,)),
    Route("GET", "/health", "public", (200,)),
    Route("GET", "/health/probe", "public", (200,)),
    Route("GET", "/static/{file_path:path}", "public", (200, 404)),
    Route("GET", "/t/{slug:str}/theme.css", "public", (200,)),
    Route("GET", "/console/sign-in", "public", (200,)),
    Route("POST", "/console/sign-in", "public", (401,), form={"tenant": "x", "email": "x", "password": "x"}),
    Route("POST", "/console/sign-out", "public", (303,), form={}),
    Route("GET", I, "link", (200,)),
    Route("POST", I + "/locale", "link", (303,), form={"locale": "zh-CN"}),
    Route("GET", I + "/consent", "link", (200, 303)),
    Route("POST", I + "/consent", "link", (200, 303), form={}),
    Route("POST", I + "/person", "link", (303,), form={}),
    Route("GET", I + "/device", "link", (200, 303)),
    Route("GET", I + "/practice", "link", (200, 303)),
    Route("GET", I + "/begin", "link", (200, 303)),
    Route("POST", I + "/begin", "link", (303, 409), form={}),
    Route("GET", I + "/next", "link", (200, 303)),
    Route("GET", I + "/question/{key:str}", "link", (200, 303)),
    Route("GET", I + "/overview", "link", (200, 303)),
    Route("POST", I + "/submit", "link", (303, 409), form={}),
    Route("GET", I + "/feedback", "link", (200,)),
    Route("GET", T, "token", (200,)),
    Route("PUT", T + "/consents", "token", (400, 409), body={"version": "old", "decisions": {}}),
    Route("POST", T + "/device-check", "token", (201, 409), body={"camera": "ok", "microphone": "ok"}),
    Route("POST", T + "/start", "token", (200, 409), body={}),
    Route("POST", Q + "/open", "token", (409,), body={}),
    Route("POST", Q + "/takes", "token", (409,), body={"mode": "audio", "content_type": "audio/webm"}),
    Route("GET", TAKE, "token", (404,)),
    Route("POST", TAKE + "/segments", "token", (409,), body={"content_type": "audio/webm"}),
    Route("PUT", TAKE + "/segments/{segment:int}/chunks/{seq:int}", "token", (409,)),
    Route("POST", TAKE + "/finish", "token", (409,), body={"segments": []}),
    Route("PUT", Q + "/text", "token", (409,), body={"text": "x"}),
    Route("POST", T + "/submit", "token", (409,), body={}),
    Route("POST", T + "/human-route", "token", (200,), body={}),
    Route("GET", T + "/feedback", "token", (404,)),
    Route(
        "POST",
        A + "/invitations",
        "key",
        (404,),
        body={"name": "x", "email": "x@y.example", "question_set": "none"},
    ),
    Route("GET", A + "/interviews", "key", (200,)),
    Route("GET", A + "/interviews/{interview_id:uuid}", "key", (200,)),
    Route("GET", A + "/interviews/{interview_id:uuid}/report", "key", (404,)),
    Route("GET", A + "/interviews/{interview_id:uuid}/report.pdf", "key", (404,)),
    Route("GET", A + "/interviews/{interview_id:uuid}/answers/{key:str}/media", "key", (404,)),
    Route("GET", A + "/question-sets", "key", (200,)),
    Route("GET", C, "session", (200,)),
    Route("GET", C + "/interviews", "session", (200,)),
    Route("GET", C + "/invite", "session", (200,)),
    Route("POST", C + "/invite", "session", (404,), form={"set": "none"}),
    Route("GET", C + "/invitations/{invitation_id:uuid}", "session", (404,)),
    Route("GET", C + "/interviews/{interview_id:uuid}", "session", (200,)),
    Route("GET", C + "/interviews/{interview_id:uuid}/progress", "session", (200,)),
    Route("GET", C + "/interviews/{interview_id:uuid}/report.pdf", "session", (404,)),
    Route("GET", C + "/interviews/{interview_id:uuid}/answers/{key:str}/media", "session", (404,)),
    Route(
        "POST",
        C + "/interviews/{interview_id:uuid}/decision",
        "session",
        (409, 422),
        form={"outcome": "hold"},
    ),
    Route("POST", C + "/interviews/{interview_id:uuid}/override", "session", (404, 422), form={"level": "3"}),
    Route("GET", C + "/question-sets", "session", (200,)),
    Route("GET", C + "/question-sets/{key:str}", "session", (404,)),
    Route("GET", C + "/failures", "session", (200,)),
    Route("POST", C + "/failures/{job_id:int}/replay", "session", (404,), form={}),
    Route("POST", C + "/locale", "session", (303,), form={"locale": "en"}),
]
# Their address names no row: each tenant sees its own. What they list is checked by test_row_level_security.
OWN_ONLY = {C, C + "/interviews", C + "/invite", C + "/question-sets", C + "/failures", C + "/locale", A + "/interviews",
            A + "/question-sets", A + "/invitations"}  # fmt: skip


@pytest.fixture(scope="module")
def app(stack: Stack) -> Litestar:
    return web.build(stack.settings)


def served(app: Litestar) -> set[tuple[str, str]]:
    """(method, path template) of every route, without those the framework adds."""
    found: set[tuple[str, str]] = set()
    for route in app.routes:
        if route.path_format.startswith("/api/docs"):
            continue
        methods = getattr(route, "methods", {"GET"})
        path = route.path.rstrip("/") or "/"
        found |= {(method, path) for method in methods if method not in ("OPTIONS", "HEAD")}
    return found


def test_every_route_is_in_the_table(app: Litestar) -> None:
    assert served(app) == {(route.method, route.path) for route in ROUTES}


@pytest.fixture(scope="module")
def target(alice: World) -> dict[str, str]:
    """What a stolen address would name: Alice's invitation and interview."""
    invitation = alice.invite(locale="zh-CN")
    return {"slug": alice.slug, "token": invitation["token"], "interview_id": invitation["interview"]}


def fill(route: Route, names: dict[str, str]) -> str:
    values = {
        "slug:str": names["slug"], "token:str": names["token"], "interview_id:uuid": names["interview_id"],
        "invitation_id:uuid": str(UUID(int=1)), "key:str": "intro", "number:int": "1", "segment:int": "0",
        "seq:int": "0", "job_id:int": "1", "file_path:path": "none.txt",
    }  # fmt: skip
    path = route.path
    for name, value in values.items():
        path = path.replace("{" + name + "}", value)
    return path


def call(client: httpx.Client, route: Route, path: str, csrf: str = "") -> int:
    if route.form is not None:
        answer = client.request(route.method, path, data=route.form | ({"csrf": csrf} if csrf else {}))
    elif route.body is not None:
        answer = client.request(route.method, path, json=route.body)
    else:
        content = b"x" if route.method == "PUT" else None
        answer = client.request(route.method, path, content=content)
    assert answer.status_code < 500, f"{route.method} {path}: {answer.text[:300]}"
    return answer.status_code


def identify(path: str) -> str:
    return path.replace("/", " ").strip() or "root"


PRIVATE = [route for route in ROUTES if route.kind != "public"]
NAMING = [route for route in PRIVATE if route.path not in OWN_ONLY]
STAFF = [route for route in ROUTES if route.kind in ("key", "session")]


@pytest.fixture
def nobody(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.settings.public_url, timeout=30, trust_env=False) as client:
        yield client


@pytest.mark.parametrize("route", PRIVATE, ids=lambda r: f"{r.method} {identify(r.path)}")
def test_nobody_is_let_in(nobody: httpx.Client, target: dict[str, str], route: Route) -> None:
    names = target | {"token": "AAAA"} if route.kind == "link" else target
    assert call(nobody, route, fill(route, names)) in (401, 404)


@pytest.mark.parametrize("route", NAMING, ids=lambda r: f"{r.method} {identify(r.path)}")
def test_another_tenant_sees_nothing(charlie: World, target: dict[str, str], route: Route) -> None:
    """Charlie has every right in his own tenant, and Alice's identifiers."""
    client, csrf = entered(charlie, route, "admin", target)
    names = target
    if route.kind in ("link", "token"):
        # Alice's token at Charlie's door.
        names = target | {"slug": charlie.slug}
    assert call(client, route, fill(route, names), csrf) == 404


@pytest.mark.parametrize("route", STAFF, ids=lambda r: f"{r.method} {identify(r.path)}")
def test_member_without_the_right_is_refused(alice: World, target: dict[str, str], route: Route) -> None:
    client, csrf = entered(alice, route, "billing_admin", target)
    assert call(client, route, fill(route, target), csrf) == 403


@pytest.mark.parametrize("route", ROUTES, ids=lambda r: f"{r.method} {identify(r.path)}")
def test_the_right_person_is_let_in(alice: World, route: Route) -> None:
    """Each with an invitation of its own, since some commands end it."""
    invitation = alice.invite(locale="zh-CN")
    names = {"slug": alice.slug, "token": invitation["token"], "interview_id": invitation["interview"]}
    client, csrf = entered(alice, route, "admin", names)
    assert call(client, route, fill(route, names), csrf) in route.ok


@pytest.mark.parametrize(
    "route", [r for r in STAFF if r.kind == "session" and r.method == "POST"], ids=lambda r: identify(r.path)
)
def test_console_commands_need_the_forms_token(alice: World, target: dict[str, str], route: Route) -> None:
    client, _ = entered(alice, route, "admin", target)
    assert call(client, route, fill(route, target), "forged") == 403


SIGNED_IN: dict[tuple[str, str], tuple[httpx.Client, str]] = {}


def entered(world: World, route: Route, role: str, names: dict[str, str]) -> tuple[httpx.Client, str]:
    """A client with the credentials the route asks for, and the form's token."""
    if route.kind == "session":
        return signed_in(world, role)
    if route.kind == "key":
        return world.api(world.weak_key if role == "billing_admin" else None), ""
    if route.kind == "token":
        headers = {"Authorization": f"Bearer {names['token']}"}
        return httpx.Client(base_url=world.url, headers=headers, timeout=30, trust_env=False), ""
    return httpx.Client(base_url=world.url, timeout=30, trust_env=False), ""


def signed_in(world: World, role: str) -> tuple[httpx.Client, str]:
    if (world.slug, role) not in SIGNED_IN:
        from duilian.tenants.signin import csrf_token

        client = world.console(role)
        secret = client.cookies["duilian_session"].partition(".")[2]
        SIGNED_IN[world.slug, role] = client, csrf_token(secret)
    return SIGNED_IN[world.slug, role]
