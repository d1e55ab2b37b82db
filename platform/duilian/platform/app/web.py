"""What is in this app: routes, dependencies, error handlers, and what is opened and closed with it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from litestar import Litestar, Response, get
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.params import Parameter
from litestar.static_files import create_static_files_router
from litestar.types import ASGIApp

from duilian.infra import telemetry
from duilian.infra.database import Database
from duilian.infra.keys import FileKeyProvider
from duilian.infra.objects import ObjectStore
from duilian.infra.settings import Settings, load
from duilian.infra.telemetry.instrumentation import instrument_engine, instrument_object_store
from duilian.platform.api.controller import StaffApi
from duilian.platform.console.pages import ConsolePages
from duilian.platform.console.signin import do_sign_in, do_sign_out, show_sign_in
from duilian.platform.portal.api import CandidateApi
from duilian.platform.portal.pages import PortalPages
from duilian.platform.portal.theme import theme
from duilian.platform.web.headers import add_security_headers
from duilian.platform.web.pages import STATIC, page
from duilian.platform.web.problems import HANDLERS
from duilian.platform.web.words import preferred
from duilian.serving.client import ServingClient
from duilian.tenants.keyring import Keyring

BODY_LIMIT = 6 * 1024 * 1024  # a chunk is at most 4 MiB
ROUTES: list[Any] = [
    PortalPages,
    CandidateApi,
    ConsolePages,
    StaffApi,
    show_sign_in,
    do_sign_in,
    do_sign_out,
    theme,
]


@get("/health", include_in_schema=False)
async def health(database: Database) -> dict[str, str]:
    """Ready to serve: the database answers."""
    async with database.connect():
        return {"status": "ok"}


@get("/health/probe", include_in_schema=False)
async def probe(size: Annotated[int, Parameter(query="bytes", ge=1, le=1_000_000)] = 1) -> Response[bytes]:
    """Bytes for the device check to measure the network with."""
    return Response(
        b"\0" * size, media_type="application/octet-stream", headers={"Cache-Control": "no-store"}
    )


@get("/", include_in_schema=False)
async def front_door(request: Any) -> Response[str]:
    return page("front.html", preferred(request.headers.get("accept-language")))


def create_app() -> ASGIApp:
    """The ASGI application with the settings in force, wrapped in telemetry."""
    return telemetry.TelemetryMiddleware(build(load()))  # pyright: ignore[reportReturnType, reportArgumentType]  # ASGI by duck type


def build(settings: Settings) -> Litestar:
    """Routes, dependencies, handlers."""
    telemetry.setup("duilian-web", settings)
    database = Database(settings.database_url, settings.database_pool)
    instrument_engine(database.engine)
    instrument_object_store()
    keyring = Keyring(FileKeyProvider(settings.master_key_file))
    store = ObjectStore(settings)
    serving = ServingClient(settings.serving_url, settings.serving_token)

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            await serving.close()
            await database.close()
            telemetry.shutdown()

    parts: dict[str, object] = {
        "database": database, "keyring": keyring, "store": store, "settings": settings, "serving": serving,
    }  # fmt: skip
    app = Litestar(
        route_handlers=[*ROUTES, health, probe, front_door, create_static_files_router("/static", [STATIC])],
        dependencies={name: _constant(part) for name, part in parts.items()},
        exception_handlers=HANDLERS,  # pyright: ignore[reportArgumentType]  # each handler narrows its exception
        before_send=[add_security_headers],
        request_max_body_size=BODY_LIMIT,
        openapi_config=OpenAPIConfig(title="Duilian", version="1", path="/api/docs"),
        lifespan=[lifespan],
    )
    app.state.database = database
    return app


def _constant(value: object) -> Provide:
    return Provide(lambda: value, sync_to_thread=False)
