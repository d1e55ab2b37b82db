"""Closing a company's account: asked for, undone, held back; then erased, and no copy opens."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest
from sqlalchemy import create_engine, text

from commands import duilian, refused
from copies import Copied, as_admin, copy_of, media_of, names
from duilian.infra.database import TenantSession
from duilian.infra.keys import KeyDestroyed
from duilian.infra.objects import ObjectStore, ObjectStoreDown
from duilian.infra.seals import SealKey
from duilian.platform.app.up import Stack
from duilian.platform.privacy.closing import TenantEraser
from duilian.tenants import closures
from duilian.tenants.errors import NotClosing, SlugTaken
from duilian.tenants.keyring import open_database, open_keyring
from duilian.tenants.sessions import csrf_token
from inside import within
from ledger import rows
from letters import letter_to
from playing import play, publish_written, report_of, shipped, spoken, written
from world import PASSWORD, World, open_world, run

SPOKEN, WRITTEN = spoken("zh", "weak", "complaint")[0], written("complaint", "medium", "zh")
KEPT = {"tenants", "tenant_closures", "audit_entries", "audit_heads", "audit_seals", "usage_events"}


@pytest.fixture(scope="module")
def world(stack: Stack) -> World:
    return open_world(stack.settings, locale="en")


@pytest.fixture(scope="module")
def owner(world: World) -> httpx.Client:
    return world.console("owner")


def send(client: httpx.Client, path: str, **form: str) -> httpx.Response:
    secret = client.cookies["duilian_session"].partition(".")[2]
    return client.post(path, data=form | {"csrf": csrf_token(secret)})


def closing_link(world: World, letter: int = 1) -> str:
    words = letter_to(world, f"owner@{world.slug}.example", letter).part("plain")
    return re.findall(re.escape(world.url) + r"/closed/\S+", words)[0].removesuffix("?lang=en")


def shown(link: str) -> str:
    return httpx.get(link, params={"lang": "en"}, trust_env=False).text


def test_asking_wants_name_and_password(owner: httpx.Client, world: World) -> None:
    assert "Close the account" in owner.get("/console/closing").text
    wrong = send(owner, "/console/closing", name="another", password=PASSWORD)
    assert (wrong.status_code, "nothing was changed" in wrong.text) == (422, True)
    wrong = send(owner, "/console/closing", name=world.slug, password="not mine")
    assert wrong.status_code in (401, 403, 422)
    assert rows(world, "select count(*) as n from tenant_closures")[0]["n"] == 0
    assert world.invite()["token"]


def test_only_an_owner_may_ask(world: World) -> None:
    admin = world.console("admin")
    assert send(admin, "/console/closing", name=world.slug, password=PASSWORD).status_code == 403
    assert "/console/closing" not in admin.get("/console").text


def test_nothing_new_begins_while_it_stands_and_it_can_be_undone(owner: httpx.Client, world: World) -> None:
    invitation = world.invite(locale="en")
    candidate = world.candidate(invitation)
    version = candidate.get("/").json()["consents"]
    decided = dict.fromkeys(version["decisions"], True)
    candidate.put("/consents", json={"version": version["version"], "decisions": decided})
    assert send(owner, "/console/closing", name=world.slug, password=PASSWORD).status_code == 303

    again = world.api().post(
        "/api/v1/invitations", json={"name": "x", "email": "x@y.example", "question_set": world.set_key}
    )
    assert (again.status_code, again.json()["code"]) == (409, "tenant-closing")
    assert candidate.post("/start").json()["code"] == "tenant-closing"
    page = httpx.get(f"{world.url}/t/{world.slug}/i/{invitation['token']}/begin", trust_env=False)
    assert "can no longer be started" in page.text
    assert "account closes on" in world.console("recruiter").get("/console").text
    assert "Until then an owner can undo it" in shown(closing_link(world))
    assert httpx.get(closing_link(world) + "/receipt.json", trust_env=False).status_code == 404

    assert send(owner, "/console/closing/withdraw").status_code == 303
    assert candidate.post("/start").status_code == 200
    assert "stays" in str(letter_to(world, f"owner@{world.slug}.example", 2).message["Subject"])
    assert "was undone" in shown(closing_link(world))
    assert send(owner, "/console/closing/withdraw").status_code == 409


@pytest.fixture(scope="module")
def interview(world: World) -> str:
    """Played, reported, with practice that the candidate kept."""
    interview = play(world, publish_written(world, shipped("retail", "complaint")), [SPOKEN, *WRITTEN[1:]])
    report_of(world, interview)
    invitation = world.invite(locale="zh-CN")
    kept = world.candidate(invitation).post(
        "/my-data/practice", content="只给我自己看的练习。".encode(), headers={"Content-Type": "text/plain"}
    )
    assert kept.status_code == 201, kept.text
    return interview


def test_a_legal_hold_puts_it_off(stack: Stack, world: World, owner: httpx.Client, interview: str) -> None:
    send(owner, f"/console/interviews/{interview}/hold", reason="劳动仲裁进行中")
    asked = duilian(stack, "tenant", "delete", "--tenant", world.slug, "--now", "--yes", "--json")
    assert asked.returncode == 0, asked.stderr
    assert json.loads(asked.stdout)["receipt"] is None
    said = "select count(*) as n from audit_entries where action = 'tenant.closing-held'"
    assert rows(world, said)[0]["n"] >= 1
    assert "林晓" in names(world)
    assert duilian(stack, "tenant", "keep", "--tenant", world.slug).returncode == 0
    refused(duilian(stack, "tenant", "keep", "--tenant", world.slug), "no closing to undo")
    send(owner, f"/console/interviews/{interview}/hold/lift")


@pytest.fixture(scope="module")
def bystander(stack: Stack) -> World:
    other = open_world(stack.settings)
    other.invite(name="旁观者")
    return other


@pytest.fixture(scope="module")
def copied(stack: Stack, world: World, interview: str) -> Iterator[Copied]:
    with copy_of(stack, world, "before-closing") as copy:
        yield copy


@pytest.fixture(scope="module")
def receipt(stack: Stack, world: World, copied: Copied, bystander: World) -> dict[str, object]:
    """The tenant is erased: the command is stopped half way by an object store that is down, and goes on."""
    assert "林晓" in names(copied.world)
    assert media_of(copied.world)
    broken = msgspec.structs.replace(stack.settings, s3_endpoint="http://127.0.0.1:9")

    async def asked(session: TenantSession) -> str:
        """The worker's job lies in the future; the days of grace pass here."""
        row, _ = await closures.ask(session, world.slug, 1)
        row.due_at = row.asked_at
        return str(row.id)

    async def erase(closure: str, store: ObjectStore) -> None:
        keyring = open_keyring(stack.settings)
        database = open_database(stack.settings, keyring, 2)
        try:
            key = SealKey(stack.settings.audit_key_file)
            await TenantEraser(database, store, keyring, key).run(world.tenant_id, closure)
        finally:
            await database.close()

    closure = within(world, asked)
    with pytest.raises(ObjectStoreDown):
        run(erase(closure, ObjectStore(broken)))
    with pytest.raises(NotClosing):
        within(world, closures.withdraw)
    run(erase(closure, ObjectStore(stack.settings)))
    found = duilian(stack, "tenant", "receipt", str(world.tenant_id))
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout)


