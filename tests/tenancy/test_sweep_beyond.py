"""What is reached without a route: jobs, events, object names, exports. Whatever is not listed here fails."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from uuid import UUID

import pytest
from sqlalchemy import create_engine, text

from duilian.infra.database import TenantSession
from duilian.infra.ids import new_id
from duilian.infra.jobs import defer
from duilian.infra.objects import ObjectMissing, ObjectStore
from duilian.platform.app import worker
from duilian.platform.app.up import Stack
from duilian.serving.client import ServingClient
from duilian.tenants.keyring import keys_of, open_database, open_keyring
from inside import within
from loot import OF_STRANGERS, Robbed, fingerprint, rob
from world import World, open_world, run

# Job → its arguments, with identifiers of the robbed tenant; {} where it takes none.
JOBS = {
    "scoring.process_answer": {"answer_id": "answers", "version": "x"},
    "scoring.rescore": {"correction_id": "events"},
    "reports.compose": {"interview_id": "interviews"},
    "reports.probe": {"report_id": "events"},
    "events.deliver": {"event_id": "events"},
    "keys.renew": {"job": "events"},
    "audit.seal": {},
    "mail.send": {"mail_id": "events"},
    "account.reset": {"address": "owner", "network": "127.0.0.1"},
    "privacy.erase": {"erasure_id": "events"},
    "privacy.retention": {},
    "domains.check": {},
    "labels.import": {"import_id": "events"},
    "labels.predict": {"import_id": "events"},
    "labels.gather": {},
    "labels.tidy": {},
    "tenant.delete": {"closure_id": "events"},
    "lab.measure": {},
    "lab.anchors": {"cause": "person"},
    "models.train": {"run_id": "events"},
    "models.forget": {},
    "vocabulary.learn": {"version_id": "events"},
    "sets.propose": {},
    "sets.replay": {"proposal_id": "events"},
    "models.shadow": {"answer_id": "answers", "version": "x"},
}
# Written for every tenant alike by the clock; they carry no identifier.
PERIODIC = {
    "lab.measure.daily",
    "lab.anchors.daily",
    "sets.propose.daily",
    "audit.seal.daily",
    "privacy.retention.daily",
    "onboarding.erase_drafts",
    "domains.check.daily",
    "labels.tidy.daily",
    "models.forget.daily",
}


@pytest.fixture(scope="module")
def robbed(stack: Stack) -> Robbed:
    return rob(open_world(stack.settings))


@pytest.fixture(scope="module")
def thief(stack: Stack) -> World:
    return open_world(stack.settings, "manufacturing")


def first_id(world: World, table: str) -> str:
    async def read(session: TenantSession) -> str:
        return str(await session.scalar(text(f"select id from {table} order by id limit 1")))

    return within(world, read)


def test_every_job_is_listed(stack: Stack) -> None:
    keyring = open_keyring(stack.settings)
    database = open_database(stack.settings, keyring, 1)
    serving = ServingClient(stack.settings.serving_url, stack.settings.serving_token)
    tasks = worker._worker(stack.settings, database, keyring, serving).app.tasks  # pyright: ignore[reportPrivateUsage]
    assert {name for name in tasks if not name.startswith(("builtin:", "procrastinate."))} == set(
        JOBS
    ) | PERIODIC


@pytest.mark.parametrize("name", JOBS)
def test_a_job_with_anothers_identifiers_changes_nothing_of_theirs(
    stack: Stack, robbed: Robbed, thief: World, name: str
) -> None:
    """Written for the thief's tenant, as only somebody inside could; the real worker runs it."""
    arguments = {
        key: f"owner@{robbed.world.slug}.example" if value == "owner" else _argument(robbed.world, value)
        for key, value in JOBS[name].items()
    }
    before = fingerprint(robbed.world, OF_STRANGERS)
    marker = str(new_id())

    async def write(session: TenantSession) -> None:
        await defer(session, name, lock=marker, **arguments)

    within(thief, write)
    assert attempted(stack, marker)
    assert fingerprint(robbed.world, OF_STRANGERS) == before


def _argument(world: World, value: str) -> str:
    return first_id(world, value) if value in ("answers", "interviews", "events") else value


def attempted(stack: Stack, lock: str, seconds: float = 60) -> bool:
    """Waits until the worker has tried it once, and takes it out of the queue."""
    engine = create_engine(stack.settings.database_owner_url)
    try:
        for _ in range(int(seconds * 10)):
            with engine.begin() as connection:
                row = connection.execute(
                    text("select status::text, attempts from procrastinate_jobs where lock = :lock"),
                    {"lock": lock},
                ).one()
                if row.status in ("succeeded", "failed") or (row.status == "todo" and row.attempts):
                    connection.execute(
                        text(
                            "update procrastinate_jobs set status = 'cancelled' where lock = :lock and status = 'todo'"
                        ),
                        {"lock": lock},
                    )
                    return True
            time.sleep(0.1)
        return False
    finally:
        engine.dispose()


def test_jobs_in_the_list_of_failures_are_the_tenants_own(robbed: Robbed, thief: World) -> None:
    job = next(item.value for item in robbed.loot.items if item.kind == "job_id")
    assert f"failures/{job}/" in robbed.world.console("owner").get("/console/failures").text
    assert f"failures/{job}/" not in thief.console("owner").get("/console/failures").text


def test_events_are_seen_by_their_tenant_alone(robbed: Robbed, thief: World) -> None:
    event = UUID(first_id(robbed.world, "events"))

    async def look(session: TenantSession) -> int:
        found = await session.execute(text("select count(*) from events where id = :id"), {"id": event})
        return int(found.scalar_one())

    assert (within(robbed.world, look), within(thief, look)) == (1, 0)


@pytest.fixture(scope="module")
def kept(stack: Stack, robbed: Robbed) -> Iterator[str]:
    """The name of an object of the robbed tenant."""
    store, name = ObjectStore(stack.settings), f"takes/{new_id()}/0/00000"

    async def put(session: TenantSession) -> None:
        await store.put(keys_of(session), name, b"words of somebody")

    within(robbed.world, put)
    yield name
    run(store.delete(robbed.world.tenant_id, [name]))


def test_object_names_of_another_tenant_name_nothing(
    stack: Stack, thief: World, robbed: Robbed, kept: str
) -> None:
    """With the thief's key neither the name, nor a path out of the own prefix, nor the sealed bytes themselves open."""
    store = ObjectStore(stack.settings)
    tried = (
        kept,
        f"../{robbed.world.tenant_id}/{kept}",
        f"/{robbed.world.tenant_id}/{kept}",
        f"{robbed.world.tenant_id}/{kept}",
    )

    for name in tried:

        async def get(session: TenantSession, name: str = name) -> bytes:
            return await store.get(keys_of(session), name)

        with pytest.raises(ObjectMissing):
            within(thief, get)
    assert kept not in run(store.names(thief.tenant_id))
    assert kept in run(store.names(robbed.world.tenant_id))


def test_exports_hold_the_own_tenant_only(robbed: Robbed, thief: World) -> None:
    """The audit log, as its page gives it away, and the report as programs read it."""
    export = thief.console("owner").get("/console/audit/export")
    assert export.status_code == 200
    assert not [word for word in robbed.loot.markers if word in export.content]
    assert str(robbed.world.tenant_id) not in export.text
    assert str(robbed.world.tenant_id) in robbed.world.console("owner").get("/console/audit/export").text
    listed = json.dumps(thief.api().get("/api/v1/interviews", params={"limit": 100}).json())
    assert not [i.value for i in robbed.loot.items if i.kind == "interview_id" and i.value in listed]
