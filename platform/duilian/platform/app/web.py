"""What is in this app: routes, dependencies, error handlers, and what is opened and closed with it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated, Any

from litestar import Litestar, Response, get
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.params import Parameter
from litestar.static_files import create_static_files_router
from litestar.types import ASGIApp

from duilian.infra import telemetry
from duilian.infra.database import Database
from duilian.infra.objects import ObjectStore
from duilian.infra.settings import Settings, load
from duilian.infra.telemetry.instrumentation import instrument_engine, instrument_object_store
from duilian.platform.api import live as live_api
from duilian.platform.api.controller import StaffApi
from duilian.platform.api.lab import LabApi
from duilian.platform.api.labels import LabelsApi
from duilian.platform.api.models import ModelsApi
from duilian.platform.api.revision import RevisionApi
from duilian.platform.api.setup import SetupApi
from duilian.platform.api.vocabulary import VocabularyApi
from duilian.platform.console import closing, passwords, signin, sso, start
from duilian.platform.console import live as live_console
from duilian.platform.console.access import AccessPages
from duilian.platform.console.account import AccountPages
from duilian.platform.console.api_keys import ApiKeyPages
from duilian.platform.console.audit import AuditPages
from duilian.platform.console.consulting import ConsultingPages
from duilian.platform.console.encryption import EncryptionPages
from duilian.platform.console.gate_pages import GatePages
from duilian.platform.console.invitation_mail import InvitationMail
from duilian.platform.console.lab import LabPages
from duilian.platform.console.lab_anchors import AnchorPages
from duilian.platform.console.lab_calibration import CalibrationPages
from duilian.platform.console.labels import LabelPages
from duilian.platform.console.labels_imports import HistoryPages
from duilian.platform.console.live import LivePages
from duilian.platform.console.member_invitations import MemberInvitations
from duilian.platform.console.models import ModelPages
from duilian.platform.console.organisation import OrganisationPages, PeoplePages
from duilian.platform.console.pages import ConsolePages
from duilian.platform.console.policy import PolicyPages
from duilian.platform.console.retention import RetentionPages
from duilian.platform.console.revision import RevisionPages
from duilian.platform.console.setup import SetupPages
from duilian.platform.console.setup_brand import BrandPages
from duilian.platform.console.setup_domain import DomainPages
from duilian.platform.console.strictness import StrictnessPages
from duilian.platform.console.vocabulary import VocabularyPages
from duilian.platform.portal import live as live_portal
from duilian.platform.portal.api import CandidateApi
from duilian.platform.portal.logo import logo
from duilian.platform.portal.my_data import MyDataPages
from duilian.platform.portal.my_data_api import MyDataApi
from duilian.platform.portal.own_domain import OwnDomains
from duilian.platform.portal.pages import PortalPages
from duilian.platform.portal.survey import SurveyApi, SurveyPages
from duilian.platform.portal.theme import theme
from duilian.platform.portal.transcripts import TranscriptApi, TranscriptPages
from duilian.platform.web.cookies import HostCookies
from duilian.platform.web.headers import SecurityHeaders
from duilian.platform.web.limits import Limits, RateLimited
from duilian.platform.web.openapi import SECURITY, Refusals
from duilian.platform.web.pages import STATIC, page
from duilian.platform.web.problems import HANDLERS
from duilian.platform.web.proxies import TrustedProxies, trusted_networks
from duilian.platform.web.words import preferred
from duilian.serving.client import ServingClient
from duilian.tenants.domains import slug_served_at
from duilian.tenants.keyring import open_database, open_keyring

BODY_LIMIT = 6 * 1024 * 1024  # a chunk is at most 4 MiB
ROUTES: list[Any] = [
    PortalPages,
    CandidateApi,
    MyDataPages,
    MyDataApi,
    SurveyPages,
    SurveyApi,
    TranscriptPages,
    TranscriptApi,
    live_portal.live,
    LivePages,
    live_console.feed,
    live_api.feed,
    ConsolePages,
    PolicyPages,
    GatePages,
    RetentionPages,
    LabelPages,
    HistoryPages,
    OrganisationPages,
    PeoplePages,
    AuditPages,
    EncryptionPages,
    ConsultingPages,
    closing.ClosingPages,
    closing.show_closed,
    closing.closed_receipt,
    StaffApi,
    SetupApi,
    LabApi,
    ModelsApi,
    RevisionApi,
    VocabularyApi,
    LabelsApi,
    AccountPages,
    AccessPages,
    ApiKeyPages,
    MemberInvitations,
    InvitationMail,
    signin.show_sign_in,
    signin.show_tenant_sign_in,
    signin.do_sign_in,
    signin.do_tenant_sign_in,
    signin.show_code,
    signin.do_code,
    signin.show_enrol,
    signin.do_enrol,
    signin.do_sign_out,
    passwords.show_forgot,
    passwords.do_forgot,
    passwords.show_choose,
    passwords.do_choose,
    sso.begin_sso,
    sso.end_sso,
    start.routes,
    LabPages,
    AnchorPages,
    ModelPages,
    StrictnessPages,
    RevisionPages,
    VocabularyPages,
    CalibrationPages,
    SetupPages,
    BrandPages,
    DomainPages,
    theme,
    logo,
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
async def front_door(request: Any, settings: Settings) -> Response[str]:
    starts = settings.self_onboarding and bool(settings.smtp_url)
    return page("front.html", preferred(request.headers.get("accept-language")), starts=starts)


def create_app() -> ASGIApp:
    """The ASGI application with the settings in force."""
    settings = load()
    app: Any = telemetry.TelemetryMiddleware  # Any: ASGI by duck type
    return app(armoured(build(settings), settings))


def armoured(app: Litestar, settings: Settings) -> ASGIApp:
    """What holds for every answer, whoever gives it. Outermost last."""
    https = settings.secure_cookies
    named = OwnDomains(app, settings, partial(slug_served_at, app.state.database))
    inner: ASGIApp = RateLimited(named, app.state.limits)
    cookies: ASGIApp = HostCookies(inner) if https else inner
    proxied = TrustedProxies(cookies, trusted_networks(settings))
    return SecurityHeaders(proxied, https=https)


def build(settings: Settings) -> Litestar:
    """Routes, dependencies, handlers."""
    telemetry.setup("duilian-web", settings)
    keyring = open_keyring(settings)
    database = open_database(settings, keyring)
    instrument_engine(database.engine)
    instrument_object_store()
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
        request_max_body_size=BODY_LIMIT,
        plugins=[Refusals()],
        openapi_config=OpenAPIConfig(
            title="Duilian", version="1", path="/api/docs", components=SECURITY, security=[{"bearer": []}]
        ),
        lifespan=[lifespan],
    )
    app.state.database, app.state.limits = database, Limits(settings)
    return app


def _constant(value: object) -> Provide:
    return Provide(lambda: value, sync_to_thread=False)
