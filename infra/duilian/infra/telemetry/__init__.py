"""Traces, metrics and logs by OpenTelemetry over OTLP/HTTP; off unless an endpoint is set.

What leaves is decided here and nowhere else: attributes on the allow-list of `privacy`, log templates without
their arguments, exceptions by type and place without their words. Telemetry carries the tenant's id, never names,
e-mail addresses, answers, tokens or media.

Start a process with `setup("duilian-web", settings)`, end it with `shutdown()`. Without an endpoint every helper
is a no-op with the same signature.
"""

from duilian.infra.telemetry.context import attached, carrier, tenant_attribute
from duilian.infra.telemetry.middleware import TelemetryMiddleware
from duilian.infra.telemetry.providers import counter, histogram, meter, setup, shutdown, tracer

__all__ = [
    "TelemetryMiddleware",
    "attached",
    "carrier",
    "counter",
    "histogram",
    "meter",
    "setup",
    "shutdown",
    "tenant_attribute",
    "tracer",
]
