"""The one file that describes the cluster's application (serve.yaml), for `serve deploy` and for KubeRay."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import yaml

Config = dict[str, Any]  # YAML


def serve_text() -> str:
    """The shipped file with its comments."""
    return (files("duilian.serving") / "serve.yaml").read_text("utf-8")


def serve_config(
    *, port: int | None = None, wheel: str = "", arguments: Mapping[str, str] | None = None
) -> Config:
    """The shipped file as a document.

    port: of the HTTP proxy. wheel: address of our wheel, taken by every replica as its runtime environment; empty
    where the image holds it. arguments: of the application (ray_app.build).
    """
    config: Config = yaml.safe_load(serve_text())
    if port is not None:
        config["http_options"]["port"] = port
    application = config["applications"][0]
    application["args"] |= dict(arguments or {})
    if wheel:
        application["runtime_env"] = {"py_modules": [wheel]}
    return config


def ray_service(config: Config, *, image: str, name: str = "duilian-serving") -> Config:
    """A KubeRay RayService whose `serveConfigV2` is that document.

    The token of the cluster is the operator's affair (`authOptions`); ours is the key serving-token of the secret `{name}`.
    """
    head = {
        "rayStartParams": {"dashboard-host": "127.0.0.1", "num-cpus": "0"},
        "template": _pod("ray-head", image, name, cpu="2", memory="4Gi"),
    }
    workers = {
        "groupName": "models",
        "replicas": 1,
        "minReplicas": 1,
        "maxReplicas": 8,
        "rayStartParams": {},
        "template": _pod("ray-worker", image, name, cpu="4", memory="8Gi"),
    }
    in_pod = config | {"http_options": config["http_options"] | {"host": "0.0.0.0", "port": 8000}}  # noqa: S104  # a pod's own network
    return {
        "apiVersion": "ray.io/v1",
        "kind": "RayService",
        "metadata": {"name": name},
        "spec": {
            "serveConfigV2": yaml.safe_dump(in_pod, sort_keys=False, allow_unicode=True),
            "rayClusterConfig": {
                "enableInTreeAutoscaling": True,
                "authOptions": {"mode": "token"},
                "headGroupSpec": head,
                "workerGroupSpecs": [workers],
            },
        },
    }


def _pod(container: str, image: str, secret: str, *, cpu: str, memory: str) -> Config:
    token = {"secretKeyRef": {"name": secret, "key": "serving-token"}}
    environment = [
        {"name": "RAY_USAGE_STATS_ENABLED", "value": "0"},
        {"name": "DUILIAN_ENVIRONMENT", "value": "production"},
        {"name": "DUILIAN_MODELS_DIR", "value": "/models"},
        {"name": "DUILIAN_SERVING_TOKEN", "valueFrom": token},
    ]
    amounts = {"cpu": cpu, "memory": memory}
    return {
        "spec": {
            "containers": [
                {
                    "name": container,
                    "image": image,
                    "env": environment,
                    "resources": {"requests": amounts, "limits": amounts},
                    "volumeMounts": [{"name": "models", "mountPath": "/models", "readOnly": True}],
                }
            ],
            "volumes": [{"name": "models", "persistentVolumeClaim": {"claimName": f"{secret}-models"}}],
        }
    }
