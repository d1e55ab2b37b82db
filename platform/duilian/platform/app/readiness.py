"""How to tell that one of our processes serves."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import psycopg
from sqlalchemy.engine import make_url


def answers(url: str) -> bool:
    """Whether `url` answers 200 within two seconds."""
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.TransportError:  # not listening yet, or busy starting: asked again
        return False


class WorkerHeartbeat:
    """A worker listens on no port; it is ready when it has written a heartbeat after its start."""

    def __init__(self, database_url: str) -> None:
        self._conninfo = (
            make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
        )
        self._began = datetime.now(UTC)

    def begin(self) -> None:
        """Heartbeats before now do not count."""
        self._began = datetime.now(UTC)

    def __call__(self) -> bool:
        try:
            with psycopg.connect(self._conninfo, connect_timeout=2) as connection:
                found = connection.execute(
                    "select 1 from procrastinate_workers where last_heartbeat >= %s limit 1", [self._began]
                )
                return found.fetchone() is not None
        except psycopg.OperationalError:  # the database is being restarted: asked again
            return False
