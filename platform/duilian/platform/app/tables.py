"""Every table: importing this module fills `Base.metadata`."""

from __future__ import annotations

from duilian.billing import models as billing
from duilian.customization import models as customization
from duilian.customization.anchors import models as anchors
from duilian.customization.labels import models as labels
from duilian.customization.training import models as training
from duilian.customization.vocabulary import models as vocabulary
from duilian.infra import audit, events, mail
from duilian.infra.database import Base
from duilian.platform.decisions import models as decisions
from duilian.platform.live import models as live
from duilian.platform.measuring import models as measuring
from duilian.platform.media import models as media
from duilian.platform.opinions import models as opinions
from duilian.platform.privacy import models as privacy
from duilian.platform.recruiting import models as recruiting
from duilian.platform.reports import counterfactual
from duilian.platform.reports import models as reports
from duilian.platform.revising import models as revising
from duilian.platform.scoring import models as scoring
from duilian.platform.sessions import models as sessions
from duilian.tenants import account_models as accounts
from duilian.tenants import closures, policy_store
from duilian.tenants import models as tenants
from duilian.tenants import onboarding_models as onboarding

MODULES = (
    accounts,
    mail,
    tenants,
    closures,
    onboarding,
    policy_store,
    customization,
    labels,
    audit,
    events,
    recruiting,
    live,
    media,
    sessions,
    scoring,
    counterfactual,
    reports,
    decisions,
    privacy,
    anchors,
    measuring,
    training,
    opinions,
    revising,
    vocabulary,
    billing,
)
metadata = Base.metadata
