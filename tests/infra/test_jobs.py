"""Jobs: written with the change or not at all, tried again later and later, then left for a person to see."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID, uuid4

import pytest
from procrastinate.jobs import Job
from sqlalchemy import text

from duilian.infra.database import Database, TenantSession
from duilian.infra.errors import Problem, Unavailable
from duilian.infra.job_failures import mended, newest, stumbling
from duilian.infra.jobs import (
    ATTEMPTS,
    OUTAGE_ATTEMPTS,
    Worker,
    _BackOff,
    dead_letters,
    defer,
    is_outage,
    queue_depth,
    replay,
    retry_after,
)
from duilian.infra.local.plan import ports_of
from duilian.infra.local.postgres import DatabaseUrls, LocalPostgres
from duilian.platform.app import migrations
from duilian.platform.app.up import Stack

Dead = list[tuple[str, UUID, dict[str, Any], str]]
Row = dict[str, Any]
TENANT, OTHER = uuid4(), uuid4()


class Broken(Problem):
    code = "broken"
    zh = en = "It fails."


class Down(Unavailable):
    code = "down"


@pytest.fixture(scope="module")
def urls(stack: Stack) -> DatabaseUrls:
    """A database of its own: the platform's worker would take our jobs."""
    server = LocalPostgres(stack.settings.data_dir, ports_of(stack.settings).postgres)
    urls = server.create_database(f"jobs_{uuid4().hex[:8]}")
    migrations.upgrade(urls.owner)
    return urls


@pytest.fixture(scope="module")
def url(urls: DatabaseUrls) -> str:
    return urls.app


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    database = Database(url, 4)
    async with database.begin(TENANT) as session:
        await session.execute(text("delete from procrastinate_jobs"))
    yield database
    await database.close()


@contextlib.asynccontextmanager
async def working(url: str, dead: Dead, **tasks: Callable[..., Awaitable[None]]) -> AsyncIterator[None]:
    """A real worker on these tasks for as long as the block lasts."""

    async def on_dead(task: str, tenant_id: UUID, arguments: Row, error: BaseException) -> None:
        dead.append((task, tenant_id, arguments, type(error).__name__))

    worker = Worker(url, on_dead)
    for name, work in tasks.items():
        worker.add(name, work)
    running = asyncio.create_task(worker.run(2))
    try:
        yield
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def jobs(database: Database) -> list[Row]:
    async with database.connect() as connection:
        found = await connection.execute(text("select * from procrastinate_jobs order by id"))
        return [dict(row) for row in found.mappings()]


async def job_when(database: Database, condition: Callable[[Row], bool]) -> Row:
    """The only job, once the condition holds."""
    async with asyncio.timeout(15):
        while True:
            found = await jobs(database)
            if found and condition(found[0]):
                (job,) = found
                return job
            await asyncio.sleep(0.05)


async def hurry(database: Database) -> None:
    """As if the time until the next attempt had passed."""
    async with database.begin(TENANT) as session:
        await session.execute(
            text("update procrastinate_jobs set scheduled_at = now() where status = 'todo'")
        )


async def write_one(database: Database, tenant: UUID = TENANT, task: str = "work", **options: Any) -> None:
    async with database.begin(tenant) as session:
        await defer(session, task, subject="7", **options)


async def test_job_of_a_transaction_that_is_rolled_back_does_not_exist(database: Database) -> None:
    class Undo(Exception):
        pass

    with contextlib.suppress(Undo):
        async with database.begin(TENANT) as session:
            await defer(session, "work", subject="7")
            assert await _visible_to(session) == 1
            assert await jobs(database) == [], "nobody else sees it before the commit"
            raise Undo
    assert await jobs(database) == []


async def _visible_to(session: TenantSession) -> int | None:
    return await session.scalar(text("select count(*) from procrastinate_jobs"))


async def test_job_of_a_committed_transaction_runs_once_with_its_tenant(url: str, database: Database) -> None:
    ran: list[tuple[UUID, str]] = []

    async def work(tenant_id: UUID, subject: str) -> None:
        ran.append((tenant_id, subject))

    async with working(url, [], work=work):
        await write_one(database)
        await job_when(database, lambda job: job["status"] == "succeeded")
    assert ran == [(TENANT, "7")]


async def test_delayed_job_waits(url: str, database: Database) -> None:
    ran: list[UUID] = []

    async def work(tenant_id: UUID, subject: str) -> None:
        ran.append(tenant_id)

    async with working(url, [], work=work):
        await write_one(database, delay=timedelta(hours=1))
        await write_one(database, tenant=OTHER)
        async with asyncio.timeout(15):
            while not ran:
                await asyncio.sleep(0.05)
    assert ran == [OTHER]
    assert [job["status"] for job in await jobs(database)] == ["todo", "succeeded"]


