"""Practice is the candidate's alone: no role, no key, no raw statement of the application sees or opens it."""

from __future__ import annotations

import ast
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select, text

from duilian.infra import sealing
from duilian.infra.database import Access, TenantSession
from duilian.infra.keys import KeyUnusable
from duilian.platform.privacy.models import PracticeAttempt
from duilian.tenants.keyring import keys_of, open_database, open_keyring
from duilian.tenants.rights import ROLES, Right
from finished import Finished
from inside import within
from world import World, open_world, run

ROOT = Path(__file__).parents[2]
WORDS = "只给自己听的练习"


@pytest.fixture(scope="module")
def world(alice: World) -> World:
    return open_world(alice.settings)


@pytest.fixture(scope="module")
def me(world: World) -> Finished:
    """Somebody who kept an attempt."""
    person = Finished(world, world.invite())
    kept = person.api.post(
        "/my-data/practice", content=WORDS.encode(), headers={"Content-Type": "text/plain; charset=utf-8"}
    )
    assert kept.status_code == 201, kept.text
    return person


def own(me: Finished) -> Access:
    async def find(session: TenantSession) -> UUID:
        query = text(
            "select v.candidate_id from invitations v join interviews i on i.invitation_id = v.id"
            " where i.id = cast(:id as uuid)"
        )
        return (await session.scalars(query, {"id": me.id})).one()

    return Access(actor="candidate", candidate_id=within(me.world, find))


def seen(world: World, access: Access) -> int:
    async def count(session: TenantSession) -> int:
        return await session.scalar(text("select count(*) from practice_attempts")) or 0

    return within(world, count, access)


def test_the_candidate_sees_plays_and_deletes_it(me: Finished) -> None:
    listed = me.mine()["practice"]
    assert [(p["mode"], p["size"]) for p in listed] == [("text", len(WORDS.encode()))]
    opened = me.api.get(f"/my-data/practice/{listed[0]['id']}")
    assert opened.text == WORDS
    assert "sandbox" in opened.headers["content-security-policy"]
    assert seen(me.world, own(me)) == 1
    extra = me.api.post("/my-data/practice", content=b"x" * 99, headers={"Content-Type": "audio/webm"}).json()
    assert me.api.delete(f"/my-data/practice/{extra['id']}").status_code == 204
    assert me.api.get(f"/my-data/practice/{extra['id']}").status_code == 404


def test_another_candidate_does_not(me: Finished) -> None:
    other = Finished(me.world, me.world.invite())
    assert other.mine()["practice"] == []
    attempt = me.mine()["practice"][0]["id"]
    assert other.api.get(f"/my-data/practice/{attempt}").status_code == 404
    assert other.api.delete(f"/my-data/practice/{attempt}").status_code == 404


@pytest.mark.parametrize("role", sorted(ROLES))
def test_no_member_of_the_employer_sees_it(me: Finished, role: str) -> None:
    """Whatever the role: every page it may open, and a session as its pages have it."""
    attempt = me.mine()["practice"][0]["id"]
    office = me.world.console(role)
    for path in ("", f"/interviews/{me.id}", "/interviews", "/audit", "/audit/export", "/retention"):
        page = office.get(f"/console{path}").text
        assert attempt not in page and WORDS not in page
    assert office.get(f"/t/{me.world.slug}/i/{attempt}/my-data").status_code == 404
    assert seen(me.world, Access(actor=f"member:{role}", units=None)) == 0


def test_no_program_of_the_employer_sees_it(me: Finished) -> None:
    attempt = me.mine()["practice"][0]["id"]
    with me.world.api() as program:
        for path in (f"/interviews/{me.id}", "/interviews", f"/interviews/{me.id}/answers/practice/media"):
            assert attempt not in program.get(f"/api/v1{path}").text


@pytest.mark.parametrize("setting", ["*", "", "{}", "00000000-0000-0000-0000-000000000000"])
def test_raw_sql_under_the_applications_role_sees_no_row(me: Finished, setting: str) -> None:
    async def count(session: TenantSession) -> int:
        await session.execute(text("select set_config('app.candidate_id', :value, true)"), {"value": setting})
        await session.execute(text("select set_config('app.units', '*', true)"))
        return await session.scalar(text("select count(*) from practice_attempts")) or 0

    assert within(me.world, count) == 0


def test_staff_sessions_get_no_key_for_it(me: Finished) -> None:
    async def ask(access: Access) -> bytes:
        keyring = open_keyring(me.world.settings)
        database = open_database(me.world.settings, keyring, 1)
        try:
            async with database.begin(me.world.tenant_id, access) as session:
                return await keyring.practice(session)
        finally:
            await database.close()

    assert len(run(ask(own(me)))) == 32
    with pytest.raises(KeyUnusable):
        run(ask(Access(actor="member:admin")))


def test_the_employers_key_does_not_open_it(me: Finished) -> None:
    """Not even with the ciphertext in hand."""

    async def take(session: TenantSession) -> tuple[UUID, bytes]:
        row = (await session.execute(select(PracticeAttempt.id, PracticeAttempt.ciphertext))).one()
        return row.id, row.ciphertext

    access = own(me)
    attempt_id, ciphertext = within(me.world, take, access)
    assert WORDS.encode() not in ciphertext

    async def pry(session: TenantSession) -> int:
        keys = keys_of(session)
        bound = f"duilian-practice|{session.tenant_id}|{access.candidate_id}|{attempt_id}".encode()
        candidates = [*keys.versions.values(), keys.index, keys.derive("practice"), keys.derive("fields")]
        opened = 0
        for key in candidates:
            try:
                sealing.unseal(ciphertext, key, bound)
                opened += 1
            except Exception:
                continue
        return opened

    assert within(me.world, pry) == 0


def test_a_row_cannot_be_written_for_another_candidate(me: Finished) -> None:
    other = Access(actor="candidate", candidate_id=UUID(int=7))

    async def forge(session: TenantSession) -> None:
        statement = text(
            "insert into practice_attempts (tenant_id, id, candidate_id, set_key, mode, content_type, size, ciphertext,"
            " created_at) values (:tenant, gen_random_uuid(), :candidate, 'x', 'text', 'text/plain', 1, 'x', now())"
        )
        names = {"tenant": session.tenant_id, "candidate": own_id}
        await session.execute(statement, names)

    own_id = own(me).candidate_id
    with pytest.raises(Exception, match="row-level security"):
        within(me.world, forge, other)


def test_only_the_candidates_own_paths_name_a_candidate() -> None:
    """No page, route or job of the employer can enter a candidate's session: two files name one.

    `rotation.py` names an identifier that nobody has, to wrap keys anew without opening what they seal.
    """
    naming: set[str] = set()
    for root in ("platform", "tenants", "infra", "customization", "billing"):
        for source in (ROOT / root / "duilian").rglob("*.py"):
            for node in ast.walk(ast.parse(source.read_text("utf-8"))):
                is_access = isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Access")
                if is_access and any(k.arg == "candidate_id" for k in node.keywords):
                    naming.add(source.name)
    assert naming == {"practice.py", "erasing.py", "rotation.py"}


def test_too_much_and_the_wrong_kind_is_refused(me: Finished) -> None:
    for content, kind, code in (
        (b"", "text/plain", "attempt-empty"),
        (b"MZ", "application/x-msdownload", "attempt-kind"),
        (b"x" * (5 * 1024 * 1024 + 1), "audio/webm", "too-large"),
    ):
        refused = me.api.post("/my-data/practice", content=content, headers={"Content-Type": kind})
        assert refused.json()["code"] == code, refused.text
    assert Right.INTERVIEWS_READ in ROLES["recruiter"]
