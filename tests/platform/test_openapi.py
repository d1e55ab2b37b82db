"""Every documented call, with what its schema allows and what it does not: no 5xx, and every answer as described.

The calls are made up by schemathesis from the running service's own document, with real credentials and mostly real
identifiers, so that they get past the doors.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from duilian.platform.app.up import Stack
from playing import report_of
from world import World

CHECKS: list[Any] = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance,
]  # fmt: skip
EXAMPLES = 5
WORDS = "我在服务台工作了八年，去年有位顾客投诉牛奶过期，我马上道歉并且当场退款，晚上又打电话回访，他很满意。"
Names = dict[str, Any]


@pytest.fixture(scope="module")
def document(stack: Stack) -> Any:
    """The document as programs fetch it."""
    return schemathesis.openapi.from_url(f"{stack.settings.public_url}/api/docs/openapi.json")


@pytest.fixture(scope="module")
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


class Journey:
    """An interview of its own for each operation, since some of them end it; recorded into, so that takes exist."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._known: dict[str, tuple[Names, str]] = {}

    def of(self, operation: str, path: str) -> tuple[Names, str]:
        """Path parameters that exist, and the bearer."""
        if operation not in self._known:
            self._known[operation] = self._begun(path)
        return self._known[operation]

    def _begun(self, path: str) -> tuple[Names, str]:
        invitation = self._world.invite(locale="zh-CN")
        candidate = self._world.candidate(invitation)
        version = candidate.get("/").json()["consents"]
        decided = {"version": version["version"], "decisions": dict.fromkeys(version["decisions"], True)}
        if "consents" not in path:
            candidate.put("/consents", json=decided)
            candidate.post("/start")
            candidate.post("/questions/intro/open")
            candidate.post("/questions/intro/takes", json={"mode": "audio", "content_type": "audio/webm"})
        if "report" in path or "feedback" in path:
            candidate.put("/questions/intro/text", json={"text": WORDS})
            candidate.post("/submit", json={"leave_unanswered": True})
            report_of(self._world, invitation["interview"])
        names = {
            "slug": self._world.slug, "interview_id": invitation["interview"], "key": "intro", "number": 1,
            "segment": 0,
        }  # fmt: skip
        bearer = invitation["token"] if path.startswith("/api/v1/t/") else self._world.api_key
        return names, bearer


@pytest.fixture(scope="module")
def journey(alice: World) -> Journey:
    return Journey(alice)


def test_answers_are_as_described(document: Any, journey: Journey, http: requests.Session) -> None:
    """All operations are tried, then all that went wrong is told."""
    wrong: list[str] = []
    for found in document.get_all_operations():
        operation = found.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            try:
                tried(operation, mode, journey, http)
            except Unsatisfiable:  # nothing about this call can be wrong
                continue
            except (FailureGroup, AssertionError) as failure:
                wrong.append(f"{operation.label}: {str(failure)[:1500]}")
    assert not wrong, "\n".join(wrong)


def tried(operation: Any, mode: GenerationMode, journey: Journey, http: requests.Session) -> None:
    names, bearer = journey.of(operation.label, operation.path)

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def call(case: Any) -> None:
        known = {name: names[name] for name in case.path_parameters or {} if name in names}
        # One call in four keeps the identifiers that were made up.
        if len(repr(case.body)) % 4:
            case.path_parameters.update(known)
        elif "slug" in known:
            case.path_parameters["slug"] = known["slug"]
        case.call_and_validate(session=http, headers={"Authorization": f"Bearer {bearer}"}, checks=CHECKS)

    call()


def test_reports_are_there_to_be_described(journey: Journey, alice: World) -> None:
    """The calls above meet a real report and a real feedback, not only their absence."""
    for operation, path in (
        ("GET /report", "/api/v1/interviews/{interview_id}/report"),
        ("GET /f", "/api/v1/t/{slug}/interview/feedback"),
    ):
        names, bearer = journey.of(operation, path)
        answer = requests.get(alice.url + path.format(**names), headers={"Authorization": f"Bearer {bearer}"})
        assert answer.status_code == 200, answer.text


def test_every_api_route_is_described(document: Any, stack: Stack) -> None:
    """What programs may call is in the document, and describes its refusals."""
    from duilian.platform.app.web import build

    described = {
        (path, method.upper()) for path, item in document.raw_schema["paths"].items() for method in item
    }
    served = {
        (route.path_format, method)
        for route in build(stack.settings).routes
        if route.path_format.startswith("/api/") and not route.path_format.startswith("/api/docs")
        for method in getattr(route, "methods", ())
        if method not in ("OPTIONS", "HEAD")
    }
    assert described == served
    for path, item in document.raw_schema["paths"].items():
        for method, operation in item.items():
            refusals = [r for status, r in operation["responses"].items() if int(status) >= 400]
            assert refusals, f"{method} {path}"
            assert all("application/problem+json" in r["content"] for r in refusals), f"{method} {path}"
