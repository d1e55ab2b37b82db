"""Keys of every level rotate while interviews run, by jobs that survive a kill -9; nothing is lost or comes back."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import create_engine, select, text
from sqlalchemy.exc import DBAPIError

from commands import duilian, refused
from duilian.infra import sealing
from duilian.infra.database import TenantSession
from duilian.infra.fields import version_of
from duilian.infra.keys import KeyOutdated, KeyUnusable
from duilian.infra.objects import ObjectStore
from duilian.platform.app.candidate_client import Candidate
from duilian.platform.app.up import Stack
from duilian.platform.recruiting.models import Candidate as Person
from duilian.tenants.keyring import OpenTenantKey, keys_of
from duilian.tenants.renewals import sealed_columns
from inside import within
from ledger import rows
from playing import Part, answer, play, publish_written, report_of, shipped, spoken, written
from world import World, open_world, run

PARTS: list[Part] = [spoken("zh", "weak", "complaint")[0], *written("complaint", "medium", "zh")[1:]]
WAIT = 90.0  # seconds; a dead worker's job is taken up after about 25


@pytest.fixture(scope="module")
def world(stack: Stack) -> World:
    return open_world(stack.settings)


@pytest.fixture(scope="module")
def set_key(world: World) -> str:
    return publish_written(world, shipped("retail", "complaint"))


@pytest.fixture
def store(world: World) -> ObjectStore:
    return ObjectStore(world.settings)


def command(stack: Stack, *arguments: str) -> dict[str, Any]:
    result = duilian(stack, "keys", *arguments, "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def status(stack: Stack, world: World) -> dict[str, Any]:
    [tenant] = command(stack, "status", "--tenant", world.slug)["tenants"]
    return tenant


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def job(world: World) -> dict[str, Any]:
    """The newest."""
    return rows(world, "select * from key_jobs order by id desc limit 1")[0]


def finished(world: World) -> dict[str, Any]:
    until(lambda: job(world)["state"] == "done", "the job does not end")
    return job(world)


def keys(world: World) -> OpenTenantKey:
    async def read(session: TenantSession) -> OpenTenantKey:
        return keys_of(session)

    return within(world, read)


def object_versions(world: World, store: ObjectStore) -> dict[str, int]:
    """The key version in every object's header, read as the store holds it."""
    found: dict[str, int] = {}
    for name in run(store.names(world.tenant_id)):
        raw = store._client.get_object(Bucket=store.bucket, Key=f"{world.tenant_id}/{name}")["Body"].read()  # pyright: ignore[reportPrivateUsage]
        found[name] = sealing.Header.parse(raw).key_version
    return found


def field_versions(world: World) -> set[int]:
    return {
        version_of(row["field"])
        for table, column in sealed_columns()
        for row in rows(
            world, f"select {column.name} as field from {table.name} where {column.name} is not null"
        )
    }


def test_interview_goes_on_while_the_tenants_key_rotates(
    stack: Stack, world: World, set_key: str, store: ObjectStore
) -> None:
    before = play(world, set_key, PARTS)
    first = report_of(world, before)
    invitation = world.invite(set_key, locale="zh-CN")

    async def take(half: slice) -> None:
        async with Candidate(world.url, world.slug, invitation["token"], "zh-CN") as candidate:
            state = await candidate.state() if half.start else await candidate.begin()
            for question, part in list(zip(state["questions"], PARTS, strict=False))[half]:
                await answer(candidate, question, part)
            if half.stop is None:
                await candidate.submit()

    run(take(slice(0, 2)))
    assert command(stack, "rotate", "tenant", "--tenant", world.slug) == {"level": "tenant", "version": 2}
    run(take(slice(2, 4)))
    done = finished(world)
    run(take(slice(4, None)))
    second = report_of(world, invitation["interview"])
    assert done["changed"] > 0
    assert done["unreadable"] == 0
    assert set(object_versions(world, store).values()) == {2}
    assert field_versions(world) == {2}
    for report in (first, second):
        assert [a["reason"] for a in report["answers"]] == [None] * len(PARTS)
        with world.api() as staff:
            again = staff.get(f"/api/v1/interviews/{report['interview']}/report").json()
            key = report["answers"][0]["key"]
            media = staff.get(f"/api/v1/interviews/{report['interview']}/answers/{key}/media")
        assert again["sha256"] == report["sha256"]
        assert again["answers"][0]["transcript"] == report["answers"][0]["transcript"]
        assert media.status_code == 200
    assert first["sha256"] == second["sha256"], "the same answers give the same report under either key"


