"""The brand: colours with their contrast, words in both languages, the logo; beside them what a candidate will see."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from litestar import Controller, Response, get, post
from litestar.datastructures import UploadFile
from litestar.di import Provide
from litestar.response import Redirect

from duilian.infra.errors import BadRequest, Problem
from duilian.infra.sniffing import UnsafePicture
from duilian.platform.console.desk import Desk, member_with, provide_desk
from duilian.platform.console.shell import AnyRequest, Form, staff_page
from duilian.platform.onboarding import progress
from duilian.platform.web.edge import back_to
from duilian.platform.web.words import LOCALES, t
from duilian.tenants import logos
from duilian.tenants.brand_settings import LONGEST, BadBrandWords, brand_of, save_brand
from duilian.tenants.branding import Brand, LowContrast, contrast
from duilian.tenants.rights import Right

SETTINGS = [member_with(Right.SETTINGS)]
HERE = "/console/setup/brand"
WORDS = ("logo_text", "tagline", "welcome", "thanks")
PLAIN = ("primary", "accent", "radius", "contact")
RADII = ("0rem", "0.5rem", "0.75rem", "1.25rem")


class BrandPages(Controller):
    path = HERE
    include_in_schema = False
    dependencies = {"desk": Provide(provide_desk)}  # noqa: RUF012  # the framework's own convention

    @get("/", guards=SETTINGS)
    async def show(self, request: AnyRequest, desk: Desk) -> Response[Any]:
        return _page(request, desk, _form_of(brand_of(desk.tenant)))

    @post("/", guards=SETTINGS)
    async def save(self, request: AnyRequest, desk: Desk, data: Form) -> Response[Any]:
        """Nothing typed is lost where something is refused."""
        form = {name: data.get(name, "").strip() for name in _names()}
        try:
            await save_brand(desk.session, _brand(form))
        except LowContrast as problem:
            return _page(request, desk, form, {"primary": problem.sentence(desk.locale)}, problem)
        except BadBrandWords as problem:
            said = problem.params
            field = f"{said['field']}.{said['locale']}" if said["field"] in WORDS else str(said["field"])
            return _page(
                request, desk, form, {field: t(desk.locale, "setup.brand.too_long", n=said["most"])}, problem
            )
        except msgspec.ValidationError as error:
            field = str(error).rpartition("$.")[2].strip("`")
            problem = BadRequest(reason=field)
            return _page(request, desk, form, {field: t(desk.locale, "setup.brand.bad_colour")}, problem)
        await progress.brand_done(desk.session)
        return back_to(HERE, "success", t(desk.locale, "setup.brand.saved"))

    @post("/logo", guards=SETTINGS)
    async def upload_logo(self, request: AnyRequest, desk: Desk) -> Response[Any]:
        file = (await request.form()).get("logo")
        data = await file.read() if isinstance(file, UploadFile) else b""
        try:
            await logos.set_logo(desk.session, desk.tenant, data)
        except UnsafePicture as problem:
            form = _form_of(brand_of(desk.tenant))
            return _page(request, desk, form, {"logo": problem.sentence(desk.locale)}, problem)
        return back_to(HERE, "success", t(desk.locale, "setup.brand.logo_saved"))

    @post("/logo/remove", guards=SETTINGS)
    async def remove_logo(self, desk: Desk) -> Redirect:
        await logos.remove_logo(desk.session, desk.tenant)
        return back_to(HERE, "success", t(desk.locale, "setup.brand.logo_removed"))


def _names() -> list[str]:
    return [*PLAIN, *[f"{field}.{locale}" for field in WORDS for locale in LOCALES]]


def _form_of(brand: Brand) -> dict[str, str]:
    form = {name: str(getattr(brand, name)) for name in PLAIN}
    return form | {
        f"{field}.{locale}": getattr(brand, field).get(locale, "") for field in WORDS for locale in LOCALES
    }


def _brand(form: dict[str, str]) -> Brand:
    """Raises ValidationError for what is no colour. Words that stand in one language only stand in both."""
    said = {field: {locale: form[f"{field}.{locale}"] for locale in LOCALES} for field in WORDS}
    for words in said.values():
        given = next((text for text in words.values() if text), "")
        words.update({locale: text or given for locale, text in words.items()})
    return msgspec.convert({name: form[name] for name in PLAIN} | said, Brand)


def _page(
    request: AnyRequest,
    desk: Desk,
    form: dict[str, str],
    errors: dict[str, str] | None = None,
    problem: Problem | None = None,
) -> Response[Any]:
    status = 422 if problem is not None else 200
    colour = form["primary"] if re.fullmatch(r"#[0-9A-Fa-f]{6}", form["primary"]) else "#ffffff"
    ratio = contrast(colour, "#ffffff")
    return staff_page(
        request, desk, "setup/brand.html", status=status, form=form, errors=errors or {}, brand=desk.tenant.brand,
        ratio=ratio, radii=RADII, longest=LONGEST, largest=logos.LARGEST // 1024,
    )  # fmt: skip
