"""Telemetry as a collector sees it: everything useful arrives, nothing personal does."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from uuid import UUID

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError
from litestar import Litestar, get
from opentelemetry.proto.trace.v1.trace_pb2 import Status
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from duilian.infra import telemetry
from duilian.infra.settings import Settings
from duilian.infra.telemetry.instrumentation import instrument_engine, instrument_object_store
from otlp import Received, attributes, receiver

TENANT = UUID("01890000-0000-7000-8000-000000000001")
NAME, EMAIL, WORDS, TOKEN = (
    "李小明",
    "li.xiaoming@example.cn",
    "我在上一家公司负责投诉处理",
    "SECRETTOKEN4711",
)
PERSONAL = (NAME, EMAIL, WORDS, TOKEN)


@pytest.fixture
def collector() -> Iterator[Received]:
    with receiver() as received:
        telemetry.setup("duilian-test", Settings(otlp_endpoint=received.endpoint))
        yield received
        telemetry.shutdown()


def assert_nothing_personal(received: Received) -> None:
    assert received.raw
    everything = b"".join(received.raw)
    found = [secret for secret in PERSONAL if secret.encode() in everything]
    assert not found


def test_traces_metrics_and_logs_arrive(collector: Received) -> None:
    with telemetry.tracer().start_as_current_span("score", attributes=telemetry.tenant_attribute(TENANT)):
        telemetry.counter("duilian.answers").add(2, {"duilian.outcome": "scored"})
        logging.getLogger("duilian.test").warning(
            "answer processed", extra={"task": "process_answer", "attempt": 2}
        )
    telemetry.shutdown()

    (span,) = collector.spans
    assert span.name == "score"
    assert attributes(span.attributes) == {"duilian.tenant_id": str(TENANT)}
    (metric,) = collector.metrics
    (point,) = metric.sum.data_points
    assert (metric.name, point.as_int, attributes(point.attributes)) == (
        "duilian.answers",
        2,
        {"duilian.outcome": "scored"},
    )
    (record,) = collector.logs
    assert record.body.string_value == "answer processed"
    assert record.trace_id == span.trace_id and record.span_id == span.span_id
    assert attributes(record.attributes).items() >= {"task": "process_answer", "attempt": 2}.items()
    assert {resource["service.name"] for resource in collector.resources} == {"duilian-test"}
    assert not any(key.startswith("host.") for resource in collector.resources for key in resource)


def test_what_is_not_allowed_is_dropped_from_spans(collector: Received) -> None:
    with telemetry.tracer().start_as_current_span("answer") as span:
        span.set_attributes(
            {"candidate.name": NAME, "email": EMAIL, "transcript": WORDS, "url.path": f"/i/{TOKEN}"}
        )
        span.set_attribute("duilian.outcome", NAME)  # a person's name under an allowed key
        span.set_attribute("duilian.model", EMAIL)
        span.set_attribute("duilian.step", "transcribe")
        span.add_event("heard", {"words": WORDS, "duilian.count": 3})
    telemetry.shutdown()
    (sent,) = collector.spans
    assert attributes(sent.attributes) == {"duilian.step": "transcribe"}
    assert attributes(sent.events[0].attributes) == {"duilian.count": 3}
    assert_nothing_personal(collector)


def test_exceptions_leave_without_their_words(collector: Received) -> None:
    with pytest.raises(ValueError), telemetry.tracer().start_as_current_span("answer"):
        raise ValueError(f"{NAME} <{EMAIL}> said {WORDS}")
    try:
        raise KeyError(TOKEN)
    except KeyError:
        logging.getLogger("duilian.test").exception("the link could not be read")
    telemetry.shutdown()
    (span,) = collector.spans
    assert span.status.code == Status.STATUS_CODE_ERROR and span.status.message == ""
    assert attributes(span.events[0].attributes)["exception.type"] == "ValueError"
    (record,) = collector.logs
    found = attributes(record.attributes)
    assert found["exception.type"] == "KeyError"
    assert "test_telemetry.py" in found["code.stacktrace"]
    assert_nothing_personal(collector)


def test_log_arguments_and_other_libraries_words_stay(collector: Received) -> None:
    logging.getLogger("duilian.test").error("cannot invite %s at %s", NAME, EMAIL, extra={"answer": WORDS})
    logging.getLogger("some.library").error(f"GET /t/retail/i/{TOKEN} by {NAME}")  # noqa: G004  # what other libraries do
    telemetry.shutdown()
    bodies = [record.body.string_value for record in collector.logs]
    assert bodies == ["cannot invite %s at %s", "a message of some.library"]
    assert_nothing_personal(collector)


def test_metric_attributes_are_reduced(collector: Received) -> None:
    with telemetry.tracer().start_as_current_span("sampled"):  # exemplars are taken inside sampled spans
        telemetry.histogram("duilian.seconds").record(0.5, {"duilian.step": "score", "person": NAME})
        telemetry.histogram("duilian.seconds").record(0.7, {"duilian.step": "score", "person": EMAIL})
    telemetry.shutdown()
    (metric,) = collector.metrics
    (point,) = metric.histogram.data_points
    assert (point.count, attributes(point.attributes)) == (2, {"duilian.step": "score"})
    assert_nothing_personal(collector)


def test_statements_leave_without_parameters_or_literals(collector: Received) -> None:
    engine = create_engine("sqlite://")
    instrument_engine(engine)
    with engine.connect() as connection:
        connection.execute(text("create table person (name text)"))
        connection.execute(text("insert into person values (:name)"), {"name": NAME})
        found = connection.execute(text(f"select name from person where name <> '{EMAIL}' -- {WORDS}")).all()
        with pytest.raises(OperationalError):
            connection.execute(text(f"select * from missing where token = '{TOKEN}'"))
    assert found == [(NAME,)]
    telemetry.shutdown()
    statements = [attributes(span.attributes)["db.statement"] for span in collector.spans]
    assert statements == [
        "create table person (name text)",
        "insert into person values (?)",
        "select name from person where name <> ? ",
        "select * from missing where token = ?",
    ]
    assert_nothing_personal(collector)


def test_object_store_calls_leave_without_keys(collector: Received) -> None:
    instrument_object_store()
    s3 = boto3.client(
        "s3",
        endpoint_url="http://127.0.0.1:1",
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=Config(retries={"total_max_attempts": 1}),
    )
    with pytest.raises(EndpointConnectionError):
        s3.put_object(Bucket="b", Key=f"{NAME}/{TOKEN}", Body=WORDS.encode())
    telemetry.shutdown()
    (span,) = collector.spans
    assert span.name == "S3.PutObject"
    assert attributes(span.attributes)["rpc.method"] == "PutObject"
    assert_nothing_personal(collector)


@get("/t/{slug:str}/i/{token:str}")
async def invitation(slug: str, token: str) -> str:
    with telemetry.tracer().start_as_current_span("inside"):
        return f"{slug} {token}"


@get("/broken/{token:str}")
async def broken(token: str) -> str:
    raise RuntimeError(token)


async def ask(path: str, *, trusted: bool = False, headers: dict[str, str] | None = None) -> int:
    app = telemetry.TelemetryMiddleware(Litestar([invitation, broken], logging_config=None), trusted=trusted)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return (await client.get(path, headers=headers)).status_code


async def test_requests_are_named_by_route_not_by_path(collector: Received) -> None:
    assert await ask(f"/t/retail/i/{TOKEN}?name={NAME}") == 200
    telemetry.shutdown()
    inside, server = collector.spans
    assert inside.parent_span_id == server.span_id
    assert server.name == "GET /t/{slug}/i/{token}"
    found = attributes(server.attributes)
    assert (found["http.route"], found["http.response.status_code"]) == ("/t/{slug}/i/{token}", 200)
    (metric,) = collector.metrics
    assert metric.name == "http.server.request.duration"
    assert metric.histogram.data_points[0].count == 1
    assert_nothing_personal(collector)


async def test_unknown_paths_and_failures_say_nothing_of_the_path(collector: Received) -> None:
    assert await ask(f"/nowhere/{TOKEN}") == 404
    assert await ask(f"/broken/{TOKEN}") == 500
    telemetry.shutdown()
    missing, failed = collector.spans
    assert missing.name == "GET" and missing.status.code == Status.STATUS_CODE_UNSET
    assert failed.name == "GET /broken/{token}" and failed.status.code == Status.STATUS_CODE_ERROR
    assert_nothing_personal(collector)


async def test_a_trace_goes_on_across_processes_that_trust_each_other(collector: Received) -> None:
    with telemetry.tracer().start_as_current_span("worker"):
        sent = telemetry.carrier()
    assert list(sent) == ["traceparent"]
    await ask("/t/retail/i/x", trusted=True, headers=sent)
    await ask("/t/retail/i/x", trusted=False, headers=sent)
    with telemetry.attached(sent), telemetry.tracer().start_as_current_span("job"):
        pass
    telemetry.shutdown()
    traces = {span.name: [] for span in collector.spans}
    for span in collector.spans:
        traces[span.name].append(span.trace_id)
    (origin,) = traces["worker"]
    assert traces["job"] == [origin]
    trusted, public = traces["GET /t/{slug}/i/{token}"]
    assert trusted == origin and public != origin


def test_off_without_an_endpoint() -> None:
    telemetry.setup("duilian-test", Settings())
    with telemetry.tracer().start_as_current_span("score") as span:
        assert not span.is_recording()
        assert telemetry.carrier() == {}
    telemetry.counter("duilian.answers").add(1)
    assert not any(type(handler).__name__ == "PrivateHandler" for handler in logging.getLogger().handlers)
    telemetry.shutdown()


def test_importing_it_brings_neither_database_nor_sdk() -> None:
    code = "import sys, duilian.infra.telemetry; print({'sqlalchemy', 'botocore', 'opentelemetry.sdk'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
