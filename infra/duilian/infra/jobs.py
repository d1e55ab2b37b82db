"""Jobs in PostgreSQL by procrastinate: written in the transaction of the change they follow.

A task is a function `async def work(tenant_id: UUID, **arguments)`, run at least once, so it must be able to find
its work done already. What fails is tried again with back-off: `ATTEMPTS` times, or `OUTAGE_ATTEMPTS` (about
half an hour) where a part of ours is down. After that it lies in the dead-letter list (status "failed") until a
person replays it. A job whose worker died is handed to the next one, and so is one whose end could not be written
because the database was down: it would otherwise count as under way for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Generator
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

import procrastinate
from procrastinate import JobContext, PsycopgConnector, RetryDecision, jobs
from procrastinate.exceptions import ConnectorException
from procrastinate.retry import BaseRetryStrategy
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from duilian.infra import job_failures
from duilian.infra.database import Database, TenantSession
from duilian.infra.errors import Problem
from duilian.infra.telemetry import attached, carrier, tenant_attribute, tracer

log = logging.getLogger(__name__)

ATTEMPTS = 6
OUTAGE_ATTEMPTS = 35
LONGEST_WAIT = 60.0
STALLED_AFTER = 20.0  # seconds without a heartbeat
UNWRITTEN_AFTER = 35.0  # seconds; the library waits at most 30 for a connection to write a job's end
Task = Callable[..., Awaitable[None]]
OnDead = Callable[[str, UUID, dict[str, Any], BaseException], Awaitable[None]]

# A job is written through the session's own connection; this app never opens one.
_writer = procrastinate.App(connector=PsycopgConnector())


async def defer(
    session: TenantSession,
    task: str,
    *,
    lock: str | None = None,
    delay: timedelta | None = None,
    **arguments: str,
) -> None:
    """Write a job for the session's tenant. It exists if, and only if, the transaction is committed.

    lock: jobs with the same lock run one after the other.
    """
    raw = await (await session.connection()).get_raw_connection()
    options: dict[str, Any] = {"connection": raw.driver_connection, "lock": lock}
    if delay is not None:
        options["schedule_at"] = datetime.now(UTC) + delay
    deferrer = _writer.configure_task(task, allow_unknown=True, queue="default", **options)
    trace: Any = carrier()  # Any: a dict of strings is JSON, which the library's type does not see
    await deferrer.defer_async(tenant_id=str(session.tenant_id), trace=trace, **arguments)


class _BackOff(BaseRetryStrategy):
    """1, 2, 4, 8 … seconds up to a minute, and never earlier than whoever was busy asked for."""

    def get_retry_decision(self, *, exception: BaseException, job: jobs.Job) -> RetryDecision | None:
        if is_last(job, exception):
            return None
        wait = min(LONGEST_WAIT, 2.0 ** min(job.attempts, 6))
        return RetryDecision(retry_in={"seconds": int(max(wait, retry_after(exception)))})


def is_last(job: jobs.Job, exception: BaseException) -> bool:
    return job.attempts + 1 >= (OUTAGE_ATTEMPTS if is_outage(exception) else ATTEMPTS)


def is_outage(exception: BaseException) -> bool:
    if isinstance(exception, DBAPIError):
        return isinstance(exception, OperationalError) or exception.connection_invalidated
    if isinstance(exception, Problem):
        return exception.status == 503
    return isinstance(exception, ConnectionError | TimeoutError)


def retry_after(exception: BaseException) -> float:
    """Seconds that the failure itself asks to wait, 0 where it names none."""
    value = exception.headers.get("Retry-After", "") if isinstance(exception, Problem) else ""
    return float(value) if value.isdigit() else 0.0


class Worker:
    """Runs the tasks given to it. `on_dead` is told of a job that will not be tried again."""

    def __init__(self, database_url: str, on_dead: OnDead) -> None:
        conninfo = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
        self.app = procrastinate.App(connector=PsycopgConnector(conninfo=conninfo, max_size=6))
        self._on_dead = on_dead
        self._ended: dict[
            int, tuple[float, int | None]
        ] = {}  # job: when it ended here, under which worker's id

    def add(self, name: str, work: Task) -> None:
        async def run(
            context: JobContext,
            tenant_id: str,
            trace: dict[str, str],
            **arguments: Any,
        ) -> None:
            arguments.pop("failure", None)  # why the attempt before this one failed: for people
            attributes = tenant_attribute(tenant_id)
            with (
                self._noted(context.job),
                attached(trace),
                tracer().start_as_current_span(f"job {name}", attributes=attributes),
            ):
                await self._attempt(context.job, name, work, UUID(tenant_id), arguments)

        register: Any = self.app.task(
            name=name, retry=_BackOff(), pass_context=True
        )  # Any: its overloads are too narrow
        register(run)

    def daily(self, task: str, at: str, database: Database) -> None:
        """Every day at `at` (UTC, "HH:MM") the task is written as a job for each tenant."""

        async def spread(timestamp: int, **_noted: Any) -> None:
            for tenant_id in await tenant_ids(database):
                async with database.begin(tenant_id) as session:
                    await defer(session, task, lock=f"{task}:{tenant_id}")

        hour, minute = at.split(":")
        register: Any = self.app.periodic(cron=f"{int(minute)} {int(hour)} * * *")  # Any: as in `add`
        register(self.app.task(name=f"{task}.daily")(spread))

    def hourly(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        """Every hour, for what belongs to no tenant. What fails is done an hour later."""

        async def run(timestamp: int, **_noted: Any) -> None:
            await work()

        register: Any = self.app.periodic(cron="17 * * * *")  # Any: as in `add`
        register(self.app.task(name=name)(run))

    @contextlib.contextmanager
    def _noted(self, job: jobs.Job) -> Generator[None]:
        """Keeps in mind when the job ended, for `_unwritten`."""
        assert job.id is not None
        self._ended.pop(job.id, None)
        try:
            yield
        finally:
            self._ended[job.id] = time.monotonic(), job.worker_id

    async def _attempt(
        self, job: jobs.Job, name: str, work: Task, tenant_id: UUID, arguments: dict[str, Any]
    ) -> None:
        try:
            await work(tenant_id, **arguments)
        except Exception as error:
            log.warning(
                "job failed", extra={"task": name, "attempt": job.attempts + 1, "error": type(error).__name__}
            )
            await self._write(job_failures.KEEP, job, failure=job_failures.told(error))
            if is_last(job, error):
                await self._on_dead(name, tenant_id, arguments, error)
            raise

    async def _write(self, statement: LiteralString, job: jobs.Job, **values: Any) -> None:
        """What is told of a job; where it cannot be written, the job's own end matters more."""
        try:
            await self.app.connector.execute_query_async(statement, id=job.id, **values)
        except ConnectorException as error:
            log.warning("a job's failure could not be written", extra={"error": type(error).__name__})

    async def run(self, concurrency: int) -> None:
        """Until SIGTERM or SIGINT; jobs under way are finished first (30 s at most)."""
        async with self.app.open_async():
            rescue = asyncio.create_task(self._rescue())
            try:
                await self.app.run_worker_async(
                    concurrency=concurrency,
                    shutdown_graceful_timeout=30,
                    fetch_job_polling_interval=1.0,
                    update_heartbeat_interval=3.0,
                    stalled_worker_timeout=STALLED_AFTER,
                )
            finally:
                rescue.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await rescue

    async def _rescue(self) -> None:
        """Puts back in the queue what nobody works on although it counts as under way."""
        manager = self.app.job_manager
        while True:
            try:
                stalled = await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER)
                found = [(job, job_failures.WorkerStopped()) for job in stalled]
                for job, why in [
                    *found,
                    *((job, job_failures.EndUnwritten()) for job in await self._unwritten()),
                ]:
                    log.warning("job is put back", extra={"task": job.task_name, "why": why.code})
                    await self._write(job_failures.KEEP, job, failure=job_failures.told(why))
                    await manager.retry_job(job)
            except ConnectorException as error:
                log.warning("stalled jobs could not be read", extra={"error": type(error).__name__})
            await asyncio.sleep(5)

    async def _unwritten(self) -> list[jobs.Job]:
        """Jobs that ended here long ago, and of which the database knows nothing but that we began."""
        due = {
            job_id: worker_id
            for job_id, (ended, worker_id) in self._ended.items()
            if time.monotonic() - ended > UNWRITTEN_AFTER
        }
        doing = await self.app.job_manager.list_jobs_async(status="doing") if due else []
        for job_id in due:
            self._ended.pop(job_id, None)
        return [job for job in doing if job.id in due and job.worker_id == due[job.id]]


