"""The providers of this process: real ones when an endpoint is set, OpenTelemetry's no-ops otherwise.

They are kept here, not in OpenTelemetry's globals, which can be set only once in a process.
"""

from __future__ import annotations

import importlib.metadata
import logging
import uuid
from dataclasses import dataclass, field

from opentelemetry.metrics import Counter, Histogram, Meter, MeterProvider, NoOpMeterProvider
from opentelemetry.trace import NoOpTracerProvider, Tracer, TracerProvider

from duilian.infra.settings import Settings

SCOPE = "duilian"
METRICS_EVERY = 15_000  # milliseconds
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Providers:
    """What the helpers of this module hand out. handler: on the root logger while telemetry is on."""

    traces: TracerProvider = field(default_factory=NoOpTracerProvider)
    metrics: MeterProvider = field(default_factory=NoOpMeterProvider)
    handler: logging.Handler | None = None
    tracer: Tracer | None = None
    counters: dict[str, Counter] = field(default_factory=dict[str, Counter])
    histograms: dict[str, Histogram] = field(default_factory=dict[str, Histogram])


_current = Providers()


def current() -> Providers:
    """The providers in force."""
    return _current


def setup(service_name: str, settings: Settings) -> None:
    """Begins to send when `settings.otlp_endpoint` is set ("http://host:4318"); call once per process."""
    global _current
    for chatty in ("httpx", "httpcore"):  # they log whole addresses, and an address may hold a secret
        logging.getLogger(chatty).setLevel(logging.WARNING)
    shutdown()
    if settings.otlp_endpoint:
        from duilian.infra.telemetry.sdk import build  # the SDK costs start-up time; only who sends pays it

        _current = build(settings.otlp_endpoint.rstrip("/"), resource(service_name, settings), METRICS_EVERY)
        if _current.handler:
            logging.getLogger().addHandler(_current.handler)


def shutdown() -> None:
    """Sends what is waiting and stops. Harmless when telemetry is off."""
    global _current
    ended, _current = _current, Providers()
    if ended.handler is not None:
        from duilian.infra.telemetry.sdk import end

        logging.getLogger().removeHandler(ended.handler)
        end(ended)


def resource(service_name: str, settings: Settings) -> dict[str, str]:
    """Who sends: service, version, environment and a random id of this process (no host name: it may be a person's)."""
    return {
        "service.name": service_name,
        "service.namespace": SCOPE,
        "service.version": importlib.metadata.version("duilian"),
        "service.instance.id": str(uuid.uuid4()),
        "deployment.environment.name": settings.environment,
    }


def tracer() -> Tracer:
    """The tracer in force; ask at each use, so that it follows `setup`."""
    if _current.tracer is None:
        _current.tracer = _current.traces.get_tracer(SCOPE)
    return _current.tracer


def meter() -> Meter:
    """The meter in force."""
    return _current.metrics.get_meter(SCOPE)


def counter(name: str, unit: str = "1") -> Counter:
    """The counter of that name, made on first use; ask at each use."""
    if name not in _current.counters:
        _current.counters[name] = meter().create_counter(name, unit)
    return _current.counters[name]


def histogram(name: str, unit: str = "s") -> Histogram:
    """The histogram of that name, made on first use; ask at each use."""
    if name not in _current.histograms:
        _current.histograms[name] = meter().create_histogram(name, unit)
    return _current.histograms[name]
