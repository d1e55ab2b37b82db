"""Python's log records as OTLP: the template without its arguments, the exception without its words."""

from __future__ import annotations

import logging
import traceback
from types import TracebackType

from opentelemetry._logs import LoggerProvider, LogRecord, SeverityNumber
from opentelemetry.context import get_current

OURS = "duilian"
# The exporter's own path: exporting what it logs would never end.
UNHEARD = ("opentelemetry", "urllib3", "requests", "httpx", "httpcore")
SEVERITY = (
    (logging.CRITICAL, SeverityNumber.FATAL, "FATAL"),
    (logging.ERROR, SeverityNumber.ERROR, "ERROR"),
    (logging.WARNING, SeverityNumber.WARN, "WARN"),
    (logging.INFO, SeverityNumber.INFO, "INFO"),
)


class OtlpHandler(logging.Handler):
    """Sends records to a logger provider. A template of a library may hold words already; ours never does."""

    def __init__(self, provider: LoggerProvider) -> None:
        super().__init__()
        self._provider = provider

    def filter(self, record: logging.LogRecord) -> bool:
        return record.name.split(".")[0] not in UNHEARD and bool(super().filter(record))

    def emit(self, record: logging.LogRecord) -> None:
        number, text = severity(record.levelno)
        self._provider.get_logger(record.name).emit(
            LogRecord(
                timestamp=int(record.created * 1e9),
                context=get_current(),
                severity_number=number,
                severity_text=text,
                body=body(record),
                attributes=attributes(record),
            )
        )


def body(record: logging.LogRecord) -> str:
    """The template of our own records; of others only who spoke, as f-strings carry what they were given."""
    if record.name.split(".")[0] == OURS:
        return str(record.msg)
    return f"a message of {record.name}"


def attributes(record: logging.LogRecord) -> dict[str, str | int | float | bool]:
    """Extra fields, place, and the exception's type and frames. The processor drops what is not allowed."""
    found = {key: value for key, value in vars(record).items() if isinstance(value, str | int | float | bool)}
    found |= {
        "code.file.path": record.pathname,
        "code.function.name": record.funcName,
        "code.line.number": record.lineno,
    }
    if record.exc_info and record.exc_info[0] is not None:
        found["exception.type"] = record.exc_info[0].__qualname__
        found["code.stacktrace"] = frames(record.exc_info[2])
    return found


def frames(trace: TracebackType | None) -> str:
    """File, line and function of each frame; no source lines, no message."""
    return "\n".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace))


def severity(level: int) -> tuple[SeverityNumber, str]:
    """OpenTelemetry's number and text of a logging level."""
    for least, number, text in SEVERITY:
        if level >= least:
            return number, text
    return SeverityNumber.DEBUG, "DEBUG"
