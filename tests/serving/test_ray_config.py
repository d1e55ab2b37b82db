"""The file for the cluster: valid for Ray, the same inside a RayService, without a secret; the wheel where it is named."""

from __future__ import annotations

import yaml
from click.testing import CliRunner
from ray.serve.schema import ServeDeploySchema

from duilian.serving.ray_cli import ray_command
from duilian.serving.ray_config import serve_config, serve_text
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