async def tenant_ids(database: Database) -> list[UUID]:
    """Every tenant, for work that concerns each in turn."""
    async with database.connect() as connection:
        return list((await connection.execute(text("select tenant_ids()"))).scalars())


async def queue_depth(connection: AsyncConnection) -> dict[str, int]:
    """Number of jobs by status."""
    rows = await connection.execute(
        text("select status::text as status, count(*) as jobs from procrastinate_jobs group by 1")
    )
    return {row.status: int(row.jobs) for row in rows}


_FAILED: LiteralString = (
    "select id, task_name, args - array['trace', 'failure'] as args, args->'failure' as failure from procrastinate_jobs"
    " where status = 'failed' and args->>'tenant_id' = :tenant order by id desc limit 200"
)


async def dead_letters(session: TenantSession) -> list[dict[str, Any]]:
    """Jobs of this tenant that will not be tried again: id, task_name, args, failure (None in old ones)."""
    rows = await session.execute(text(_FAILED), {"tenant": str(session.tenant_id)})
    return [dict(row) for row in rows.mappings()]


async def replay(session: TenantSession, job_id: int) -> bool:
    """A job of this tenant at once: a dead one with all its attempts, or one that waits for its next attempt.

    False where there is none.
    """
    mine = (
        "select status::text from procrastinate_jobs where id = :id and args->>'tenant_id' = :tenant"
        " and (status = 'failed' or status = 'todo' and args ? 'failure') for update"
    )
    names = {"id": job_id, "tenant": str(session.tenant_id)}
    status = await session.scalar(text(mine), names)
    if status == "failed":
        again = "select procrastinate_retry_job_v2(:id, now(), null, null, null)"
        await session.execute(text(again), {"id": job_id})
        await session.execute(
            text("update procrastinate_jobs set attempts = 0 where id = :id"), {"id": job_id}
        )
    if status == "todo":
        await session.execute(
            text("update procrastinate_jobs set scheduled_at = now() where id = :id"), {"id": job_id}
        )
    return status is not None
