"""Why a job failed last, in words, kept with the job: while it waits for its next attempt, and when it went through in the end.

It lies in the job's own arguments under `failure`, as the trace does, and goes with the job. Only what our parts
say of themselves is kept (status 500 and above): a refusal may quote a person's words.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString

from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.infra.errors import Problem

KEEP: LiteralString = "update procrastinate_jobs set args = args || jsonb_build_object('failure', %(failure)s::jsonb) where id = %(id)s and status = 'doing'"
_STUMBLING: LiteralString = (
    "select id, task_name, attempts, case when status = 'todo' then scheduled_at end as again_at, args - array['trace', 'failure'] as args, args->'failure' as failure"
    " from procrastinate_jobs where status in ('todo', 'doing') and args ? 'failure' and args->>'tenant_id' = :tenant"
    " and (cast(:answers as text[]) is null or args->>'answer_id' = any(:answers)) order by id desc limit 200"
)
_MENDED: LiteralString = (
    "select id, task_name, attempts, null::timestamptz as again_at, args - array['trace', 'failure'] as args, args->'failure' as failure"
    " from procrastinate_jobs where status = 'succeeded' and args ? 'failure' and args->>'tenant_id' = :tenant"
    " and args->'failure'->>'at' > :since order by args->'failure'->>'at' desc limit 50"
)
_ALL_MENDED: LiteralString = (
    "select count(*) over () as jobs, args->'failure'->>'en' as reason from procrastinate_jobs"
    " where status = 'succeeded' and args ? 'failure' and args->'failure'->>'at' > :since order by args->'failure'->>'at' desc limit 1"
)
_ALL: LiteralString = (
    "select count(*) over () as jobs, args->'failure'->>'en' as reason from procrastinate_jobs"
    " where status in ('todo', 'doing') and args ? 'failure' order by args->'failure'->>'at' desc limit 1"
)


class TaskBroke(Problem):
    """What a job failed of was no Problem. kind: the exception's name."""

    code = "task-broke"
    zh = "处理时出现意外错误（{kind}），请查看日志。"
    en = "An unexpected error ({kind}); the log says more."


class WorkerStopped(Problem):
    """Of a job that another worker takes up."""

    code = "worker-stopped"
    zh = "处理这项工作的后台进程中途停止，已由另一个进程接手，从头再做。"
    en = "The worker that had it stopped in the middle; another took it up and began again."


class EndUnwritten(Problem):
    """Of a job whose end the database never heard of."""

    code = "end-unwritten"
    zh = "工作已做完，但当时数据库不可用，没能记下；已再做一遍。"
    en = "It was done, but the database was away and could not be told; it was done again."


class DatabaseAway(Problem):
    code = "database-away"
    zh = "数据库当时不可用，或中断了这次操作。"
    en = "The database was away, or broke the operation off."


@dataclass(frozen=True)
class Stumbling:
    """A job that failed, and is tried again or went through since. failures: so far. again_at: None while it is being tried."""

    id: int
    task_name: str
    args: dict[str, Any]
    failures: int
    again_at: datetime | None
    failure: dict[str, str]


def told(error: BaseException) -> dict[str, str]:
    """code, the sentence in both languages, and when."""
    problem: Problem = TaskBroke(kind=type(error).__name__)
    if isinstance(error, OperationalError):
        problem = DatabaseAway()
    if isinstance(error, Problem) and error.status >= 500:
        problem = error
    words = {"zh": problem.sentence("zh-CN"), "en": problem.sentence("en")}
    return {"code": problem.code, **words, "at": now().isoformat()}


async def stumbling(session: TenantSession, answers: Collection[str] | None = None) -> list[Stumbling]:
    """Of this tenant, newest first. answers: ids, where only their jobs are asked for."""
    names = {"tenant": str(session.tenant_id), "answers": None if answers is None else list(answers)}
    return await _found(session, _STUMBLING, names)


async def mended(session: TenantSession, within: timedelta) -> list[Stumbling]:
    """Of this tenant, the newest first: what failed in this time and went through since."""
    return await _found(session, _MENDED, {"tenant": str(session.tenant_id), "since": _since(within)})


async def _found(session: TenantSession, statement: LiteralString, names: dict[str, Any]) -> list[Stumbling]:
    return [
        Stumbling(row.id, row.task_name, row.args, row.attempts, row.again_at, row.failure)
        for row in await session.execute(text(statement), names)
    ]


def _since(within: timedelta) -> str:
    return (now() - within).isoformat()


async def newest(connection: AsyncConnection) -> tuple[int, str]:
    """How many jobs of all tenants stumble, and what the last one said in English; 0 and nothing where none does."""
    row = (await connection.execute(text(_ALL))).first()
    return (int(row.jobs), row.reason) if row else (0, "")


async def newest_mended(connection: AsyncConnection, within: timedelta) -> tuple[int, str]:
    """As `newest`, of those that went through since."""
    row = (await connection.execute(text(_ALL_MENDED), {"since": _since(within)})).first()
    return (int(row.jobs), row.reason) if row else (0, "")
