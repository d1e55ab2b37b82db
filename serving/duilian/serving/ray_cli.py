"""`duilian ray`: what a cluster is told about our application."""

from __future__ import annotations

import click
import yaml

from duilian.serving.ray_config import ray_service, serve_config, serve_text


class Readable(yaml.SafeDumper):
    """Writes a text of several lines line by line."""


Readable.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style="|" if "\n" in text else None
    ),
)


@click.group("ray")
def ray_command() -> None:
    """The model tier on a Ray cluster (模型集群)."""


@ray_command.command("config")
@click.option("--image", help="Print a KubeRay RayService that runs this image.")
@click.option("--wheel", default="", help="Address of our wheel, where the nodes' image does not hold it.")
@click.option("--models", help="Another word than last time rolls every replica over.")
@click.option("--port", type=click.IntRange(1, 65_535), help="Port of the HTTP proxy.")
def config_command(image: str | None, wheel: str, models: str | None, port: int | None) -> None:
    """Print the file for `serve deploy`, or a RayService for KubeRay."""
    if not (image or wheel or models or port):
        click.echo(serve_text(), nl=False)  # as shipped, with its comments
        return
    config = serve_config(port=port, wheel=wheel, arguments={"models": models} if models else {})
    document = ray_service(config, image=image) if image else config
    click.echo(yaml.dump(document, Dumper=Readable, sort_keys=False, allow_unicode=True), nl=False)
