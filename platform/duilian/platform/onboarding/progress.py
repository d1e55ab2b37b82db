"""How far the setting up is: told from what there is, not from what was clicked."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import exists, select

from duilian.customization.models import PublishedSet
from duilian.infra import audit
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.platform.recruiting.models import Invitation
from duilian.platform.sessions.models import Interview
from duilian.platform.sessions.states import Status
from duilian.tenants.onboarding_models import Onboarding, TenantDomain, Trial
from duilian.tenants.trials import trial_of


@dataclass(frozen=True)
class Step:
    """key: company, admin, brand, domain, job, dry_run, invite. state: done, skipped or open."""

    key: str
    state: str

    @property
    def settled(self) -> bool:
        return self.state != "open"


@dataclass(frozen=True)
class Progress:
    """known: whether the tenant was opened alone; trial: None where there are no limits."""

    steps: list[Step]
    known: bool
    dismissed: bool
    trial: Trial | None

    @property
    def done(self) -> int:
        return sum(step.settled for step in self.steps)

    @property
    def following(self) -> Step | None:
        """The first that is open."""
        return next((step for step in self.steps if not step.settled), None)

    @property
    def reminds(self) -> bool:
        """Whether the home page should say that something is left."""
        return self.known and not self.dismissed and self.following is not None


async def progress(session: TenantSession) -> Progress:
    row = await session.scalar(select(Onboarding))
    verified = select(TenantDomain.id).where(TenantDomain.verified_at.is_not(None))
    ran = select(Interview.id).where(
        Interview.dry_run.is_(True), Interview.status.in_([Status.REPORTED, Status.ERASED])
    )
    invited = select(Invitation.id).where(Invitation.dry_run.is_(False))
    query = select(*[exists(part) for part in (verified, select(PublishedSet.id), ran, invited)])
    domain, job, dry_run, invite = (await session.execute(query)).one()
    skipped = row is not None and row.domain_skipped_at is not None
    steps = [
        Step("company", "done"),
        Step("admin", "done"),
        Step("brand", "done" if row is None or row.brand_at else "open"),
        Step("domain", "done" if domain else "skipped" if skipped else "open"),
        Step("job", "done" if job else "open"),
        Step("dry_run", "done" if dry_run else "open"),
        Step("invite", "done" if invite else "open"),
    ]
    dismissed = row is not None and row.dismissed_at is not None
    return Progress(steps, row is not None, dismissed, await trial_of(session))


async def brand_done(session: TenantSession) -> None:
    row = await _row(session)
    row.brand_at = row.brand_at or now()


async def skip_domain(session: TenantSession) -> None:
    (await _row(session)).domain_skipped_at = now()
    audit.record(session, "setup.domain-skipped", "tenant", session.tenant_id)


async def dismiss(session: TenantSession) -> None:
    """The home page reminds no more; the page itself stays."""
    (await _row(session)).dismissed_at = now()
    audit.record(session, "setup.dismissed", "tenant", session.tenant_id)


async def _row(session: TenantSession) -> Onboarding:
    row = await session.scalar(select(Onboarding).with_for_update())
    if row is None:  # of a tenant that somebody else had set up
        row = Onboarding(brand_at=now(), domain_skipped_at=None, dismissed_at=None)
        session.add(row)
    return row
