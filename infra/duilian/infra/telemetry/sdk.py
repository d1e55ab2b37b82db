"""Builds the sending side: OTLP/HTTP exporters behind the private processors."""

from __future__ import annotations

from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import AlwaysOffExemplarFilter, MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from duilian.infra.telemetry.handler import OtlpHandler
from duilian.infra.telemetry.privacy import ALLOWED
from duilian.infra.telemetry.processors import PrivateLogProcessor, PrivateSpanProcessor
from duilian.infra.telemetry.providers import Providers


class PrivateHandler(OtlpHandler):
    """The root logger's handler and the provider it feeds, ended together."""

    def __init__(self, provider: LoggerProvider) -> None:
        super().__init__(provider)
        self.provider = provider


def build(endpoint: str, attributes: dict[str, str], metrics_every: int) -> Providers:
    """endpoint: base address. metrics_every: milliseconds between two exports of metrics."""
    resource = Resource.create(dict(attributes))
    traces = TracerProvider(resource=resource, shutdown_on_exit=False)
    traces.add_span_processor(PrivateSpanProcessor(OTLPSpanExporter(f"{endpoint}/v1/traces")))
    logs = LoggerProvider(resource=resource, shutdown_on_exit=False)
    logs.add_log_record_processor(PrivateLogProcessor(OTLPLogExporter(f"{endpoint}/v1/logs")))
    exporter = OTLPMetricExporter(f"{endpoint}/v1/metrics")
    metrics = MeterProvider(
        [PeriodicExportingMetricReader(exporter, metrics_every)],
        resource=resource,
        shutdown_on_exit=False,
        views=[View(instrument_name="*", attribute_keys=set(ALLOWED))],
        # An exemplar carries the attributes a view has dropped.
        exemplar_filter=AlwaysOffExemplarFilter(),
    )
    return Providers(traces=traces, metrics=metrics, handler=PrivateHandler(logs))


def end(providers: Providers) -> None:
    """Flushes and stops what `build` made."""
    if isinstance(providers.traces, TracerProvider):
        providers.traces.shutdown()
    if isinstance(providers.metrics, MeterProvider):
        providers.metrics.shutdown()
    if isinstance(providers.handler, PrivateHandler):
        providers.handler.provider.shutdown()
