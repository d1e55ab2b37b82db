"""Runs the model tier: one process, stopped cleanly by SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import signal

from granian.constants import Interfaces
from granian.server.embed import Server

from duilian.infra import telemetry
from duilian.infra.settings import Settings
from duilian.serving import allocator
from duilian.serving.app import create_app

BACKPRESSURE = 256  # connections served at once


def serve(settings: Settings) -> None:
    """Blocks until a signal. Raises OSError if the port is taken."""
    allocator.keep_flat()
    telemetry.setup("duilian-serving", settings)
    try:
        asyncio.run(_serve(settings))
    finally:
        telemetry.shutdown()


async def _serve(settings: Settings) -> None:
    server = Server(
        # The caller is our own worker: its trace goes on here.
        telemetry.TelemetryMiddleware(create_app(settings), trusted=True),  # pyright: ignore[reportArgumentType]  # ASGI by duck type
        address=settings.serving_host,
        port=settings.serving_port,
        interface=Interfaces.ASGI,
        backpressure=BACKPRESSURE,
        websockets=False,
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    await server.serve()
