"""Personal fields: unreadable in the database, bound to their place, found by index and by parts."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import text

from duilian.infra.database import TenantSession
from duilian.infra.fields import FieldCipher
from duilian.infra.ids import new_id
from duilian.infra.keys import KeyOutdated, KeyUnusable
from inside import within
from world import World

TENANT, ROW = UUID(int=1), UUID(int=2)
OLD = FieldCipher(TENANT, {1: b"\1" * 32}, b"\7" * 32)
NEW = FieldCipher(TENANT, {1: b"\1" * 32, 2: b"\2" * 32}, b"\7" * 32)


def test_a_rotated_key_opens_what_the_old_one_sealed_and_seals_anew() -> None:
    sealed = OLD.seal("candidates.name", ROW, "林晓")
    assert NEW.open("candidates.name", ROW, sealed) == "林晓"
    with pytest.raises(KeyOutdated):
        OLD.open("candidates.name", ROW, NEW.seal("candidates.name", ROW, "林晓"))


@pytest.mark.parametrize(("column", "row"), [("candidates.email", ROW), ("candidates.name", new_id())])
def test_a_field_moved_elsewhere_does_not_open(column: str, row: UUID) -> None:
    sealed = OLD.seal("candidates.name", ROW, "林晓")
    with pytest.raises(KeyUnusable):
        OLD.open(column, row, sealed)
    with pytest.raises(KeyUnusable):
        FieldCipher(new_id(), {1: b"\1" * 32}, b"\7" * 32).open("candidates.name", ROW, sealed)


def test_terms_of_a_part_are_among_those_of_the_whole() -> None:
    whole = set(OLD.terms("candidates.name", "Lin Xiao 林晓"))
    for part in ("lin", "XIAO", "林", "n x", "ａ"):
        assert set(OLD.terms("candidates.name", part)) <= whole
    assert not set(OLD.terms("candidates.name", "zq")) <= whole


def test_index_ignores_case_and_width_and_differs_by_column() -> None:
    assert OLD.index("candidates.email", " Ａ@B.example ") == OLD.index("candidates.email", "a@b.example")
    assert OLD.index("members.email", "a@b.example") != OLD.index("candidates.email", "a@b.example")


def test_no_name_or_address_lies_in_the_database(alice: World) -> None:
    alice.invite(name="独一无二的名字", email="only.once@people.example")

    async def whole(session: TenantSession) -> str:
        # What the application may not read at all (drafts of tenants) is looked at by test_start.
        readable = text(
            "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
            " and has_table_privilege(oid, 'select')"
        )
        tables = (await session.execute(readable)).scalars()
        rows = [
            (await session.execute(text(f"select string_agg(t::text, ' ') from {table} t"))).scalar()
            for table in tables
            if table not in ("tenant_directory", "alembic_version")
        ]
        return " ".join(str(row) for row in rows)

    everything = within(alice, whole)
    assert "独一无二的名字" not in everything and "only.once@people.example" not in everything
    for word in ("独一无二的名字", "only.once@people.example"):
        assert word.encode().hex() not in everything
