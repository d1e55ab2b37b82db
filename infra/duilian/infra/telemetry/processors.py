"""The last station before the exporters: spans and log records are cleaned by `privacy`, whoever made them."""

from __future__ import annotations

import copy

from opentelemetry.sdk._logs import ReadWriteLogRecord
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, Status

from duilian.infra.telemetry.privacy import clean


class PrivateSpanProcessor(BatchSpanProcessor):
    """Exports a cleaned copy of each span: allowed attributes, events and links; no description of its status."""

    def on_end(self, span: ReadableSpan) -> None:
        super().on_end(cleaned(span))


class PrivateLogProcessor(BatchLogRecordProcessor):
    """Exports a log record with its allowed attributes; the body is a template already (see `handler`)."""

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        record = copy.copy(log_record)
        record.log_record = copy.copy(log_record.log_record)
        record.log_record.attributes = clean(log_record.log_record.attributes)
        super().on_emit(record)


def cleaned(span: ReadableSpan) -> ReadableSpan:
    """A copy of `span` with nothing that is not allowed."""
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=clean(span.attributes),
        events=[Event(event.name, clean(event.attributes), event.timestamp) for event in span.events],
        links=[Link(link.context, clean(link.attributes)) for link in span.links],
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )
