"""The file for the cluster: valid for Ray, the same inside a RayService, without a secret; the wheel where it is named.

And what the tier makes of Ray's answers, where no cluster is needed to see it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any

import yaml
from click.testing import CliRunner
from ray.serve.schema import (
    ApplicationStatus,
    ApplicationStatusOverview,
    DeploymentStatus,
    DeploymentStatusOverview,
    DeploymentStatusTrigger,
    ServeDeploySchema,
    ServeStatus,
)

from duilian.serving.ray_cli import ray_command
from duilian.serving.ray_config import serve_config, serve_text
from duilian.serving.ray_tier import RayTier
from duilian.serving.tier import STEPS


def printed(*arguments: str) -> str:
    result = CliRunner().invoke(ray_command, ["config", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_ray_takes_the_file_and_every_step_has_limits_of_its_own():
    assert printed() == serve_text()
    (application,) = ServeDeploySchema.model_validate(serve_config()).applications
    deployments = {d.name: d for d in application.deployments}
    assert set(deployments) == {"ingress", *STEPS}
    for step in STEPS:
        assert deployments[step].max_queued_requests > 0
        assert deployments[step].ray_actor_options.num_cpus > 0
    assert serve_config()["http_options"]["host"] == "127.0.0.1"
    assert "token" not in serve_text().lower().replace("ray_auth_mode=token", "").replace(
        "each tenant's tokens", ""
    )


def test_another_word_and_a_wheel_change_that_alone():
    wheel = "https://example.com/duilian-1-py3-none-any.whl"
    found = yaml.safe_load(printed("--models", "2", "--wheel", wheel, "--port", "9000"))
    assert found["applications"][0]["args"] == {"models": "2"}
    assert found["applications"][0]["runtime_env"] == {"py_modules": [wheel]}
    ServeDeploySchema.model_validate(found)
    found["applications"][0] |= {"args": {"models": "1"}}
    del found["applications"][0]["runtime_env"]
    found["http_options"]["port"] = 8701
    assert found == serve_config()


def test_kuberay_gets_the_same_file():
    service = yaml.safe_load(printed("--image", "registry/duilian:1"))
    assert (service["apiVersion"], service["kind"]) == ("ray.io/v1", "RayService")
    inside = yaml.safe_load(service["spec"]["serveConfigV2"])
    ServeDeploySchema.model_validate(inside)
    assert inside["applications"] == serve_config()["applications"]
    cluster = service["spec"]["rayClusterConfig"]
    assert cluster["authOptions"] == {"mode": "token"}
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        (container,) = group["template"]["spec"]["containers"]
        environment = {e["name"]: e for e in container["env"]}
        assert container["image"] == "registry/duilian:1"
        assert environment["RAY_USAGE_STATS_ENABLED"]["value"] == "0"
        assert "secretKeyRef" in environment["DUILIAN_SERVING_TOKEN"]["valueFrom"]


class Answering:
    """A call of a replica: its answer, or None where it waits behind real work for good."""

    def __init__(self, found: dict[str, str] | Exception | None) -> None:
        self._found, self.cancelled = found, False

    def __await__(self) -> Generator[Any, None, dict[str, str]]:
        if self._found is None:
            yield from asyncio.sleep(60).__await__()
        if isinstance(self._found, Exception):
            raise self._found
        return self._found or {}

    def cancel(self) -> None:
        self.cancelled = True


class Handle:
    """A deployment of ours, as Ray hands it to the ingress."""

    app_name = "duilian"

    def __init__(self, found: dict[str, str] | Exception | None) -> None:
        self._found, self.asked = found, list[Answering]()

    @property
    def versions(self) -> Handle:
        return self

    def remote(self) -> Answering:
        self.asked.append(Answering(self._found))
        return self.asked[-1]


def said(status: str, replicas: dict[str, int], message: str = "") -> DeploymentStatusOverview:
    trigger = DeploymentStatusTrigger.CONFIG_UPDATE_COMPLETED
    return DeploymentStatusOverview(DeploymentStatus(status), trigger, replicas, message)  # type: ignore[arg-type]


async def test_a_busy_replica_is_ready_and_another_application_is_not_ours(monkeypatch):
    """It runs, says Ray; that it cannot name its model now says nothing of it, nor of the others."""
    deployments = {step: said("HEALTHY", {"RUNNING": 1}) for step in ("embed", "score", "observe")}
    deployments["ingress"] = said("UPDATING", {"STARTING": 1})  # it is what asks
    theirs = {"embed": said("UNHEALTHY", {}, "another application's embed is gone")}
    status = ServeStatus(
        applications={
            "duilian": ApplicationStatusOverview(ApplicationStatus.RUNNING, "", 0.0, deployments),
            "other": ApplicationStatusOverview(ApplicationStatus.DEPLOY_FAILED, "", 0.0, theirs),
        }
    )
    monkeypatch.setattr("duilian.serving.ray_tier.ASKING", 0.05)
    monkeypatch.setattr("ray.serve.status", lambda: status)
    steps = {"embed": Handle({"e5": "1"}), "score": Handle(None), "observe": Handle(OSError("gone"))}
    tier = RayTier(steps)  # type: ignore[arg-type]
    assert not (await tier.health()).ready, "nobody has looked yet"
    tier.start()
    async with asyncio.timeout(5):
        while not (health := await tier.health()).models:
            await asyncio.sleep(0.01)
        while not (steps["score"].asked and steps["score"].asked[0].cancelled):
            await asyncio.sleep(0.01)
    tier.stop()
    assert health.ready and health.models == {"e5": "1"} and health.problems == []
    assert (await tier.health()).ready
