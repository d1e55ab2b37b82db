"""Every route and method × {nobody, other tenant, member without the right, member of another branch, member with it,
consultant without grant, expired API key}. An unlisted route fails."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from litestar import Litestar

from duilian.platform.app import web
from duilian.platform.app.up import Stack
from outsiders import Outsiders, csrf_of, signed_in
from route_table import OWN_ONLY, ROUTES, C
from routes import Route, call, entered, fill, identify, served
from world import TLS, World


@pytest.fixture(scope="module")
def app(stack: Stack) -> Litestar:
    return web.build(stack.settings)


def test_every_route_is_in_the_table(app: Litestar) -> None:
    assert served(app) == {(route.method, route.path) for route in ROUTES}


@pytest.fixture(scope="module")
def target(alice: World) -> dict[str, str]:
    """What a stolen address would name: Alice's invitation and interview."""
    invitation = alice.invite(locale="zh-CN")
    return {"slug": alice.slug, "token": invitation["token"], "interview_id": invitation["interview"]}


def holder_of(route: Route) -> str:
    """A role with the right: closing the account is the owner's alone."""
    return "owner" if route.path.startswith(C + "/closing") else "admin"


PRIVATE = [route for route in ROUTES if route.kind != "public"]
NAMING = [route for route in PRIVATE if route.path not in OWN_ONLY]
STAFF = [route for route in ROUTES if route.kind in ("key", "session")]


@pytest.fixture
def nobody(stack: Stack) -> Iterator[httpx.Client]:
    url = stack.settings.public_url
    with httpx.Client(base_url=url, timeout=30, trust_env=False, verify=TLS) as client:
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
    client, csrf = entered(alice, route, holder_of(route), names)
    assert call(client, route, fill(route, names), csrf) in route.ok


@pytest.mark.parametrize(
    "route",
    [r for r in ROUTES if r.kind in ("session", "member") and r.method == "POST"],
    ids=lambda r: identify(r.path),
)
def test_console_commands_need_the_forms_token(alice: World, target: dict[str, str], route: Route) -> None:
    client, _ = entered(alice, route, holder_of(route), target)
    assert call(client, route, fill(route, target), "forged") == 403


@pytest.fixture(scope="module")
def outsiders(alice: World, charlie: World) -> Outsiders:
    return Outsiders(alice, charlie)


@pytest.mark.parametrize(
    "route", [r for r in STAFF if r.path not in OWN_ONLY], ids=lambda r: f"{r.method} {identify(r.path)}"
)
def test_another_branch_sees_nothing(outsiders: Outsiders, target: dict[str, str], route: Route) -> None:
    """Every right in the own branch, and identifiers of the headquarters."""
    client = outsiders.world.api(outsiders.branch_key) if route.kind == "key" else outsiders.branch
    csrf = csrf_of(client) if route.kind == "session" else ""
    assert call(client, route, fill(route, target), csrf) in (403, 404)


@pytest.mark.parametrize(
    "route",
    [r for r in STAFF if r.path in OWN_ONLY and r.method == "GET"],
    ids=lambda r: f"{r.method} {identify(r.path)}",
)
def test_lists_of_another_branch_hold_nobody(outsiders: Outsiders, alice: World, route: Route) -> None:
    person = alice.invite(name="总部独有的人", locale="zh-CN")
    client = outsiders.world.api(outsiders.branch_key) if route.kind == "key" else outsiders.branch
    answer = client.get(route.path)
    assert answer.status_code in (200, 403)
    assert "总部独有的人" not in answer.text and person["interview"] not in answer.text


@pytest.mark.parametrize(
    "route", [r for r in STAFF if r.kind == "session"], ids=lambda r: f"{r.method} {identify(r.path)}"
)
def test_a_consultant_without_a_grant_is_nobody(
    outsiders: Outsiders, target: dict[str, str], route: Route
) -> None:
    assert call(outsiders.consultant, route, fill(route, target), "any") == 401


@pytest.mark.parametrize(
    "route", [r for r in STAFF if r.kind == "key"], ids=lambda r: f"{r.method} {identify(r.path)}"
)
def test_an_expired_key_opens_nothing(outsiders: Outsiders, target: dict[str, str], route: Route) -> None:
    client = outsiders.world.api(outsiders.expired_key)
    assert call(client, route, fill(route, target)) == 401


def test_methods_that_no_route_serves_are_refused(
    app: Litestar, alice: World, target: dict[str, str]
) -> None:
    """By whoever: the methods that the table does not name do not exist."""
    known = served(app)
    client, csrf = signed_in(alice, "admin")
    for path in {route.path for route in ROUTES}:
        route = next(route for route in ROUTES if route.path == path)
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            if (method, path) not in known:
                answer = client.request(method, fill(route, target), data={"csrf": csrf})
                assert answer.status_code in (404, 405), f"{method} {path}: {answer.status_code}"


def test_there_is_no_other_way_in(app: Litestar) -> None:
    """Sockets have a table of their own (test_socket_sweep.py); an application mounted below ours would need one too."""
    kinds = {type(route).__name__ for route in app.routes if not route.path_format.startswith("/api/docs")}
    assert kinds == {"HTTPRoute", "WebSocketRoute"}