def test_no_row_is_left(stack: Stack, world: World, receipt: dict[str, object]) -> None:
    """Asked by the administrator, whom no policy binds; what is listed as kept is all there is."""
    script = (
        "select format('select %L, count(*) from %I where %s = %L;', c.relname, c.relname, a.attname, "
        f"'{world.tenant_id}') from pg_class c join pg_attribute a on a.attrelid = c.oid and (a.attname = 'tenant_id'"
        " or c.relname = 'tenants' and a.attname = 'id') where c.relkind = 'r' and c.relnamespace ="
        " 'public'::regnamespace \\gexec"
    )
    told = as_admin(stack, "psql", "-At", "-d", "duilian", words=script.encode()).decode().split()
    left = {name for name, _, count in (line.partition("|") for line in told) if int(count)}
    assert left <= KEPT
    assert {"tenants", "tenant_closures", "audit_entries"} <= left
    assert run(ObjectStore(stack.settings).names(world.tenant_id)) == []


def test_the_receipt_tells_it_and_is_genuine(
    stack: Stack, world: World, receipt: dict[str, object], tmp_path: Path
) -> None:
    counted = receipt["rows"]
    assert isinstance(counted, dict)
    for table in ("candidates", "interviews", "reports", "practice_attempts", "members", "answers"):
        assert counted[table] > 0, table
    assert receipt["objects"] and receipt["tenant"] == {"id": str(world.tenant_id), "slug": world.slug}
    file = tmp_path / "receipt.json"
    file.write_text(json.dumps(receipt))
    assert duilian(stack, "tenant", "verify", str(file)).returncode == 0
    file.write_text(json.dumps(receipt | {"objects": 0}))
    refused(duilian(stack, "tenant", "verify", str(file)), "changed")