def test_killed_worker_is_followed_by_one_that_goes_on(
    stack: Stack, world: World, store: ObjectStore
) -> None:
    owner = keys(world)
    bodies = {f"takes/{uuid4()}/0/{n:05d}": os.urandom(200) for n in range(600)}

    async def put_all() -> None:
        for name, body in bodies.items():
            await store.put(owner, name, body)

    run(put_all())
    version = command(stack, "rotate", "tenant", "--tenant", world.slug)["version"]
    until(lambda: 0 < job(world)["done"] < job(world)["total"], "the job was never seen half done")
    os.kill(stack.supervisor.process("worker").pid, signal.SIGKILL)
    half = job(world)
    assert 0 < half["done"] < half["total"], "the job was over before the worker was killed"
    done = finished(world)
    assert done["unreadable"] == 0
    versions = object_versions(world, store)
    assert {versions[name] for name in bodies} == {version}
    owner = keys(world)
    assert all(run(store.get(owner, name)) == body for name, body in list(bodies.items())[::50])
    run(store.delete(world.tenant_id, list(bodies)))


def test_master_key_rotates_under_running_processes(stack: Stack, world: World) -> None:
    version = command(stack, "rotate", "master")["version"]
    until(
        lambda: status(stack, world)["under_newest_master"] == 3 + status(stack, world)["seal_version"] - 1,
        "",
    )
    assert status(stack, world)["keys"] == status(stack, world)["under_newest_master"]
    assert f"version {version} seals and opens" in command(stack, "status")["provider"]
    assert world.invite()["token"]
    assert within(world, _first_name)


def test_interviews_go_on_while_the_provider_is_away(stack: Stack, world: World) -> None:
    """What holds open keys works on; what would have to open them says that it cannot."""
    invitation = world.invite()
    assert world.candidate(invitation).get("/").status_code == 200
    master = stack.settings.master_key_file
    away = master.rename(master.with_suffix(".away"))
    try:
        assert world.candidate(invitation).get("/").status_code == 200
        assert world.invite()["token"]
        with pytest.raises(KeyUnusable, match="no master key"):
            within(world, _first_name)
    finally:
        away.rename(master)
    assert within(world, _first_name)


async def _first_name(session: TenantSession) -> str:
    return (await session.scalars(select(Person).limit(1))).one().name


def test_objects_get_new_data_keys_and_play_on(stack: Stack, world: World, store: ObjectStore) -> None:
    """A recording that is being played goes on under its new data key."""
    owner, name, body = keys(world), f"recordings/{uuid4()}", os.urandom(3 * sealing.FRAME)
    monkey = sealing.FRAME

    async def play_and_rotate() -> bytes:
        await store.put(owner, name, body)
        playing = store.stream(owner, name, 0, len(body))
        piece = await anext(playing)
        assert len(piece) == monkey
        assert await store.rotate(owner, name, anew=True)
        return piece + b"".join([more async for more in playing])

    assert run(play_and_rotate()) == body
    first = rows(world, "select count(*) as n from key_jobs where kind = 'reseal'")[0]["n"]
    command(stack, "rotate", "objects", "--tenant", world.slug)
    done = finished(world)
    assert (first, done["kind"], done["unreadable"]) == (0, "reseal", 0)
    assert done["changed"] == done["total"] > 0
    assert run(store.get(owner, name)) == body
    run(store.delete(world.tenant_id, [name]))


