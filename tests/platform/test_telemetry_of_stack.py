"""One trace from the request through the job to the model tier, and nothing personal in any of it."""

from __future__ import annotations

import time

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from duilian.platform.app.candidate_client import Candidate
from otlp import Received
from world import World, run

WORDS = "我在服务台工作了八年，去年有位顾客投诉牛奶过期，我马上道歉并且当场退款，晚上又打电话回访，他很满意。"


def test_a_trace_runs_from_web_through_job_to_serving(alice: World, telemetry_of_stack: Received) -> None:
    invitation = alice.invite(name="欧阳娜娜", locale="zh-CN")

    async def answer() -> None:
        async with Candidate(alice.url, alice.slug, invitation["token"]) as candidate:
            await candidate.begin()
            await candidate.open("intro")
            await candidate.write("intro", WORDS)
            await candidate.submit()

    run(answer())
    trace = wait_for_trace(telemetry_of_stack, str(alice.tenant_id))
    names = {span.name for span in trace}
    assert any(name.startswith("PUT") and "{key" in name for name in names), names
    assert "job scoring.process_answer" in names
    assert "step" in names
    tenants = {a.value.string_value for s in trace for a in s.attributes if a.key == "duilian.tenant_id"}
    assert tenants == {str(alice.tenant_id)}


def wait_for_trace(received: Received, tenant: str, seconds: float = 60) -> list[Span]:
    """The spans of a trace of this tenant that has reached the scorer."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        spans = received.spans
        mine = {s.trace_id for s in spans if any(a.value.string_value == tenant for a in s.attributes)}
        for name in ("step", "job scoring.process_answer", "PUT"):
            mine &= {s.trace_id for s in spans if s.name.startswith(name)}
        if mine:
            wanted = mine.pop()
            return [s for s in spans if s.trace_id == wanted]
        time.sleep(0.5)
    raise AssertionError(f"no such trace in {sorted({s.name for s in received.spans})}")


def test_nothing_personal_leaves(alice: World, telemetry_of_stack: Received) -> None:
    """After the interview above: no name, no address, no word of the answer, no token in any body."""
    deadline = time.monotonic() + 20
    while not telemetry_of_stack.metrics and time.monotonic() < deadline:
        time.sleep(0.5)
    assert {m.name for m in telemetry_of_stack.metrics} >= {"http.server.request.duration"}
    everything = b"".join(telemetry_of_stack.raw)
    for secret in ("欧阳娜娜", "candidate.example", "牛奶过期", alice.api_key, f"/t/{alice.slug}/i/"):
        assert secret.encode() not in everything, secret