def test_the_link_shows_the_receipt_when_nobody_can_sign_in(world: World, receipt: dict[str, object]) -> None:
    assert "was undone" in shown(closing_link(world)), "an older link tells of its own request"
    form = {"tenant": world.slug, "email": f"owner@{world.slug}.example", "password": PASSWORD, "lang": "en"}
    door = httpx.post(f"{world.url}/console/sign-in", data=form, trust_env=False)
    # 410 where a process still knows the name, which it does for half a minute
    assert door.status_code in (401, 410)
    assert httpx.get(f"{world.url}/t/{world.slug}/sign-in", trust_env=False).status_code in (404, 410)
    assert world.api().get("/api/v1/interviews").status_code in (401, 410)


def test_no_copy_opens(copied: Copied, receipt: dict[str, object]) -> None:
    with pytest.raises(KeyDestroyed):
        names(copied.world)
    with pytest.raises(KeyDestroyed):
        media_of(copied.world)


def test_the_log_stays_whole(stack: Stack, world: World, receipt: dict[str, object]) -> None:
    entries = rows(world, "select action from audit_entries order by seq")
    assert entries[-1]["action"] == "tenant.closed"
    assert {"key.destroyed", "tenant.closing-asked"} <= {entry["action"] for entry in entries}


def test_the_name_is_not_given_to_another(stack: Stack, world: World, receipt: dict[str, object]) -> None:
    with pytest.raises(SlugTaken):
        open_world(stack.settings, slug=world.slug)


def test_others_are_not_touched(bystander: World, receipt: dict[str, object]) -> None:
    assert names(bystander) == ["旁观者"]
    assert bystander.invite()["token"]


def test_the_worker_erases_when_it_is_due(stack: Stack) -> None:
    """The whole way as it runs by itself: the job that was written with the request."""
    other = open_world(stack.settings, "manufacturing")
    other.invite()

    async def asked(session: TenantSession) -> str:
        return (await closures.ask(session, other.slug, 0))[1]

    link = f"{other.url}/closed/{within(other, asked)}"
    deadline = time.monotonic() + 60
    while "erased for good." not in (page := shown(link)):
        assert time.monotonic() < deadline, page
        time.sleep(0.2)
    told = httpx.get(link + "/receipt.json", trust_env=False)
    assert told.json()["tenant"]["slug"] == other.slug


def test_the_database_refuses_what_is_not_due(stack: Stack, bystander: World) -> None:
    """Whoever has the application's role cannot erase a tenant without a closure that is due."""
    engine = create_engine(stack.settings.database_url)
    with engine.begin() as connection:
        connection.execute(
            text("select set_config('app.tenant_id', :t, true)"), {"t": str(bystander.tenant_id)}
        )
        with pytest.raises(Exception, match="no closure of this tenant is due"):
            connection.execute(text("select erase_tenant(gen_random_uuid())"))
    engine.dispose()