def test_rotation_leaves_frames_as_they_are(world: World, store: ObjectStore) -> None:
    owner, name, body = keys(world), f"recordings/{uuid4()}", os.urandom(2 * sealing.FRAME + 3)
    newer = OpenTenantKey(
        owner.tenant_id, owner.version + 1, {**owner.versions, owner.version + 1: os.urandom(32)}, owner.index
    )

    def raw() -> bytes:
        return store._read(f"{world.tenant_id}/{name}")[0]  # pyright: ignore[reportPrivateUsage]

    run(store.put(owner, name, body))
    before = raw()
    assert run(store.rotate(newer, name))
    assert not run(store.rotate(newer, name)), "there was nothing left to do"
    assert raw()[sealing.HEADER_BYTES :] == before[sealing.HEADER_BYTES :]
    assert raw()[: sealing.HEADER_BYTES] != before[: sealing.HEADER_BYTES]
    assert run(store.get(newer, name)) == body
    with pytest.raises(KeyOutdated):
        run(store.get(owner, name))
    run(store.delete(world.tenant_id, [name]))


@pytest.mark.parametrize("meanwhile", ["deleted", "replaced"])
def test_what_is_deleted_or_replaced_meanwhile_stays_so(
    world: World, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    owner, name, store = keys(world), f"recordings/{uuid4()}", ObjectStore(world.settings)
    other = ObjectStore(world.settings)
    run(store.put(owner, name, b"first"))
    read = store._read  # pyright: ignore[reportPrivateUsage]

    def read_then_disturb(key: str, **arguments: Any) -> tuple[bytes, str]:
        found = read(key, **arguments)
        if not arguments:
            run(other.delete(world.tenant_id, [name]))
            if meanwhile == "replaced":
                run(other.put(owner, name, b"second"))
        return found

    monkeypatch.setattr(store, "_read", read_then_disturb)
    assert not run(store.rotate(owner, name, anew=True))
    left = run(other.names(world.tenant_id, name))
    assert left == ([name] if meanwhile == "replaced" else [])
    if left:
        assert run(other.get(owner, name)) == b"second"
        run(other.delete(world.tenant_id, [name]))


@pytest.mark.parametrize(
    ("field", "old", "new", "told"),
    [
        ("status", b"\0\1aaa", b"\0\2bbb", "no sealed field"),
        ("content_sealed", b"\0\1aaa", b"\0\1bbb", "newer key only"),
        ("content_sealed", b"\0\2aaa", b"\0\1bbb", "newer key only"),
        ("content_sealed", b"\0\1aaa", b"\0\2bb", "newer key only"),
        ("content_sealed", b"\0\1aaa", None, "newer key only"),
    ],
)
def test_renewing_cannot_rewrite(world: World, field: str, old: bytes, new: bytes, told: str) -> None:
    with pytest.raises(DBAPIError, match=told):
        rows(
            world,
            "select renew_sealed('reports', :field, array[cast(:id as uuid)], array[cast(:old as bytea)],"
            " array[cast(:new as bytea)])",
            field=field, id=UUID(int=1), old=old, new=new,
        )  # fmt: skip


def test_reports_still_never_change(stack: Stack, world: World) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        rows(world, "update reports set revision = 9 returning id")
    engine = create_engine(stack.settings.database_owner_url)
    with pytest.raises(DBAPIError, match="never change"), engine.begin() as owner:
        owner.execute(text("select set_config('app.tenant_id', :t, true)"), {"t": str(world.tenant_id)})
        owner.execute(text("select set_config('app.units', '*', true)"))
        owner.execute(text("update reports set revision = 9"))
    engine.dispose()


@pytest.mark.parametrize(
    "arguments",
    [("rotate", "master", "--tenant", "x"), ("rotate", "tenant"), ("rewrap", "--tenant", "no-such-tenant"),
     ("status", "--tenant", "no-such-tenant"), ("destroy", "--tenant", "no-such-tenant", "--yes")],
)  # fmt: skip
def test_commands_say_what_is_wrong_in_one_line(stack: Stack, arguments: tuple[str, ...]) -> None:
    refused(duilian(stack, "keys", *arguments))
