"""Tables of migration 0015: what reviewers and candidates say, and what is proposed for question sets because of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from duilian.platform.app.migrations.measure_tables import STATISTICS, TIME, column, tenanted, to
from duilian.platform.app.migrations.privacy_tables import OWN
from duilian.platform.app.migrations.protect import by_parent, grant


def create() -> None:
    _judgements()
    _surveys()
    _signals()
    _proposals()
    _effects()


def _judgements() -> None:
    name = "strictness_judgements"
    tenanted(
        name,
        column("report_id", sa.Uuid()),
        column("member_id", sa.Uuid()),
        column("competency", sa.String()),
        column("verdict", sa.String()),
        column("note_sealed", sa.LargeBinary(), needed=False),
        column("judged_at", TIME),
        sa.CheckConstraint(
            "verdict in ('strict', 'right', 'lenient')", name="ck_strictness_judgements_verdict"
        ),
        sa.UniqueConstraint(
            "tenant_id", "report_id", "member_id", "competency",
            name="uq_strictness_judgements_standing",
        ),
        to(name, "report_id", "reports"),
        to(name, "member_id", "members"),
    )  # fmt: skip
    by_parent(name, "reports", "report_id")
    grant(name)


def _surveys() -> None:
    """Seen in the candidate's own session, and read in one that says it makes statistics.

    The application never updates a row; the owner's function that renews seals does, in a session of statistics.
    """
    name = "surveys"
    tenanted(
        name,
        column("candidate_id", sa.Uuid()),
        column("interview_id", sa.Uuid()),
        column("set_key", sa.String()),
        column("answers", JSONB()),
        column("words_sealed", sa.LargeBinary(), needed=False),
        column("given_at", TIME),
        sa.UniqueConstraint("tenant_id", "interview_id", name="uq_surveys_tenant_id_interview_id"),
        to(name, "candidate_id", "candidates"),
        to(name, "interview_id", "interviews"),
    )
    op.create_index("ix_surveys_set_key", name, ["tenant_id", "set_key"])
    op.create_index("ix_surveys_candidate_id", name, ["tenant_id", "candidate_id"])
    op.execute(
        f"create policy own_or_counted on {name} as restrictive for select using (({OWN}) or {STATISTICS})"
    )
    for command, clause in (("insert", "with check"), ("delete", "using")):
        op.execute(f"create policy own_{command} on {name} as restrictive for {command} {clause} ({OWN})")
    op.execute(
        f"create policy own_or_renewed on {name} as restrictive for update using (({OWN}) or {STATISTICS})"
    )
    grant(name, "select, insert, delete")


def _signals() -> None:
    tenanted(
        "revision_signals",
        column("set_key", sa.String()),
        column("content", JSONB()),
        column("computed_at", TIME),
        sa.UniqueConstraint("tenant_id", "set_key", name="uq_revision_signals_tenant_id_set_key"),
    )
    grant("revision_signals")


def _proposals() -> None:
    name = "revision_proposals"
    tenanted(
        name,
        column("set_key", sa.String()),
        column("base_id", sa.Uuid()),
        column("base_version", sa.Integer()),
        column("state", sa.String()),
        column("proposed", JSONB()),
        column("chosen", JSONB()),
        column("findings", JSONB()),
        column("effect", JSONB(), needed=False),
        column("made_at", TIME),
        column("changed_by", sa.String(), needed=False),
        column("changed_at", TIME, needed=False),
        column("decided_by", sa.String(), needed=False),
        column("decided_at", TIME, needed=False),
        column("reason", sa.String()),
        column("published_id", sa.Uuid(), needed=False),
        sa.CheckConstraint(
            "state in ('open', 'superseded', 'rejected', 'published', 'taken_back')",
            name="ck_revision_proposals_state",
        ),
        to(name, "base_id", "published_sets"),
    )
    op.create_index(
        "uq_revision_proposals_open", name, ["tenant_id", "set_key"], unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )  # fmt: skip
    grant(name)


def _effects() -> None:
    """A replayed total goes with the report it was replayed from."""
    name = "revision_effects"
    tenanted(
        name,
        column("proposal_id", sa.Uuid()),
        column("report_id", sa.Uuid()),
        column("before", sa.Float()),
        column("after", sa.Float()),
        sa.UniqueConstraint(
            "tenant_id", "proposal_id", "report_id", name="uq_revision_effects_tenant_id_proposal_id_report_id"
        ),
        to(name, "proposal_id", "revision_proposals"),
        to(name, "report_id", "reports"),
    )  # fmt: skip
    by_parent(name, "reports", "report_id")
    grant(name, "select, insert, delete")
