"""A page of 20 interviews by granian and Litestar against the same page in FastAPI, uvicorn and SQLAlchemy.

Ours is the console's own page on its own server: signed in, the tenant entered in the database, policies in force, names
unsealed, limits counted. The peer (peers/fastapi_interviews.py) asks the same questions of a copy of the tables
without policies and renders the same template with the same words and formats. Both have one process and the same
load in turn, a few seconds each, so that what else the machine does falls on both; medians of pages a second.

    python benchmarks/peer_page.py [--rounds 8] [--seconds 3] [--connections 4]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
from psycopg import sql
from rich.console import Console
from rich.table import Table
from sqlalchemy import select
from sqlalchemy.engine import make_url

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

import ending
from duilian.infra.database import TenantSession
from duilian.platform.recruiting.models import Candidate
from duilian.tenants.models import Member
from inside import within
from stacks import free_block, own_stack
from wire import Wire
from world import World, open_world

PEOPLE, GOAL = 20, 2.0
UNLIMITED = {"limit_network": 10**8, "limit_person": 10**8, "limit_tenant": 10**8}
PEER = Path(__file__).parent / "peers" / "fastapi_interviews.py"
COPIED = (
    "tenants", "members", "staff_sessions", "grants", "org_units", "candidates", "invitations", "interviews", "reports",
    "decisions", "published_sets", "counterfactuals", "takes", "answers", "policy_versions", "legal_holds", "erasures",
)  # fmt: skip
PATH = "/console/interviews"


def copy_tables(world: World) -> str:
    """The tenant's rows in a schema of their own, names in the clear; the peer's SQLAlchemy address."""
    owner = make_url(world.settings.database_owner_url)
    people, members = within(world, _names)
    plain = owner.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        connection.execute("select enter_tenant(%s::uuid, '*', '')", (str(world.tenant_id),))
        connection.execute("create schema peer")
        for name in COPIED:
            table = sql.Identifier(name)
            connection.execute(sql.SQL("create table peer.{0} (like public.{0} including all)").format(table))
            connection.execute(sql.SQL("insert into peer.{0} select * from public.{0}").format(table))
        connection.execute("alter table peer.candidates add name text, add email text")
        connection.execute("alter table peer.members add name text")
        with connection.cursor() as cursor:
            cursor.executemany("update peer.candidates set name = %s, email = %s where id = %s", people)
            cursor.executemany("update peer.members set name = %s where id = %s", members)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute("analyze")
    return owner.update_query_dict({"options": "-csearch_path=peer"}).render_as_string(hide_password=False)


async def _names(session: TenantSession) -> tuple[list[tuple[str, str, str]], list[tuple[str, str]]]:
    people = [(row.name, row.email, str(row.id)) for row in await session.scalars(select(Candidate))]
    members = [(row.name, str(row.id)) for row in await session.scalars(select(Member))]
    return people, members


@contextmanager
def peer(url: str) -> Iterator[str]:
    """Address of the running peer."""
    port = free_block()
    process = subprocess.Popen([sys.executable, str(PEER), "--url", url, "--port", str(port)])
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                httpx.get(f"{address}/health", trust_env=False)
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait()


async def pages_a_second(address: str, cookie: str, options: argparse.Namespace, seconds: float) -> float:
    ends = time.monotonic() + seconds

    async def browse() -> int:
        wire, count = Wire(address), 0
        while time.monotonic() < ends:
            answer = await wire.send("GET", PATH, {"Cookie": cookie, "Accept": "text/html"})
            assert answer.status == 200, answer.body[:300]
            count += 1
        await wire.close()
        return count

    began = time.monotonic()
    counts = await asyncio.gather(*(browse() for _ in range(options.connections)))
    return sum(counts) / (time.monotonic() - began)


def same_page(ours: str, theirs: str, cookie: str) -> None:
    """Both say the same, or the comparison means nothing."""
    said = [httpx.get(a + PATH, headers={"Cookie": cookie}, trust_env=False).text for a in (ours, theirs)]
    lines = [[line.strip() for line in text.splitlines() if line.strip()] for text in said]
    differing = [pair for pair in zip(*lines, strict=True) if pair[0] != pair[1]]
    assert not differing, differing[:3]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=3.0, help="of load for each, in each round")
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--data", help="not used: people are made up")
    options = parser.parse_args()
    with own_stack(**UNLIMITED) as stack:
        world = open_world(stack.settings)
        for number in range(PEOPLE):
            world.invite(name=f"候选人{number}", locale="zh-CN")
        cookie = f"duilian_session={world.console('recruiter').cookies['duilian_session']}"
        with peer(copy_tables(world)) as theirs:
            ours = stack.settings.public_url
            same_page(ours, theirs, cookie)
            found: dict[str, list[float]] = {ours: [], theirs: []}
            for number in range(options.rounds + 1):
                for address in (ours, theirs):
                    seconds = options.seconds if number else 1.0  # the first round warms up
                    rate = asyncio.run(pages_a_second(address, cookie, options, seconds))
                    found[address] += [rate] if number else []
    show(statistics.median(found[ours]), statistics.median(found[theirs]))


def show(ours: float, theirs: float) -> None:
    table = Table("granian + Litestar", "uvicorn + FastAPI", "ratio", title=f"a page of {PEOPLE} interviews")
    table.add_row(f"{ours:.0f} pages/s", f"{theirs:.0f} pages/s", f"{ours / theirs:.2f} (goal ≥ {GOAL:.0f})")
    Console().print(table)


if __name__ == "__main__":
    ending.run(main)
