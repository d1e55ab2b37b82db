"""HTTP clients of the tests, all with one TLS context: making one costs more than most calls, and nothing here is https."""

from __future__ import annotations

from functools import cache
from ssl import SSLContext
from typing import Any

import httpx


@cache
def _tls() -> SSLContext:
    return httpx.create_ssl_context(trust_env=False)


def browser(url: str, *, headers: dict[str, str] | None = None, **options: Any) -> httpx.Client:
    """A client of `url` with httpx's options; it keeps cookies and knows no proxy."""
    return httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False, verify=_tls(), **options)
