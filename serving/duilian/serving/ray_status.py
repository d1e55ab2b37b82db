"""What Ray says of our deployments, in one sentence each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ray.serve.schema import DeploymentStatusOverview, ServeStatus

RUNNING: Any = "RUNNING"  # Any: typed as an enumeration, and a plain string when it arrives


class Statuses:
    """The last look. A step is a problem while none of its replicas runs."""

    def __init__(self) -> None:
        self._problems: dict[str, str] | None = None

    def look(self, status: Callable[[], ServeStatus]) -> None:
        """Blocks while the controller answers."""
        found = {
            name: deployment
            for application in status().applications.values()
            for name, deployment in application.deployments.items()
        }
        self._problems = {
            name: sentence
            for name, deployment in found.items()
            if (sentence := _problem(name, deployment)) is not None
        }

    def problem(self, step: str) -> str | None:
        """None where replicas run, or nothing is known yet."""
        return None if self._problems is None else self._problems.get(step)


def _problem(name: str, deployment: DeploymentStatusOverview) -> str | None:
    if deployment.replica_states.get(RUNNING):
        return None
    lines = [line.strip() for line in deployment.message.splitlines() if line.strip()]
    return f"{name}: no replica runs ({lines[-1] if lines else deployment.status.value})"
