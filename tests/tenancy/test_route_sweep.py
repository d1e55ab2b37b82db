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
from routes import Route, call, entered, fill, identify, served
from world import World

I, T = "/t/{slug:str}/i/{token:str}", "/api/v1/t/{slug:str}/interview"  # noqa: E741
Q, C, A = T + "/questions/{key:str}", "/console", "/api/v1"
TAKE = Q + "/takes/{number:int}"
S = "/t/{slug:str}/sign-in"
ROUTES = [
    Route("GET", "/", "public", (200,)),
    Route("GET", "/health", "public", (200,)),
    Route("GET", "/health/probe", "public", (200,)),
    Route("GET", "/static/{file_path:path}", "public", (200, 404)),
    Route("GET", "/t/{slug:str}/theme.css", "public", (200,)),
    Route("GET", "/console/sign-in", "public", (200,)),
    Route("POST", "/console/sign-in", "public", (401,), form={"tenant": "x", "email": "x", "password": "x"}),
    Route("POST", "/console/sign-out", "public", (303,), form={}),
    Route("GET", S, "public", (200,)),
    Route("POST", S, "public", (401,), form={"email": "x", "password": "x"}),
    Route("GET", S + "/sso", "public", (404,)),
    Route("GET", S + "/sso/callback", "public", (400,)),
    Route("GET", "/console/sign-in/code", "public", (303,)),
    Route("POST", "/console/sign-in/code", "public", (401,), form={"code": "123456"}),
    Route("GET", "/console/sign-in/enrol", "public", (303,)),
    Route("POST", "/console/sign-in/enrol", "public", (401,), form={"code": "123456"}),
    Route("GET", "/console/forgot", "public", (200,)),
    Route("POST", "/console/forgot", "public", (200,), form={"tenant": "x", "email": "x"}),
    Route("GET", "/closed/{token:str}", "public", (404,)),
    Route("GET", "/closed/{token:str}/receipt.json", "public", (404,)),
    Route("GET", "/t/{slug:str}/password/{secret:str}", "public", (404,)),
    Route("POST", "/t/{slug:str}/password/{secret:str}", "public", (404,), form={"password": "x"}),
    Route("GET", "/t/{slug:str}/logo", "public", (404,)),
    Route("GET", "/start", "public", (303,)),
    Route("GET", "/start/company", "public", (200,)),
    Route("POST", "/start/company", "public", (422,), form={"name": ""}),
    Route("GET", "/start/admin", "public", (303,)),
    Route("POST", "/start/admin", "public", (404,), form={"person": "x", "email": "x"}),
    Route("GET", "/start/code", "public", (303,)),
    Route("POST", "/start/code", "public", (404,), form={"code": "123456"}),
    Route("POST", "/start/code/again", "public", (404,), form={}),
    Route("GET", "/start/password", "public", (303,)),
    Route("POST", "/start/password", "public", (404,), form={"password": "x"}),
    Route("GET", "/start/continue/{secret:str}", "public", (404,)),
    Route("POST", "/start/continue/{secret:str}", "public", (404,), form={}),
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
    Route("GET", I + "/transcript", "link", (200,)),
    Route("POST", I + "/transcript/{key:str}", "link", (409,), form={"text": "x"}),
    Route("GET", I + "/my-data", "link", (200,)),
    Route("POST", I + "/my-data/withdraw", "link", (303,), form={"purpose": "training"}),
    Route("POST", I + "/my-data/correct", "link", (422,), form={"name": "", "email": "x"}),
    Route("GET", I + "/my-data/copy", "link", (200,)),
    Route("GET", I + "/my-data/erase", "link", (200,)),
    Route("POST", I + "/my-data/erase", "link", (303,), form={"sure": "yes"}),
    Route("GET", I + "/my-data/receipts/{erasure_id:uuid}", "link", (404,)),
    Route("GET", I + "/my-data/receipts/{erasure_id:uuid}/receipt.json", "link", (404,)),
    Route("GET", I + "/my-data/groups", "link", (200,)),
    Route("POST", I + "/my-data/groups", "link", (303,), form={}),
    Route("POST", I + "/my-data/practice", "link", (422,), form={}),
    Route("GET", I + "/my-data/practice/{attempt_id:uuid}", "link", (404,)),
    Route("POST", I + "/my-data/practice/{attempt_id:uuid}/delete", "link", (404,), form={}),
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
    Route("GET", T + "/transcripts", "token", (200,)),
    Route("PUT", T + "/transcripts/{key:str}", "token", (409,), body={"text": "x"}),
    Route("GET", T + "/my-data", "token", (200,)),
    Route("POST", T + "/my-data/withdrawals", "token", (200,), body={"purpose": "training"}),
    Route("PUT", T + "/my-data/person", "token", (422,), body={"name": "", "email": "x"}),
    Route("GET", T + "/my-data/copy", "token", (200,)),
    Route("POST", T + "/my-data/erasure", "token", (202,), body={"confirm": True}),
    Route("GET", T + "/my-data/receipts/{erasure_id:uuid}", "token", (404,)),
    Route("GET", T + "/my-data/groups", "token", (200,)),
    Route("PUT", T + "/my-data/groups", "token", (200,), body={"declared": {}}),
    Route("POST", T + "/my-data/practice", "token", (422,)),
    Route("GET", T + "/my-data/practice/{attempt_id:uuid}", "token", (404,)),
    Route("DELETE", T + "/my-data/practice/{attempt_id:uuid}", "token", (404,)),
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
    Route("GET", A + "/lab/{kind:str}", "key", (404,)),
    Route("GET", A + "/lab/models", "key", (200,)),
    Route("POST", A + "/lab/models/runs", "key", (422,), body={"competency": "none"}),
    Route("GET", A + "/lab/models/runs/{run_id:uuid}", "key", (404,)),
    Route("POST", A + "/lab/models/runs/{run_id:uuid}/cancel", "key", (404,)),
    Route("POST", A + "/lab/models/runs/{run_id:uuid}/shadow", "key", (404,)),
    Route("POST", A + "/lab/models/rollback", "key", (409,), body={"competency": "none"}),
    Route("GET", A + "/brand", "key", (200,)),
    Route("PUT", A + "/brand", "key", (400,), body={"primary": "red"}),
    Route("GET", A + "/labels/progress", "key", (200,)),
    Route("GET", A + "/labels/next", "key", (200,)),
    Route("GET", A + "/labels/examples/{example_id:uuid}", "key", (404,)),
    Route("POST", A + "/labels/examples/{example_id:uuid}/ratings", "key", (404,), body={"level": 3}),
    Route("GET", A + "/labels/lines", "key", (200,)),
    Route("POST", A + "/labels/imports", "key", (400,), body={}),
    Route("GET", A + "/labels/imports/{import_id:uuid}", "key", (404,)),
    Route("PUT", A + "/labels/imports/{import_id:uuid}/mapping", "key", (404,), body={}),
    Route("POST", A + "/labels/imports/{import_id:uuid}/start", "key", (404,), body={}),
    Route("DELETE", A + "/labels/imports/{import_id:uuid}", "key", (404,)),
    Route("GET", A + "/domain", "key", (404,)),
    Route("PUT", A + "/domain", "key", (422,), body={"domain": "localhost"}),
    Route("DELETE", A + "/domain", "key", (404,)),
    Route("POST", A + "/domain/verification", "key", (404,), body={}),
    Route("GET", C, "member", (200,)),
    Route("GET", C + "/interviews", "session", (200,)),
    Route("GET", C + "/invite", "session", (200,)),
    Route("POST", C + "/invite", "session", (404,), form={"set": "none"}),
    Route("GET", C + "/invitations/{invitation_id:uuid}", "session", (404,)),
    Route("POST", C + "/invitations/{invitation_id:uuid}/mail", "session", (404,), form={}),
    Route("GET", C + "/interviews/{interview_id:uuid}", "session", (200,)),
    Route("GET", C + "/interviews/{interview_id:uuid}/live", "session", (200,)),
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
    Route(
        "POST",
        C + "/interviews/{interview_id:uuid}/answers/{key:str}/steps",
        "session",
        (404,),
        form={"step": "none", "second": "1"},
    ),
    Route("GET", C + "/question-sets", "session", (200,)),
    Route("GET", C + "/question-sets/{key:str}", "session", (404,)),
    Route("GET", C + "/failures", "session", (200,)),
    Route("POST", C + "/failures/{job_id:int}/replay", "session", (404,), form={}),
    Route("GET", C + "/organisation", "session", (200,)),
    Route("POST", C + "/organisation/units", "session", (404,), form={"name": "x", "kind": "branch"}),
    Route("POST", C + "/organisation/units/{unit_id:uuid}/name", "session", (404,), form={"name": "x"}),
    Route("POST", C + "/organisation/units/{unit_id:uuid}/move", "session", (404,), form={}),
    Route("POST", C + "/organisation/units/{unit_id:uuid}/archive", "session", (404,), form={}),
    Route("GET", C + "/people", "session", (200,)),
    Route("POST", C + "/people/{member_id:uuid}/grants", "session", (404,), form={"role": "recruiter"}),
    Route("POST", C + "/people/grants/{grant_id:uuid}/revoke", "session", (404,), form={}),
    Route("POST", C + "/people/{member_id:uuid}/disable", "session", (404,), form={}),
    Route("POST", C + "/people/{member_id:uuid}/enable", "session", (404,), form={}),
    Route("POST", C + "/people/invite", "session", (303,), form={"email": "x"}),
    Route("POST", C + "/people/{member_id:uuid}/link", "session", (404,), form={}),
    Route("POST", C + "/people/{member_id:uuid}/sign-out", "session", (404,), form={}),
    Route("POST", C + "/people/{member_id:uuid}/code-off", "session", (404,), form={}),
    Route("GET", C + "/access", "session", (200,)),
    Route("POST", C + "/access/policy", "session", (303,), form={}),
    Route("POST", C + "/access/provider", "session", (422,), form={}),
    Route("POST", C + "/access/provider/remove", "session", (404,), form={}),
    Route("GET", C + "/api-keys", "session", (200,)),
    Route("POST", C + "/api-keys", "session", (422,), form={}),
    Route("POST", C + "/api-keys/{key_id:uuid}/revoke", "session", (404,), form={}),
    Route("GET", C + "/account", "member", (200,)),
    Route("POST", C + "/account/password", "member", (422,), form={}),
    Route("GET", C + "/account/code", "member", (200,)),
    Route("POST", C + "/account/code", "member", (422,), form={}),
    Route("POST", C + "/account/code/recovery", "member", (422,), form={}),
    Route("POST", C + "/account/code/remove", "member", (422,), form={}),
    Route("POST", C + "/account/sessions/{session_id:uuid}/end", "member", (404,), form={}),
    Route("POST", C + "/account/sessions/end-others", "member", (303,), form={}),
    Route("POST", C + "/people/roles", "session", (422,), form={"name": ""}),
    Route("POST", C + "/people/roles/{role_id:uuid}/remove", "session", (404,), form={}),
    Route("POST", C + "/people/consultants", "session", (404,), form={"home": "x"}),
    Route("POST", C + "/people/consultants/{grant_id:uuid}/revoke", "session", (404,), form={}),
    Route("GET", C + "/keys", "session", (200,)),
    Route("POST", C + "/keys/rotate", "session", (303,), form={}),
    Route("GET", C + "/policy", "session", (200,)),
    Route("POST", C + "/policy/jurisdiction", "session", (422,), form={"jurisdiction": "atlantis"}),
    Route("POST", C + "/policy/features/{feature:str}", "session", (400,), form={"change": "x"}),
    Route("POST", C + "/policy/periods", "session", (400,), form={"media": "x"}),
    Route("GET", C + "/gate", "session", (200,)),
    Route("POST", C + "/gate", "session", (400,), form={"least_seconds": "x"}),
    Route("GET", C + "/closing", "session", (200,)),
    Route("POST", C + "/closing", "session", (422,), form={"name": "x"}),
    Route("POST", C + "/closing/withdraw", "session", (409,), form={}),
    Route("GET", C + "/retention", "session", (200,)),
    Route("POST", C + "/retention/run", "session", (303,), form={}),
    Route("GET", C + "/retention/receipts/{erasure_id:uuid}", "session", (404,)),
    Route("POST", C + "/interviews/{interview_id:uuid}/hold", "session", (422,), form={"reason": ""}),
    Route("POST", C + "/interviews/{interview_id:uuid}/hold/lift", "session", (409,), form={}),
    Route("GET", C + "/setup", "session", (200,)),
    Route("POST", C + "/setup/dismiss", "session", (303,), form={}),
    Route("GET", C + "/setup/brand", "session", (200,)),
    Route("POST", C + "/setup/brand", "session", (422,), form={"primary": "x"}),
    Route("POST", C + "/setup/brand/logo", "session", (422,), form={}),
    Route("POST", C + "/setup/brand/logo/remove", "session", (303,), form={}),
    Route("GET", C + "/setup/domain", "session", (200,)),
    Route("POST", C + "/setup/domain", "session", (422,), form={"domain": "x"}),
    Route("POST", C + "/setup/domain/check", "session", (404,), form={}),
    Route("POST", C + "/setup/domain/links", "session", (404,), form={}),
    Route("POST", C + "/setup/domain/skip", "session", (303,), form={}),
    Route("POST", C + "/setup/domain/remove", "session", (404,), form={}),
    Route("GET", C + "/setup/job", "session", (200,)),
    Route("POST", C + "/setup/job", "session", (422,), form={"set": "none"}),
    Route("GET", C + "/setup/dry-run", "session", (200,)),
    Route("POST", C + "/setup/dry-run", "session", (404,), form={"set": "none"}),
    Route("POST", C + "/setup/dry-run/{interview_id:uuid}/erase", "session", (404,), form={}),
    Route("GET", C + "/lab", "session", (200,)),
    Route("POST", C + "/lab/measure", "session", (303,), form={}),
    Route("GET", C + "/lab/{kind:str}", "session", (200,)),
    Route("GET", C + "/lab/{kind:str}/data.csv", "session", (200, 404)),
    Route("GET", C + "/lab/anchors", "session", (200,)),
    Route("POST", C + "/lab/anchors", "session", (303,), form={}),
    Route("POST", C + "/lab/anchors/score", "session", (303,), form={}),
    Route("POST", C + "/lab/anchors/runs/{run_id:uuid}/accept", "session", (404,), form={}),
    Route("GET", C + "/lab/models", "session", (200,)),
    Route("POST", C + "/lab/models/train", "session", (422,), form={"competency": "none"}),
    Route("GET", C + "/lab/models/runs/{run_id:uuid}", "session", (404,)),
    Route("GET", C + "/lab/models/runs/{run_id:uuid}/progress", "session", (404,)),
    Route("GET", C + "/lab/models/runs/{run_id:uuid}/card.json", "session", (404,)),
    Route("POST", C + "/lab/models/runs/{run_id:uuid}/cancel", "session", (404,), form={}),
    Route("POST", C + "/lab/models/runs/{run_id:uuid}/shadow", "session", (404,), form={}),
    Route("GET", C + "/lab/models/competencies/{competency:str}", "session", (404,)),
    Route("POST", C + "/lab/models/releases/{release_id:uuid}/promote", "session", (404,), form={}),
    Route("POST", C + "/lab/models/releases/{release_id:uuid}/stop", "session", (404,), form={}),
    Route("POST", C + "/lab/models/rollback", "session", (409,), form={"competency": "none"}),
    Route("GET", C + "/lab/calibrations", "session", (200,)),
    Route("POST", C + "/lab/calibrations", "session", (422,), form={"title": "x"}),
    Route("GET", C + "/lab/calibrations/{calibration_id:uuid}", "session", (404,)),
    Route("POST", C + "/lab/calibrations/{calibration_id:uuid}/marks", "session", (404,), form={}),
    Route("POST", C + "/lab/calibrations/{calibration_id:uuid}/close", "session", (404,), form={}),
    Route("GET", C + "/labels", "session", (200,)),
    Route("GET", C + "/labels/next", "session", (200, 303)),
    Route("GET", C + "/labels/examples/{example_id:uuid}", "session", (404,)),
    Route("POST", C + "/labels/examples/{example_id:uuid}/rating", "session", (404,), form={"level": "3"}),
    Route("POST", C + "/labels/examples/{example_id:uuid}/undo", "session", (404,), form={}),
    Route("POST", C + "/labels/examples/{example_id:uuid}/good", "session", (404,), form={"good": "1"}),
    Route("GET", C + "/labels/adjudication", "session", (200,)),
    Route(
        "POST", C + "/labels/examples/{example_id:uuid}/adjudication", "session", (404,), form={"level": "3"}
    ),
    Route("POST", C + "/labels/gathering", "session", (303,), form={}),
    Route("GET", C + "/labels/export", "session", (200,)),
    Route("GET", C + "/labels/imports", "session", (200,)),
    Route("POST", C + "/labels/imports", "session", (400,), form={}),
    Route("GET", C + "/labels/imports/{import_id:uuid}", "session", (404,)),
    Route("GET", C + "/labels/imports/{import_id:uuid}/progress", "session", (404,)),
    Route("POST", C + "/labels/imports/{import_id:uuid}/check", "session", (404,), form={}),
    Route("POST", C + "/labels/imports/{import_id:uuid}/start", "session", (404,), form={}),
    Route("POST", C + "/labels/imports/{import_id:uuid}/undo", "session", (404,), form={}),
    Route("POST", C + "/labels/imports/{import_id:uuid}/discard", "session", (404,), form={}),
    Route("GET", C + "/audit", "session", (200,)),
    Route("GET", C + "/audit/export", "session", (200,)),
    Route("GET", C + "/enter", "member", (200,)),
    Route("POST", C + "/enter", "member", (422,), form={"slug": "nobody-there"}),
    Route("POST", C + "/locale", "member", (303,), form={"locale": "en"}),
]
# Their address names no row: each tenant sees its own. What they list is checked by test_row_level_security.
OWN_ONLY = {C, C + "/labels", C + "/labels/next", C + "/labels/adjudication", C + "/labels/gathering", C + "/labels/export",
            C + "/labels/imports", A + "/labels/progress", A + "/labels/next", A + "/labels/lines", A + "/labels/imports", C + "/interviews", C + "/invite", C + "/question-sets", C + "/failures", C + "/locale", C + "/enter", C + "/organisation",
            C + "/people", C + "/people/roles", C + "/audit", C + "/audit/export", A + "/interviews",
            A + "/question-sets", A + "/brand", A + "/domain", A + "/domain/verification", A + "/invitations", C + "/people/invite", C + "/access", C + "/access/policy",
            C + "/access/provider", C + "/access/provider/remove", C + "/api-keys", C + "/account", C + "/keys", C + "/keys/rotate",
            C + "/account/password", C + "/account/code", C + "/account/code/recovery", C + "/account/code/remove",
            C + "/account/sessions/end-others", C + "/policy", C + "/policy/jurisdiction", C + "/policy/periods",
            C + "/policy/features/{feature:str}", C + "/retention", C + "/retention/run", C + "/setup",
            C + "/setup/dismiss", C + "/setup/brand", C + "/setup/brand/logo", C + "/setup/brand/logo/remove", C + "/setup/domain",
            C + "/setup/domain/links", C + "/setup/domain/check", C + "/setup/domain/skip", C + "/setup/domain/remove", C + "/setup/job", C + "/setup/dry-run",
            C + "/gate", C + "/closing", C + "/closing/withdraw", C + "/lab", C + "/lab/measure", C + "/lab/{kind:str}", C + "/lab/{kind:str}/data.csv",
            C + "/lab/anchors", C + "/lab/anchors/score", C + "/lab/calibrations", A + "/lab/{kind:str}",
            C + "/lab/models", C + "/lab/models/train", C + "/lab/models/rollback", A + "/lab/models", A + "/lab/models/runs",
            A + "/lab/models/rollback", C + "/lab/models/competencies/{competency:str}"}  # fmt: skip


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
