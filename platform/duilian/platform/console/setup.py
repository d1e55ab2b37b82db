"""`/console/setup`: what is left to do before the first candidate comes, the first job, and the dry run."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import Provide
from litestar.response import Redirect

from duilian.customization.packs import shipped_sets
from duilian.customization.samples import LEVELS, has_samples
from duilian.customization.schemas import QuestionSet
from duilian.customization.service import content_of, newest_set, newest_sets, publish
from duilian.infra import audit
from duilian.platform.console.desk import Desk, member_with, provide_desk
from duilian.platform.console.shell import AnyRequest, Form, staff_page
from duilian.platform.onboarding import dry_run, progress
from duilian.platform.onboarding.company import industry_name
from duilian.platform.web.edge import back_to
from duilian.platform.web.words import LOCALES, t
from duilian.tenants.rights import Right

SETTINGS = [member_with(Right.SETTINGS)]
HERE = "/console/setup"


class SetupPages(Controller):
    path = HERE
    include_in_schema = False
    dependencies = {"desk": Provide(provide_desk)}  # noqa: RUF012  # the framework's own convention

    @get("/", guards=SETTINGS)
    async def show(self, request: AnyRequest, desk: Desk) -> Response[Any]:
        return staff_page(request, desk, "setup/index.html", progress=await progress.progress(desk.session))

    @post("/dismiss", guards=SETTINGS)
    async def dismiss(self, desk: Desk) -> Redirect:
        await progress.dismiss(desk.session)
        return back_to("/console", "success", t(desk.locale, "setup.dismissed"))

    @get("/job", guards=SETTINGS)
    async def job(self, request: AnyRequest, desk: Desk) -> Response[Any]:
        return await _job_page(request, desk)

    @post("/job", guards=SETTINGS)
    async def choose_job(self, request: AnyRequest, desk: Desk, data: Form) -> Response[Any]:
        """Publishes an immutable version; the same content again is the version there is."""
        wanted = next((s for s in shipped_sets(desk.tenant.industry) if s.key == data.get("set")), None)
        if wanted is None:
            return await _job_page(request, desk, missing=True)
        row = await publish(desk.session, wanted, desk.actor.label)
        facts = {"set": row.key, "version": row.version}
        audit.record(desk.session, "set.published", "set", row.id, after=facts)
        message = t(desk.locale, "setup.job.published", title=_said(desk, wanted.job.title))
        return back_to(HERE, "success", message)

    @get("/dry-run", guards=SETTINGS)
    async def dry_runs(self, request: AnyRequest, desk: Desk) -> Response[Any]:
        return staff_page(
            request, desk, "setup/dry_run.html", runs=await dry_run.runs(desk.session),
            choices=await _choices(desk), levels=LEVELS, titles=await _titles(desk),
        )  # fmt: skip

    @post("/dry-run", guards=SETTINGS)
    async def start_dry_run(self, desk: Desk, data: Form) -> Redirect:
        """set: key and language, "complaint|en"; level: how good the simulated candidate is."""
        key, _, locale = data.get("set", "").partition("|")
        level = data.get("level", LEVELS[0])
        published = await newest_set(desk.session, key)
        locale = locale if locale in LOCALES else desk.tenant.locale
        name = t(locale, f"setup.dry_run.person_{level if level == 'weak' else 'strong'}")
        interview = await dry_run.start(desk.session, desk.key, desk.tenant, published, level, locale, name)
        return back_to(f"/console/interviews/{interview.id}")

    @post("/dry-run/{interview_id:uuid}/erase", guards=SETTINGS)
    async def erase_dry_run(self, desk: Desk, interview_id: UUID) -> Redirect:
        await dry_run.erase(desk.session, interview_id)
        return back_to(f"{HERE}/dry-run", "success", t(desk.locale, "setup.dry_run.erased"))


async def _job_page(request: AnyRequest, desk: Desk, *, missing: bool = False) -> Response[Any]:
    published = {row.key: row.version for row in await newest_sets(desk.session)}
    return staff_page(
        request, desk, "setup/job.html", status=422 if missing else 200, missing=missing,
        sets=shipped_sets(desk.tenant.industry), published=published,
        industry=industry_name(desk.locale, desk.tenant.industry),
    )  # fmt: skip


async def _choices(desk: Desk) -> list[tuple[str, QuestionSet, str]]:
    """(value, set, language) of every interview that can be simulated, in the tenant's language first."""
    order = sorted(LOCALES, key=lambda locale: locale != desk.tenant.locale)
    sets = [content_of(row) for row in await newest_sets(desk.session)]
    return [
        (f"{content.key}|{locale}", content, locale)
        for locale in order
        for content in sets
        if has_samples(content, locale)
    ]


async def _titles(desk: Desk) -> dict[str, dict[str, str]]:
    return {row.key: row.content["title"] for row in await newest_sets(desk.session)}


def _said(desk: Desk, words: dict[str, str]) -> str:
    return words.get(desk.locale) or next(iter(words.values()))
