"""Tables: imports of historic interviews, examples (an answer under a competency), their ratings, later outcomes."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from duilian.infra.database import Base, JsonObject, Tenanted
from duilian.infra.fields import sealed_json, sealed_text

_IMPORT = (["tenant_id", "import_id"], ["history_imports.tenant_id", "history_imports.id"])
_UNIT = (["tenant_id", "unit_id"], ["org_units.tenant_id", "org_units.id"])
_STANDING = text("superseded_at is null")


class HistoryImport(Tenanted, Base):
    """A file of historic interviews on its way in. state: draft, checked, importing, imported, failed, undone.

    kind: answers or outcomes. format: xlsx, csv, jsonl or audio (a zip with an index). preview: header and first rows.
    findings: what is wrong with which row. counts: rows by what becomes of them. done, total: progress of the job.
    The file itself lies in the object store until it is imported or thrown away.
    """

    __tablename__ = "history_imports"
    __table_args__ = (ForeignKeyConstraint(*_UNIT),)

    unit_id: Mapped[UUID]
    kind: Mapped[str]
    format: Mapped[str]
    file_name_sealed: Mapped[bytes]
    sha256: Mapped[str]
    size: Mapped[int]
    preview_sealed: Mapped[bytes | None]
    mapping_sealed: Mapped[bytes | None]
    findings_sealed: Mapped[bytes | None]
    state: Mapped[str]
    counts: Mapped[JsonObject]
    done: Mapped[int]
    total: Mapped[int]
    failure: Mapped[JsonObject | None]  # {"code", "params"} where the job gave up
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    checked_at: Mapped[datetime | None]
    imported_by: Mapped[str | None]
    imported_at: Mapped[datetime | None]
    undone_by: Mapped[str | None]
    undone_at: Mapped[datetime | None]

    file_name = sealed_text()
    preview = sealed_json()
    mapping = sealed_json()
    findings = sealed_json()


class Example(Tenanted, Base):
    """One answer to one question, to be rated for one competency.

    source: import or interview. item: what is compared with what, "set/question/competency". question: the text where
    it belongs to no published set. person_index: the same person, the same value; None where nobody knows. fingerprint:
    of item and answer, for duplicates. ai: what the scorer said, with its quotes; ai_level 1–5, ai_mean and ai_error in
    levels, beside it for sorting. seen_by: raters who were shown what the scorer said, and so cannot rate blindly. withheld_at: the person's consent is withdrawn and a legal hold keeps the row.
    """

    __tablename__ = "examples"
    __table_args__ = (
        ForeignKeyConstraint(*_IMPORT, ondelete="CASCADE"),
        ForeignKeyConstraint(*_UNIT),
        ForeignKeyConstraint(["tenant_id", "interview_id"], ["interviews.tenant_id", "interviews.id"]),
        ForeignKeyConstraint(
            ["tenant_id", "answer_id"], ["answers.tenant_id", "answers.id"], ondelete="CASCADE"
        ),
        UniqueConstraint("tenant_id", "answer_id", "competency", "fingerprint"),
        Index("ix_examples_fingerprint", "tenant_id", "fingerprint"),
        Index("ix_examples_person_index", "tenant_id", "person_index"),
        Index("ix_examples_import_id", "tenant_id", "import_id"),
        Index("ix_examples_interview_id", "tenant_id", "interview_id"),
    )

    unit_id: Mapped[UUID]
    source: Mapped[str]
    import_id: Mapped[UUID | None]
    row_number: Mapped[int | None]  # as the person sees it in the file, the header being row 1
    interview_id: Mapped[UUID | None]
    answer_id: Mapped[UUID | None]
    set_id: Mapped[UUID | None]
    set_key: Mapped[str]
    question_key: Mapped[str]
    question_sealed: Mapped[bytes | None]
    competency: Mapped[str]
    item: Mapped[str]
    language: Mapped[str]  # zh or en
    answer_sealed: Mapped[bytes]
    characters: Mapped[int]
    person_index: Mapped[bytes | None]
    fingerprint: Mapped[bytes]
    answered_on: Mapped[date | None]
    ai_sealed: Mapped[bytes | None]
    ai_level: Mapped[int | None]
    ai_mean: Mapped[float | None]
    ai_error: Mapped[float | None]
    seen_by: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    good_by: Mapped[str | None]
    good_at: Mapped[datetime | None]
    withheld_at: Mapped[datetime | None]
    created_at: Mapped[datetime]

    question = sealed_text()
    answer = sealed_text()
    ai = sealed_json()


class Rating(Tenanted, Base):
    """A level that somebody gave. A later one of the same kind supersedes it; both are kept.

    kind: first, second, adjudicated. rater: "member:{id}", "key:{id}", or "imported:{hex}" with the name beside it.
    evidence: [[offset, length]] in the answer. ai_level: the scorer's, where the rater saw it; blind: whether the rater
    saw neither that nor another's rating. original: the mark as the file had it. supersedes_id: what an undo restores.
    """

    __tablename__ = "ratings"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "example_id"], ["examples.tenant_id", "examples.id"], ondelete="CASCADE"
        ),
        Index(
            "uq_ratings_standing", "tenant_id", "example_id", "kind", unique=True, postgresql_where=_STANDING
        ),
        Index("ix_ratings_rater", "tenant_id", "rater"),
    )

    example_id: Mapped[UUID]
    kind: Mapped[str]
    rater: Mapped[str]
    rater_name_sealed: Mapped[bytes | None]
    level: Mapped[int]
    evidence: Mapped[list[Any]]
    reason_sealed: Mapped[bytes | None]
    blind: Mapped[bool]
    ai_level: Mapped[int | None]
    origin: Mapped[str]  # import, page, api
    original: Mapped[str | None]
    rated_at: Mapped[datetime]
    superseded_at: Mapped[datetime | None]
    supersedes_id: Mapped[UUID | None]

    rater_name = sealed_text()
    reason = sealed_text()


class Outcome(Tenanted, Base):
    """What became of a person after they were hired (试用期表现、留任). kind: see outcomes.KINDS; value in its unit."""

    __tablename__ = "outcomes"
    __table_args__ = (
        ForeignKeyConstraint(*_IMPORT, ondelete="CASCADE"),
        ForeignKeyConstraint(*_UNIT),
        UniqueConstraint("tenant_id", "import_id", "row_number", "kind"),
        Index("ix_outcomes_person_index", "tenant_id", "person_index"),
    )

    unit_id: Mapped[UUID]
    import_id: Mapped[UUID]
    row_number: Mapped[int]
    person_index: Mapped[bytes]
    kind: Mapped[str]
    value: Mapped[float]
    unit: Mapped[str]
    measured_on: Mapped[date | None]
    created_at: Mapped[datetime]
