"""The model tier on a Ray cluster: one deployment per step, an ingress that speaks the contract of `duilian serving`.

`serve deploy` of the shipped serve.yaml (`duilian ray config`) builds it from here (import path
`duilian.serving.ray_app:build`); replicas, resources, queues and autoscaling of each deployment stand in that file.
Settings are those of the nodes' environment (`DUILIAN_*`), so that no secret stands in the file.
"""

from __future__ import annotations

from collections.abc import Mapping

from ray import serve
from ray.serve import Application

from duilian.serving.ray_ingress import Ingress
from duilian.serving.ray_replica import StepReplica
from duilian.serving.tier import STEPS


def build(arguments: Mapping[str, str]) -> Application:
    """arguments: `args` of the application in serve.yaml.

    models: any word; a new one replaces every replica, one after the other, which is how a new version of a model
    that lies on the nodes under an old name is rolled out.
    """
    rollout = arguments.get("models", "")
    steps = {step: deployment_of(step).bind(step, rollout) for step in STEPS}
    return serve.deployment(name="ingress")(Ingress).bind(steps)


def deployment_of(step: str) -> serve.Deployment:
    """Limits that hold where serve.yaml says nothing."""
    return serve.deployment(
        name=step,
        max_ongoing_requests=8,
        max_queued_requests=64,
        graceful_shutdown_timeout_s=120,
        health_check_period_s=5,
        health_check_timeout_s=30,
    )(StepReplica)
