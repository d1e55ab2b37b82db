"""What may leave the machine. Anything not named here is dropped, whoever attached it.

A value must also look like a technical value: one printable ASCII word without "@", or a number. A name, an
answer or an address that strays under an allowed key is dropped all the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

ALLOWED = frozenset(
    {
        # ours
        "duilian.tenant_id",
        "duilian.job",
        "duilian.attempt",
        "duilian.step",
        "duilian.model",
        "duilian.model_version",
        "duilian.outcome",
        "duilian.language",
        "duilian.audio_seconds",
        "duilian.frames",
        "duilian.bytes",
        "duilian.count",
        # extra fields of our log records
        "task",
        "attempt",
        "error",
        "step",
        "model",
        "status",
        "seconds",
        # semantic conventions, the current names and the ones the instrumentations still use
        "code.file.path",
        "code.function.name",
        "code.line.number",
        "code.stacktrace",
        "cloud.region",
        "db.name",
        "db.namespace",
        "db.operation",
        "db.operation.name",
        "db.query.text",
        "db.statement",
        "db.system",
        "db.system.name",
        "error.type",
        "exception.escaped",
        "exception.type",
        "http.request.method",
        "http.response.status_code",
        "http.route",
        "http.status_code",
        "net.peer.name",
        "net.peer.port",
        "network.protocol.version",
        "retry_attempts",
        "rpc.method",
        "rpc.service",
        "rpc.system",
        "server.address",
        "server.port",
        "state",
        "url.scheme",
    }
)
STATEMENTS = frozenset({"db.statement", "db.query.text"})
SPACED = frozenset({"db.operation", "db.operation.name", "code.stacktrace"})
WORD = re.compile(r"[\x21-\x3f\x41-\x7e]{0,200}")  # printable ASCII but space and "@"
WORDS = re.compile(r"[\x0a\x20-\x3f\x41-\x7e]{0,8000}")
LITERAL = re.compile(r"'(?:[^']|'')*'|\$(\w*)\$.*?\$\1\$|\b\d+\b", re.DOTALL)
COMMENT = re.compile(r"/\*.*?\*/|--[^\n]*", re.DOTALL)
STATEMENT_LIMIT = 2000  # characters


def clean(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    """The attributes that may leave. Any: OpenTelemetry's values are scalars or sequences of them."""
    found = ((key, _value(key, value)) for key, value in (attributes or {}).items() if key in ALLOWED)
    return {key: value for key, value in found if value is not None}


def without_literals(statement: str) -> str:
    """A SQL statement with every literal replaced by "?" and comments removed; parameters were never in it."""
    return LITERAL.sub("?", COMMENT.sub("", statement))[:STATEMENT_LIMIT]


def _value(key: str, value: Any) -> Any | None:
    if isinstance(value, bool | int | float):
        return value
    if not isinstance(value, str):
        return None  # sequences and maps: none of the allowed keys has one
    if key in STATEMENTS:
        return without_literals(value)
    pattern = WORDS if key in SPACED else WORD
    return value if pattern.fullmatch(value) else None
