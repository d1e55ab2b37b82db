"""What Ray says of our deployments, in one sentence each."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from ray.serve.schema import DeploymentStatusOverview, ServeStatus

TROUBLED = ("UNHEALTHY", "DEPLOY_FAILED")
RUNNING: Any = "RUNNING"  # Any: typed as an enumeration, and a plain string when it arrives


class Statuses:
    """The last look at our application; others of the cluster may name a deployment as we do.

    A step is a problem while none of its replicas runs. The ingress is none: it is what looks, so it runs, though Ray may
    not say so yet.
    """

    def __init__(self, application: str, steps: Collection[str]) -> None:
        self._application, self._steps = application, steps
        self._running: set[str] = set()
        self._problems: dict[str, str] | None = None
        self._troubles: dict[str, str] = {}

    def look(self, status: Callable[[], ServeStatus]) -> None:
        """Blocks while the controller answers."""
        ours = status().applications.get(self._application)
        found = ours.deployments if ours is not None else {}
        self._running = {name for name, deployment in found.items() if _runs(deployment)}
        self._troubles = {
            name: f"{name}: {_reason(deployment)}"
            for name, deployment in found.items()
            if (name in self._steps and name not in self._running) or deployment.status.value in TROUBLED
        }
        self._problems = {
            name: trouble for name, trouble in self._troubles.items() if name not in self._running
        }

    @property
    def troubles(self) -> list[str]:
        """Also of steps that old replicas still answer: a roll-out that failed."""
        return list(self._troubles.values())

    def runs(self, step: str) -> bool:
        """Whether a replica was seen to run: its model is loaded, whether or not it has had time to name it."""
        return step in self._running

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