async def test_jobs_with_the_same_lock_never_run_together(url: str, database: Database) -> None:
    running, most, done = 0, 0, 0

    async def work(tenant_id: UUID, subject: str) -> None:
        nonlocal running, most, done
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.05)
        running, done = running - 1, done + 1

    for _ in range(4):
        await write_one(database, lock="one")
    async with working(url, [], work=work), asyncio.timeout(15):
        while done < 4:
            await asyncio.sleep(0.05)
    assert most == 1


async def test_failing_job_is_tried_later_and_later_then_lies_in_its_tenants_list(
    url: str, database: Database
) -> None:
    dead: Dead = []
    tried = 0

    async def work(tenant_id: UUID, subject: str) -> None:
        nonlocal tried
        tried += 1
        raise Broken

    waits: list[float] = []
    async with working(url, dead, work=work):
        await write_one(database)
        for attempt in range(1, ATTEMPTS):
            job = await job_when(
                database, lambda job, n=attempt: job["attempts"] == n and job["status"] == "todo"
            )
            waits.append(await _seconds_until(database, job))
            assert dead == []
            await hurry(database)
        await job_when(database, lambda job: job["status"] == "failed")
    assert tried == ATTEMPTS
    assert [round(wait) for wait in waits] == [1, 2, 4, 8, 16]
    assert dead == [("work", TENANT, {"subject": "7"}, "Broken")]
    await _assert_listed_for_its_tenant_only(database)


async def _seconds_until(database: Database, job: Row) -> float:
    """From the end of the attempt to the next one."""
    statement = "select max(at) from procrastinate_events where job_id = :id and type = 'deferred_for_retry'"
    async with database.connect() as connection:
        ended = await connection.scalar(text(statement), {"id": job["id"]})
    return (job["scheduled_at"] - ended).total_seconds()


async def _assert_listed_for_its_tenant_only(database: Database) -> None:
    async with database.begin(TENANT) as session:
        (letter,) = await dead_letters(session)
    assert letter["task_name"] == "work"
    assert letter["args"] == {"subject": "7", "tenant_id": str(TENANT)}
    assert (letter["failure"]["code"], letter["failure"]["en"]) == ("broken", "It fails.")
    async with database.begin(OTHER) as session:
        assert await dead_letters(session) == []
        assert not await replay(session, letter["id"]), "another tenant cannot replay it"


async def test_replay_runs_a_dead_job_again(url: str, database: Database) -> None:
    whole, ran = False, 0

    async def work(tenant_id: UUID, subject: str) -> None:
        nonlocal ran
        ran += 1
        if not whole:
            raise Broken

    async with working(url, [], work=work):
        await write_one(database)
        for _ in range(ATTEMPTS * 10):
            await hurry(database)
            if (await jobs(database))[0]["status"] == "failed":
                break
            await asyncio.sleep(0.3)
        job = await job_when(database, lambda job: job["status"] == "failed")
        whole = True
        async with database.begin(TENANT) as session:
            assert await replay(session, job["id"])
        again = await job_when(database, lambda job: job["status"] == "succeeded")
    assert ran == ATTEMPTS + 1
    assert again["attempts"] == 1, "it had all its attempts again"
    async with database.begin(TENANT) as session:
        (found,) = await mended(session, timedelta(days=1))
        assert (found.id, found.failure) == (again["id"], again["args"]["failure"]), (
            "the reason stays to be read"
        )
    async with database.begin(OTHER) as session:
        assert await mended(session, timedelta(days=1)) == [], "by its tenant only"
    async with database.begin(TENANT) as session:
        assert await dead_letters(session) == []
        assert not await replay(session, job["id"]), "what succeeded is not run again"


async def test_periodic_work_that_was_taken_over_is_done(url: str, database: Database) -> None:
    """It bears the reason of whoever took it up, and knows nothing of it."""
    done = asyncio.Event()

    async def look() -> None:
        done.set()

    worker = Worker(url, on_dead=nobody)
    worker.hourly("look", look)
    async with database.begin(TENANT) as session:
        await session.execute(
            text(
                "insert into procrastinate_jobs (queue_name, task_name, status, args)"
                " values ('default', 'look', 'todo', cast(:args as jsonb))"
            ),
            {"args": json.dumps({"timestamp": 0, "failure": {"code": "worker-stopped"}})},
        )
    running = asyncio.create_task(worker.run(1))
    try:
        async with asyncio.timeout(15):
            while (taken := (await jobs(database))[0])["status"] in ("todo", "doing"):
                await asyncio.sleep(0.05)
        assert taken["status"] == "succeeded" and done.is_set() and "failure" in taken["args"]
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def nobody(task: str, tenant_id: UUID, arguments: Row, error: BaseException) -> None: ...


