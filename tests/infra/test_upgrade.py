"""Upgrading a database of the first version: nothing is lost, nothing stays in the clear, old links open."""

from __future__ import annotations

import base64
import json
from uuid import UUID, uuid4

import msgspec
import pytest
from sqlalchemy import create_engine, select, text

from duilian.infra.ids import new_id
from duilian.infra.keys import aead
from duilian.infra.local.plan import ports_of
from duilian.infra.local.postgres import LocalPostgres
from duilian.infra.settings import Settings
from duilian.platform.app import migrations
from duilian.platform.app.up import Stack
from duilian.platform.recruiting.links import invitation_of, token_of
from duilian.platform.recruiting.models import Candidate, Invitation
from duilian.platform.reports.models import Report
from duilian.tenants.actors import actor_of_member
from duilian.tenants.gate_settings import GateSettings, gate_of
from duilian.tenants.keyring import OpenTenantKey, keys_of, open_database, open_keyring
from duilian.tenants.people import member_by_email
from duilian.tenants.rights import Right
from world import run

TENANT, CANDIDATE, INVITATION, INTERVIEW = (new_id() for _ in range(4))
LEAKED = ["第一份流传的答案，二十个字以上才会保留下来。", "第二份流传的答案，也在二十个字以上，一样保留。"]
KEY = b"\5" * 32
REPORT = {"total": {"score": 7.5, "outcome": "scored"}, "integrity": [{"kind": "paste"}], "answers": ["原话"]}


@pytest.fixture(scope="module")
def upgraded(stack: Stack) -> Settings:
    """A database at the first version with one person's interview, brought to this version."""
    server = LocalPostgres(stack.settings.data_dir, ports_of(stack.settings).postgres)
    urls = server.create_database(f"old_{uuid4().hex[:8]}")
    settings = msgspec.structs.replace(stack.settings, database_url=urls.app, database_owner_url=urls.owner)
    migrations.upgrade(urls.owner, "0001", settings)
    _fill(urls.owner, settings)
    migrations.upgrade(urls.owner, "0013", settings)
    _leak(urls.owner)
    migrations.upgrade(urls.owner, settings=settings)
    return settings


def _fill(url: str, settings: Settings) -> None:
    """Rows as the first version wrote them."""
    master = settings.master_key_file.read_text().split()[0]
    wrapped = aead.wrap(base64.b64decode(master), KEY, f"duilian-tenant-key|{TENANT}|1".encode())
    names = {
        "t": TENANT, "c": CANDIDATE, "i": INVITATION, "v": INTERVIEW, "s": new_id(), "r": new_id(), "m": new_id(),
        "k": new_id(), "wrapped": wrapped, "content": json.dumps(REPORT),
    }  # fmt: skip
    statements = (
        "select set_config('app.tenant_id', cast(:t as text), true)",
        "insert into tenants (id, slug, name, industry, locale, time_zone, brand, vocabulary, created_at) values"
        " (:t, 'old', '{\"zh-CN\": \"旧企业\"}', 'retail', 'zh-CN', 'Asia/Shanghai', '{}', '{}', now())",
        "insert into tenant_keys (tenant_id, id, version, wrapped, created_at) values (:t, :k, 1, :wrapped, now())",
        "insert into members (tenant_id, id, email, name, role, password_hash, locale, created_at)"
        " values (:t, :m, 'hr@old.example', '王芳', 'recruiter', 'x', 'zh-CN', now())",
        "insert into candidates (tenant_id, id, name, email, created_at)"
        " values (:t, :c, '李雷', 'lei@old.example', now())",
        "insert into published_sets (tenant_id, id, key, version, content, sha256, published_at, published_by)"
        " values (:t, :s, 'complaint', 1, '{}', 'x', now(), 'x')",
        "insert into invitations (tenant_id, id, candidate_id, set_id, set_key, locale, invited_by, created_at,"
        " deadline) values (:t, :i, :c, :s, 'complaint', 'zh-CN', 'x', now(), now())",
        "insert into interviews (tenant_id, id, invitation_id, set_id, status, locale, language, deadline, created_at)"
        " values (:t, :v, :i, :s, 'reported', 'zh-CN', 'zh', now(), now())",
        "insert into reports (tenant_id, id, interview_id, revision, content, sha256, created_at)"
        " values (:t, :r, :v, 1, cast(:content as jsonb), 'x', now())",
    )
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            wanted = {name: value for name, value in names.items() if f":{name}" in statement}
            connection.execute(text(statement), wanted)
    engine.dispose()


