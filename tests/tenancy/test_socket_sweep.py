"""Every WebSocket × {nobody, other tenant, member without the right, other branch, consultant without grant, expired
key, another site's page}. An unlisted one fails."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from litestar import Litestar
from litestar.routes import WebSocketRoute
from sqlalchemy import func, select
from websockets.sync.client import ClientConnection

from duilian.infra.audit import AuditEntry
from duilian.infra.database import TenantSession
from duilian.platform.app import web
from duilian.platform.app.up import Stack
from duilian.tenants.policy import Feature
from duilian.tenants.policy_settings import forbid, unforbid
from inside import within
from outsiders import Outsiders, signed_in
from sockets import api_socket, candidate_socket, console_socket, refused, told
from world import World

CANDIDATE = "/api/v1/t/{slug:str}/interview/live"
CONSOLE = "/console/interviews/{interview_id:uuid}/live/feed"
API = "/api/v1/interviews/{interview_id:uuid}/live"
Open = Callable[[], ClientConnection]


def test_every_socket_is_in_the_table(stack: Stack) -> None:
    app: Litestar = web.build(stack.settings)
    served = {route.path for route in app.routes if isinstance(route, WebSocketRoute)}
    assert served == {CANDIDATE, CONSOLE, API}


@pytest.fixture(scope="module")
def target(alice: World) -> dict[str, str]:
    """Alice's interview, under way."""
    invitation = alice.invite(locale="zh-CN")
    api = alice.candidate(invitation)
    state = api.get("/").json()
    decisions = dict.fromkeys(state["consents"]["decisions"], True)
    api.put("/consents", json={"version": state["consents"]["version"], "decisions": decisions})
    api.post("/device-check", json={"camera": "ok", "microphone": "ok"})
    assert api.post("/start").json()["status"] == "in_progress"
    return {"token": invitation["token"], "interview": invitation["interview"]}


@pytest.fixture(scope="module")
def outsiders(alice: World, charlie: World) -> Outsiders:
    return Outsiders(alice, charlie)


def test_nobody_is_let_in(alice: World, target: dict[str, str]) -> None:
    assert refused(lambda: candidate_socket(alice, "AAAA"))
    assert refused(lambda: candidate_socket(alice, target["token"][:-2] + "AA"))
    assert refused(lambda: console_socket(alice, httpx.Client(), target["interview"]))
    assert refused(lambda: api_socket(alice, "", target["interview"]))
    assert refused(lambda: api_socket(alice, f"dl_{alice.slug}_nonsense", target["interview"]))


def test_another_tenant_sees_nothing(alice: World, charlie: World, target: dict[str, str]) -> None:
    assert refused(lambda: candidate_socket(alice, target["token"], charlie.slug)), (
        "Alice's token at Charlie's door"
    )
    assert refused(lambda: candidate_socket(alice, target["token"], "nobody-there"))
    client, _ = signed_in(charlie, "admin")
    assert refused(lambda: console_socket(charlie, client, target["interview"]))
    assert refused(lambda: api_socket(charlie, charlie.api_key, target["interview"]))


def test_a_member_without_the_right_is_refused(alice: World, target: dict[str, str]) -> None:
    client, _ = signed_in(alice, "billing_admin")
    assert refused(lambda: console_socket(alice, client, target["interview"]))
    assert refused(lambda: api_socket(alice, alice.weak_key, target["interview"]))


def test_another_branch_sees_nothing(outsiders: Outsiders, target: dict[str, str]) -> None:
    world = outsiders.world
    assert refused(lambda: console_socket(world, outsiders.branch, target["interview"]))
    assert refused(lambda: api_socket(world, outsiders.branch_key, target["interview"]))


def test_who_was_let_in_once_is_nobody_now(outsiders: Outsiders, target: dict[str, str]) -> None:
    world = outsiders.world
    assert refused(lambda: console_socket(world, outsiders.consultant, target["interview"]))
    assert refused(lambda: api_socket(world, outsiders.expired_key, target["interview"]))


def test_another_sites_page_cannot_use_the_cookie(alice: World, target: dict[str, str]) -> None:
    client, _ = signed_in(alice, "admin")
    for origin in ("https://evil.example", "null", ""):
        assert refused(lambda origin=origin: console_socket(alice, client, target["interview"], origin))


def test_the_right_person_is_let_in_and_recorded(alice: World, target: dict[str, str]) -> None:
    client, _ = signed_in(alice, "interviewer")

    async def watched(session: TenantSession) -> int:
        query = select(func.count()).select_from(AuditEntry).where(
            AuditEntry.action == "interview.watched", AuditEntry.subject_id == target["interview"]
        )  # fmt: skip
        return await session.scalar(query) or 0

    before = within(alice, watched)
    for open_it in (
        lambda: console_socket(alice, client, target["interview"]),
        lambda: api_socket(alice, alice.api_key, target["interview"]),
    ):
        with open_it() as socket:
            seen = told(socket, lambda message: True)
            assert seen["status"] == "in_progress" and len(seen["questions"]) == 5
    assert within(alice, watched) == before + 2, "refusals are no looks"
    with candidate_socket(alice, target["token"]) as socket:
        assert told(socket, lambda message: message["type"] == "may") == {
            "type": "may", "captions": True, "view": True,
        }  # fmt: skip


def test_rights_that_end_end_the_watching(alice: World, target: dict[str, str]) -> None:
    """Signed out, or the tenant forbids live views: the socket closes within seconds."""
    client = alice.console("interviewer")
    with console_socket(alice, client, target["interview"]) as socket:
        told(socket, lambda message: True)
        client.post("/console/sign-out")
        assert ended(socket) == 4401
    client, _ = signed_in(alice, "interviewer")
    with console_socket(alice, client, target["interview"]) as socket:
        told(socket, lambda message: True)
        within(alice, lambda session: forbid(session, Feature.LIVE_VIEW))
        try:
            assert ended(socket) == 4403
            assert refused(lambda: console_socket(alice, client, target["interview"]))
        finally:
            within(alice, lambda session: unforbid(session, Feature.LIVE_VIEW))


def ended(socket: ClientConnection) -> int:
    """The code with which the other side closes."""
    try:
        told(socket, lambda message: False, within=25)
    except Exception as error:
        received = getattr(error, "rcvd", None)
        assert received is not None, error
        return received.code
    raise AssertionError("it never closes")