async def test_a_job_that_stumbles_says_why_and_may_be_tried_at_once(url: str, database: Database) -> None:
    """Its tenant reads the reason; of what is no Problem of ours, which may quote a person, the kind alone."""
    mended = False

    async def work(tenant_id: UUID, subject: str) -> None:
        if not mended:
            raise ValueError("what somebody said")

    async with working(url, [], work=work):
        await write_one(database)
        job = await job_when(database, lambda job: job["attempts"] == 1 and job["status"] == "todo")
        async with database.begin(TENANT) as session:
            await session.execute(
                text("update procrastinate_jobs set scheduled_at = now() + interval '1 hour'")
            )
            (found,) = await stumbling(session)
            assert (found.id, found.args["subject"], found.failures) == (job["id"], "7", 1)
            assert "ValueError" in found.failure["zh"] and "somebody" not in str(found.failure)
            assert found.again_at is not None
        async with database.begin(OTHER) as session:
            assert await stumbling(session) == []
            assert not await replay(session, job["id"])
        async with database.connect() as connection:
            assert await newest(connection) == (1, found.failure["en"])
        mended = True
        async with database.begin(TENANT) as session:
            assert await replay(session, job["id"])
        await job_when(database, lambda job: job["status"] == "succeeded")
        async with database.begin(TENANT) as session:
            assert await stumbling(session) == []


async def test_outage_is_waited_out_longer_than_a_failure(url: str, database: Database) -> None:
    dead: Dead = []

    async def work(tenant_id: UUID, subject: str) -> None:
        raise Down

    async with working(url, dead, work=work):
        await write_one(database)
        await job_when(database, lambda job: job["attempts"] == 1 and job["status"] == "todo")
        await _pretend_attempts(database, OUTAGE_ATTEMPTS - 2)
        job = await job_when(
            database, lambda job: job["attempts"] == OUTAGE_ATTEMPTS - 1 and job["status"] == "todo"
        )
        assert await _seconds_until(database, job) == pytest.approx(60, abs=2)
        assert dead == []
        await hurry(database)
        await job_when(database, lambda job: job["status"] == "failed")
    assert [entry[3] for entry in dead] == ["Down"]


async def test_job_whose_end_could_not_be_written_is_put_back(
    urls: DatabaseUrls, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the database dies between the work and its acknowledgement, while the worker lives on."""
    monkeypatch.setattr("duilian.infra.jobs.UNWRITTEN_AFTER", 1.0)
    finish = "procrastinate_finish_job_v1(bigint, procrastinate_job_status, boolean)"
    ran = 0

    async def work(tenant_id: UUID, subject: str) -> None:
        nonlocal ran
        ran += 1
        if ran == 1:
            await _as_owner(urls, f"alter function {finish} rename to out_of_order")

    async with working(urls.app, [], work=work):
        await write_one(database)
        async with asyncio.timeout(10):
            while not ran:
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)
        assert [job["status"] for job in await jobs(database)] == ["doing"]
        mended = finish.replace("procrastinate_finish_job_v1", "out_of_order")
        await _as_owner(urls, f"alter function {mended} rename to procrastinate_finish_job_v1")
        await job_when(database, lambda job: job["status"] == "succeeded")
    assert ran == 2


async def _as_owner(urls: DatabaseUrls, statement: str) -> None:
    owner = Database(urls.owner, 1)
    async with owner.connect() as connection:
        await connection.execute(text(statement))
    await owner.close()


async def _pretend_attempts(database: Database, attempts: int) -> None:
    statement = "update procrastinate_jobs set attempts = :n, scheduled_at = now()"
    async with database.begin(TENANT) as session:
        await session.execute(text(statement), {"n": attempts})


def test_only_our_own_parts_being_down_counts_as_an_outage() -> None:
    assert is_outage(Down())
    assert is_outage(ConnectionRefusedError())
    assert not is_outage(Broken())
    assert not is_outage(ValueError())


async def test_queue_depth_counts_by_status(database: Database) -> None:
    await write_one(database)
    await write_one(database, tenant=OTHER)
    async with database.connect() as connection:
        assert await queue_depth(connection) == {"todo": 2}


def test_whoever_was_busy_is_not_asked_again_before_it_said() -> None:
    class Busy(Unavailable):
        headers: ClassVar[dict[str, str]] = {"Retry-After": "17"}

    assert retry_after(Busy()) == 17
    assert retry_after(Broken()) == retry_after(ValueError()) == 0
    assert seconds_until(Busy(), attempts=1) == 17 and seconds_until(Busy(), attempts=5) == 32
    assert seconds_until(Broken(), attempts=1) == 2 and seconds_until(Down(), attempts=20) == 60

    class Longer(Unavailable):
        headers: ClassVar[dict[str, str]] = {"Retry-After": "300"}

    assert seconds_until(Longer(), attempts=1) == 300, "never earlier than it was asked to"


def seconds_until(error: Exception, attempts: int) -> int:
    """What a job that failed so often already waits now."""
    job = Job(
        id=1, queue="default", lock=None, queueing_lock=None, task_name="t", attempts=attempts, priority=0
    )
    decision = _BackOff().get_retry_decision(exception=error, job=job)
    assert decision is not None and decision.retry_at is not None
    return round((decision.retry_at - datetime.now(UTC)).total_seconds())
