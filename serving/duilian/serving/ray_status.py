"""What Ray says of our deployments, in one sentence each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ray.serve.schema import DeploymentStatusOverview, ServeStatus

TROUBLED = ("UNHEALTHY", "DEPLOY_FAILED")
RUNNING: Any = "RUNNING"  # Any: typed as an enumeration, and a plain string when it arrives


class Statuses:
    """The last look. A step is a problem while none of its replicas runs."""

    def __init__(self) -> None:
        self._problems: dict[str, str] | None = None
        self._troubles: dict[str, str] = {}

    def look(self, status: Callable[[], ServeStatus]) -> None:
        """Blocks while the controller answers."""
        found = {
            name: deployment
            for application in status().applications.values()
            for name, deployment in application.deployments.items()
        }
        self._troubles = {
            name: f"{name}: {_reason(deployment)}"
            for name, deployment in found.items()
            if not _runs(deployment) or deployment.status.value in TROUBLED
        }
        self._problems = {name: trouble for name, trouble in self._troubles.items() if not _runs(found[name])}

    @property
    def troubles(self) -> list[str]:
        """Also of steps that old replicas still answer: a roll-out that failed."""
        return list(self._troubles.values())

    def problem(self, step: str) -> str | None:
        """None where replicas run, or nothing is known yet."""
        return None if self._problems is None else self._problems.get(step)


def _runs(deployment: DeploymentStatusOverview) -> bool:
    return bool(deployment.replica_states.get(RUNNING))


def _reason(deployment: DeploymentStatusOverview) -> str:
    """The last line of what Ray says is the error; what it was in stands above."""
    lines = [line.strip() for line in deployment.message.splitlines() if line.strip()]
    told = [line for line in lines if "serving-unavailable" in line] or lines
    return told[-1] if told else f"no replica runs ({deployment.status.value})"
