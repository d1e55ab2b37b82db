"""The front of the Ray application: the very ASGI application of the embedded process before another tier."""

from __future__ import annotations

from typing import Any

from ray import serve
from ray.serve.handle import DeploymentHandle

from duilian.infra import telemetry
from duilian.infra.settings import load
from duilian.serving.app import create_app
from duilian.serving.ray_tier import RayTier


@serve.ingress()  # pyright: ignore[reportUntypedClassDecorator]  # Ray's own types say no more
class Ingress:
    """steps: the deployments by step."""

    def __init__(self, steps: dict[str, DeploymentHandle[Any]]) -> None:
        self._steps, self._settings = steps, load()
        telemetry.setup("duilian-serving", self._settings)

    def __serve_build_asgi_app__(self) -> Any:  # Any: an ASGI application, by duck type
        application: Any = create_app(self._settings, RayTier(self._steps))
        return telemetry.TelemetryMiddleware(application, trusted=True)
