"""What stands in the database for one tenant, seen as the application sees it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from duilian.infra.database import Database
from world import World, run

ONE_OF_EACH = {
    "reports": "select count(*) from reports where interview_id = :interview",
    "ready": "select count(*) from events where kind = 'report.ready' and subject_id = :interview",
    "analyses": (
        "select count(*) from analyses where answer_id in"
        " (select id from answers where interview_id = :interview)"
    ),
    "usage": "select count(*) from usage_events where subject_id = :interview",
    "recordings": (
        "select count(*) from recordings where answer_id in"
        " (select id from answers where interview_id = :interview)"
    ),
}


def rows(world: World, statement: str, **values: Any) -> list[dict[str, Any]]:
    """Rows of the tenant; row-level security keeps the others out."""

    async def read() -> list[dict[str, Any]]:
        database = Database(world.settings.database_url, 1)
        try:
            async with database.begin(world.tenant_id) as session:
                return [dict(row) for row in (await session.execute(text(statement), values)).mappings()]
        finally:
            await database.close()

    return run(read())


def counts(world: World, interview: str) -> dict[str, int]:
    """How many reports, analyses, usage events and recordings an interview has."""
    return {
        name: rows(world, statement, interview=interview)[0]["count"]
        for name, statement in ONE_OF_EACH.items()
    }


def jobs(world: World) -> dict[str, int]:
    """Number of the tenant's jobs by status."""
    statement = (
        "select status::text as status, count(*) as jobs from procrastinate_jobs"
        " where args->>'tenant_id' = :tenant group by 1"
    )
    return {row["status"]: row["jobs"] for row in rows(world, statement, tenant=str(world.tenant_id))}
