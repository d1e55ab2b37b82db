"""What isolation costs: row-level security against an explicit WHERE, and a tenant's transaction against the bare query.

One PostgreSQL, four tenants with the same number of people. Beside `candidates` stands a copy of the table without
policies. Each round does every kind of work once, in turn, so that what else the machine does falls on all alike; the
medians are compared.

policy     begin, enter the tenant, read `candidates`, commit
where      the same with `where tenant_id = …` on the copy
request    the platform's own transaction: what every page and call runs its statements in
read       the platform's session that only reads: what recognises who asks, for every page
bare       the same statement by SQLAlchemy on the copy, `where tenant_id = …`, without a transaction around it

    python benchmarks/row_level_security.py [--rounds 2000] [--people 2000]
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import psycopg
from rich.console import Console
from rich.table import Table
from sqlalchemy import Uuid, column, select, table, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

import ending
from duilian.infra.database import Database, TenantSession
from duilian.infra.keys import FileKeyProvider
from duilian.infra.local.postgres import LocalPostgres
from duilian.infra.settings import Settings
from duilian.platform.app import migrations
from duilian.platform.recruiting.models import Candidate
from duilian.tenants.keyring import open_database, open_keyring
from inside import within
from stacks import free_block
from world import World, open_world

TENANTS = 4
GOALS = {"policy / where": 0.9, "request / bare": 0.8, "read / bare": 0.8}
SHAPES = {
    "one person by id": "select id, email_index from {} where {}id = %(id)s",
    "the newest twenty": "select id, email_index from {} where {}true order by id desc limit 20",
}
FILL = (
    "insert into candidates (tenant_id, id, unit_id, name_sealed, name_terms, email_sealed, email_index, email_terms,"
    " created_at) select tenant_id, gen_random_uuid(), id, '\\x00', '{}', '\\x00', uuid_send(gen_random_uuid()), '{}',"
    " now() from org_units cross join generate_series(1, :people) where parent_id is null"
)
Work = dict[str, Callable[[], Awaitable[object]]]


def fill(world: World, people: int) -> None:
    async def write(session: TenantSession) -> None:
        await session.execute(text(FILL), {"people": people})
        await session.execute(text("insert into plain_candidates select * from candidates"))

    within(world, write)


def prepare(settings: Settings, people: int) -> World:
    """Tables, tenants, people; gives the tenant that is measured."""
    migrations.upgrade(settings.database_owner_url)
    with psycopg.connect(plain(settings.database_owner_url), autocommit=True) as owner:
        owner.execute("create table plain_candidates (like candidates including all)")
        owner.execute("grant select, insert on plain_candidates to duilian_app")
    worlds = [open_world(settings) for _ in range(TENANTS)]
    for world in worlds:
        fill(world, people)
    with psycopg.connect(plain(settings.database_owner_url), autocommit=True) as owner:
        owner.execute("analyze candidates")
        owner.execute("analyze plain_candidates")
    return worlds[0]


def plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


async def policies(world: World, statement: str, someone: str) -> Work:
    """By the driver alone, in the same transaction shape."""
    connection = await psycopg.AsyncConnection.connect(plain(world.settings.database_url), autocommit=True)

    async def transaction(sql: str) -> object:
        await connection.execute("begin")
        entering = (str(world.tenant_id), "*", "")
        await connection.execute("select enter_tenant(%s::uuid, %s, %s)", entering)
        names = {"id": someone, "tenant": world.tenant_id}
        rows = await (await connection.execute(sql, names)).fetchall()
        await connection.execute("commit")
        return rows

    explicit = statement.format("plain_candidates", "tenant_id = %(tenant)s and ")
    return {
        "policy": lambda: transaction(statement.format("candidates", "")),
        "where": lambda: transaction(explicit),
    }


def requests(world: World, database: Database, name: str, someone: str) -> Work:
    """By SQLAlchemy: the platform's sessions, and nothing around the statement."""
    engine = create_async_engine(world.settings.database_url, isolation_level="AUTOCOMMIT")
    copy: Any = table(
        "plain_candidates", column("id", Uuid), column("tenant_id", Uuid), column("email_index")
    )

    def asked(source: Any) -> Any:
        query = select(source.id, source.email_index)
        return (
            query.where(source.id == someone) if "id" in name else query.order_by(source.id.desc()).limit(20)
        )

    async def request() -> object:
        async with database.begin(world.tenant_id) as session:
            return (await session.execute(asked(Candidate))).all()

    async def rows(session: TenantSession) -> object:
        return (await session.execute(asked(Candidate))).all()

    async def read() -> object:
        return await database.read(world.tenant_id, rows)

    async def bare() -> object:
        async with AsyncSession(engine) as session:
            return (await session.execute(asked(copy.c).where(copy.c.tenant_id == world.tenant_id))).all()

    return {"request": request, "read": read, "bare": bare}


async def medians(work: Work, rounds: int) -> dict[str, float]:
    """Seconds, after a tenth of the rounds to warm up."""
    took: dict[str, list[float]] = {name: [] for name in work}
    order, names = random.Random(7), list(work)
    for number in range(rounds + rounds // 10):
        order.shuffle(names)  # whoever comes second finds the caches warm
        for name in names:
            began = time.perf_counter()
            await work[name]()
            if number >= rounds // 10:
                took[name].append(time.perf_counter() - began)
    return {name: statistics.median(values) for name, values in took.items()}


async def measure(world: World, rounds: int) -> list[tuple[str, dict[str, float]]]:
    database = open_database(world.settings, open_keyring(world.settings), 2)
    found: list[tuple[str, dict[str, float]]] = []
    try:
        async with database.begin(world.tenant_id) as session:
            someone = str(await session.scalar(select(Candidate.id).limit(1)))
        for name, statement in SHAPES.items():
            work = await policies(world, statement, someone) | requests(world, database, name, someone)
            found.append((name, await medians(work, rounds)))
    finally:
        await database.close()
    return found


def show(found: list[tuple[str, dict[str, float]]]) -> None:
    """The ratios beside their goals."""
    kinds = ("policy", "where", "request", "read", "bare")
    shown = Table("statement", *kinds, *GOALS)
    for name, took in found:
        ratios = {
            "policy / where": took["where"] / took["policy"],
            "request / bare": took["bare"] / took["request"],
            "read / bare": took["bare"] / took["read"],
        }
        shown.add_row(
            name,
            *(f"{1e6 * took[kind]:.0f} µs" for kind in kinds),
            *(f"{ratios[kind]:.2f} (goal ≥ {goal})" for kind, goal in GOALS.items()),
        )
    Console(width=160).print(shown)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=2000)
    parser.add_argument("--people", type=int, default=2000, help="in each tenant")
    parser.add_argument("--data", help="not used: people are made up")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="duilian-rls-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        postgres = LocalPostgres(folder / "data", free_block(), durable=False)
        postgres.start()
        try:
            FileKeyProvider.create(folder / "master.key")
            settings = msgspec.structs.replace(
                Settings(),
                database_url=postgres.database_url,
                database_owner_url=postgres.database_owner_url,
                master_key_file=folder / "master.key",
                data_dir=folder,
            )
            show(asyncio.run(measure(prepare(settings, options.people), options.rounds)))
        finally:
            postgres.stop()


if __name__ == "__main__":
    ending.run(main)
