"""Spans of statements and of object-store calls. The model tier has neither library, so nothing imports this module but who uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duilian.infra.telemetry.providers import SCOPE, current

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.ext.asyncio import AsyncEngine


def instrument_engine(engine: AsyncEngine | Engine) -> None:
    """A span per statement of this engine: its text without literals, never its parameters."""
    providers = current()
    if providers.handler is None:
        return
    from opentelemetry.instrumentation.sqlalchemy.engine import EngineTracer
    from sqlalchemy import Engine

    inner = engine if isinstance(engine, Engine) else engine.sync_engine
    connections = providers.metrics.get_meter(SCOPE).create_up_down_counter(
        "db.client.connections.usage", "1"
    )
    EngineTracer(providers.traces.get_tracer(SCOPE), inner, connections)


def instrument_object_store() -> None:
    """A span per call of botocore: operation, region and status; object keys are not on the allow-list."""
    providers = current()
    if providers.handler is None:
        return
    from opentelemetry.instrumentation.botocore import BotocoreInstrumentor

    instrumentor = BotocoreInstrumentor()
    if instrumentor.is_instrumented_by_opentelemetry:  # an earlier setup of this process
        instrumentor.uninstrument()
    instrumentor.instrument(tracer_provider=providers.traces, meter_provider=providers.metrics)
