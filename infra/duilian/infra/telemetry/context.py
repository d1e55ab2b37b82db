"""A trace goes on in another process: written beside a job or into a request's headers, taken up there."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from uuid import UUID

from opentelemetry.context import attach, detach
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

# W3C trace context alone: baggage would carry whatever somebody put into it.
_propagator = TraceContextTextMapPropagator()


def carrier() -> dict[str, str]:
    """The current trace as `traceparent` (and `tracestate`); empty outside a trace."""
    found: dict[str, str] = {}
    _propagator.inject(found)
    return found


@contextmanager
def attached(carrier: Mapping[str, str]) -> Generator[None]:
    """Goes on with the trace of `carrier` inside the block."""
    token = attach(_propagator.extract(carrier))
    try:
        yield
    finally:
        detach(token)


def tenant_attribute(tenant_id: UUID | str) -> dict[str, str]:
    """The attribute that says whose work a span was."""
    return {"duilian.tenant_id": str(tenant_id)}
