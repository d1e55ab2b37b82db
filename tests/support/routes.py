"""Routes as the sweep tries them: what each is called with, and by whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from litestar import Litestar
from litestar.routes import WebSocketRoute

from browsing import browser
from outsiders import signed_in
from world import World


@dataclass(frozen=True)
class Route:
    """kind: "public", "link" (invitation token), "key" (API key), "session" (console, by right), "member" (anybody signed in). ok: statuses when allowed."""

    method: str
    path: str
    kind: str
    ok: tuple[int, ...]
    body: dict[str, Any] | None = None
    form: dict[str, str] | None = None


def served(app: Litestar) -> set[tuple[str, str]]:
    """(method, path template) of every route, without those the framework adds."""
    found: set[tuple[str, str]] = set()
    for route in app.routes:
        if route.path_format.startswith("/api/docs") or isinstance(route, WebSocketRoute):
            continue
        methods = getattr(route, "methods", {"GET"})
        path = route.path.rstrip("/") or "/"
        found |= {(method, path) for method in methods if method not in ("OPTIONS", "HEAD")}
    return found


def fill(route: Route, names: dict[str, str]) -> str:
    values = {
        "slug:str": names["slug"], "token:str": names["token"], "interview_id:uuid": names["interview_id"],
        "invitation_id:uuid": str(UUID(int=1)), "unit_id:uuid": str(UUID(int=1)), "member_id:uuid": str(UUID(int=1)),
        "grant_id:uuid": str(UUID(int=1)), "role_id:uuid": str(UUID(int=1)),
        "key_id:uuid": str(UUID(int=1)), "session_id:uuid": str(UUID(int=1)), "secret:str": "none", "key:str": "intro", "number:int": "1", "segment:int": "0",
        "feature:str": "none", "kind:str": "agreement", "run_id:uuid": str(UUID(int=1)), "version_id:uuid": str(UUID(int=1)), "release_id:uuid": str(UUID(int=1)), "proposal_id:uuid": str(UUID(int=1)), "competency:str": "none", "calibration_id:uuid": str(UUID(int=1)), "erasure_id:uuid": str(UUID(int=1)),
        "example_id:uuid": str(UUID(int=1)), "import_id:uuid": str(UUID(int=1)), "attempt_id:uuid": str(UUID(int=1)),
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


def entered(world: World, route: Route, role: str, names: dict[str, str]) -> tuple[httpx.Client, str]:
    """A client with the credentials the route asks for, and the form's token."""
    if route.kind in ("session", "member"):
        return signed_in(world, role)
    if route.kind == "key":
        return world.api(world.weak_key if role == "billing_admin" else None), ""
    if route.kind == "token":
        headers = {"Authorization": f"Bearer {names['token']}"}
        return browser(world.url, headers=headers), ""
    return browser(world.url), ""
