"""The audit log: acts are in it, it cannot be changed, and an export is verified without the platform."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from duilian.infra.database import Database, TenantSession
from duilian.infra.errors import Problem
from duilian.infra.seals import SealKey
from duilian.platform.app.cli import cli
from duilian.tenants.audit_seals import Sealer
from inside import within
from world import World, open_world, run


@pytest.fixture(scope="module")
def world(alice: World) -> World:
    """A tenant in which somebody signed in, looked at a person, and took the log away."""
    world = open_world(alice.settings)
    invitation = world.invite()
    client = world.console("auditor")
    assert client.get(f"/console/interviews/{invitation['interview']}").status_code == 200
    return world


def exported(world: World) -> list[str]:
    answer = world.console("auditor").get("/console/audit/export")
    assert answer.status_code == 200
    return answer.text.splitlines(keepends=True)


def verified(tmp_path: Path, lines: list[str], *options: str) -> str:
    file = tmp_path / "audit.jsonl"
    file.write_text("".join(lines), "utf-8")
    result = CliRunner().invoke(cli, ["audit", "verify", str(file), *options])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        assert isinstance(result.exception, Problem)
        return result.exception.sentence("en")
    return result.output


def acts(lines: list[str]) -> list[dict[str, str]]:
    return [json.loads(json.loads(line)["entry"]) for line in lines if "entry" in json.loads(line)]


def test_sign_ins_views_changes_and_key_use_are_in_it(world: World) -> None:
    exported(world)
    found = {act["action"]: act for act in acts(exported(world))}
    assert {"tenant.opened", "member.added", "grant.made", "session.opened", "invitation.made", "report.viewed",
            "api-key.made", "key.opened", "audit.exported"} <= set(found)  # fmt: skip
    assert found["report.viewed"]["actor"].startswith("member:")
    assert found["report.viewed"]["network"] == "127.0.0.1"


def test_no_name_address_or_secret_is_in_it(world: World) -> None:
    text_ = "".join(exported(world))
    assert "林晓" not in text_ and "@candidate.example" not in text_ and world.api_key not in text_


def test_an_export_verifies_and_one_changed_byte_is_found(world: World, tmp_path: Path) -> None:
    lines = exported(world)
    assert "hold together" in verified(tmp_path, lines)
    for number in range(1, len(lines)):
        changed = [*lines[:number], lines[number].replace("member:", "nember:", 1), *lines[number + 1 :]]
        if changed != lines:
            assert "does not verify" in verified(tmp_path, changed)
    assert "does not verify" in verified(tmp_path, lines[:2] + lines[3:])
    assert "does not verify" in verified(tmp_path, [lines[0], *reversed(lines[1:])])


def test_a_day_is_sealed_once_and_a_rewritten_chain_does_not_fit_the_seal(
    world: World, tmp_path: Path
) -> None:
    async def seal() -> None:
        database = Database(world.settings.database_url, 1)
        try:
            for _ in range(2):
                await Sealer(database, SealKey(world.settings.audit_key_file)).run(world.tenant_id)
        finally:
            await database.close()

    run(seal())
    lines = exported(world)
    key = SealKey(world.settings.audit_key_file).name
    assert "1 days are sealed" in verified(tmp_path, lines, "--key", key)
    assert "not trusted" in verified(tmp_path, lines, "--key", "00" * 32)
    sealed = json.loads(lines[-1])
    forged = [*lines[:-1], json.dumps(sealed | {"day": "2020-01-01"})]
    assert "signature" in verified(tmp_path, forged)


@pytest.mark.parametrize(
    "statement",
    [
        "update audit_entries set entry = '{}'",
        "delete from audit_entries",
        "insert into audit_entries select * from audit_entries limit 1",
        "update audit_heads set seq = 0",
        "update audit_seals set seq = 0",
    ],
)
def test_the_application_cannot_rewrite_it(world: World, statement: str) -> None:
    async def attempt(session: TenantSession) -> None:
        await session.execute(text(statement))

    with pytest.raises(DBAPIError, match="permission denied"):
        within(world, attempt)


def test_what_is_rolled_back_leaves_no_trace_and_no_gap(world: World) -> None:
    before = len(acts(exported(world)))
    answer = world.console("admin").post("/console/people/roles", data={"name": "x"})
    assert answer.status_code == 403
    seqs = [json.loads(line)["seq"] for line in exported(world) if "entry" in json.loads(line)]
    assert seqs == list(range(1, len(seqs) + 1)) and len(seqs) > before


def test_the_page_filters_by_action_and_actor(world: World) -> None:
    client = world.console("auditor")
    page = client.get("/console/audit", params={"action": "report."}).text
    assert ">report.viewed</code>" in page and ">session.opened</code>" not in page
    nothing = client.get("/console/audit", params={"action": "no.such"}).text
    assert "<tbody>" not in nothing