def _leak(url: str) -> None:
    """Known answers as version 0013 kept them: among the thresholds, in the clear."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("select set_config('app.tenant_id', :t, true)"), {"t": str(TENANT)})
        gate = json.dumps({"least_seconds": 5, "leaked": LEAKED})
        connection.execute(text("update tenants set gate = cast(:gate as jsonb)"), {"gate": gate})
    engine.dispose()


def test_known_answers_are_sealed_and_read_as_before(upgraded: Settings) -> None:
    async def read() -> tuple[GateSettings, str]:
        database = open_database(upgraded, open_keyring(upgraded), 1)
        try:
            async with database.begin(TENANT) as session:
                stored = await session.scalar(text("select gate::text || (select string_agg(l::text, '') from leaked_answers l) from tenants"))  # fmt: skip
                return await gate_of(session), str(stored)
        finally:
            await database.close()

    found, stored = run(read())
    assert (found.least_seconds, found.leaked) == (5, LEAKED)
    assert all(words not in stored and words.encode().hex() not in stored for words in LEAKED)


def test_people_and_reports_read_as_before(upgraded: Settings) -> None:
    async def read() -> tuple[str, str, object, object, object]:
        database = open_database(upgraded, open_keyring(upgraded), 1)
        try:
            async with database.begin(TENANT) as session:
                person = (await session.scalars(select(Candidate))).one()
                report = (await session.scalars(select(Report))).one()
                return person.name, person.email, report.content, report.total, report.flags
        finally:
            await database.close()

    assert run(read()) == ("李雷", "lei@old.example", REPORT, REPORT["total"], 1)


def test_members_keep_their_role_at_the_root(upgraded: Settings) -> None:
    async def rights() -> frozenset[Right]:
        database = open_database(upgraded, open_keyring(upgraded), 1)
        try:
            async with database.begin(TENANT) as session:
                member = await member_by_email(session, "HR@old.example")
                assert member is not None and member.name == "王芳"
                return (await actor_of_member(session, member, "")).rights
        finally:
            await database.close()

    assert Right.INVITATIONS_WRITE in run(rights())


def test_links_that_were_sent_still_open(upgraded: Settings) -> None:
    old = token_of(OpenTenantKey(TENANT, 1, {1: KEY}, KEY), INVITATION)

    async def opened() -> UUID:
        database = open_database(upgraded, open_keyring(upgraded), 1)
        try:
            async with database.begin(TENANT) as session:
                assert (await session.scalars(select(Invitation))).one().unit_id is not None
                return invitation_of(keys_of(session), old)
        finally:
            await database.close()

    assert run(opened()) == INVITATION


def test_nothing_stays_in_the_clear(upgraded: Settings) -> None:
    engine = create_engine(upgraded.database_owner_url)
    found: list[str] = []
    with engine.begin() as connection:
        connection.execute(
            text("select set_config('app.tenant_id', :t, true), set_config('app.units', '*', true)"),
            {"t": str(TENANT)},
        )
        for table in ("candidates", "members", "reports", "interviews"):
            rows = connection.execute(text(f"select cast(t as text) from {table} t")).scalars()
            found += rows
    engine.dispose()
    everything = " ".join(found)
    assert len(found) == 4
    for words in ("李雷", "lei@old.example", "王芳", "hr@old.example", "原话"):
        assert words not in everything and words.encode().hex() not in everything
