"""What an attacker may have stolen from a tenant, and the words by which its data would be recognised."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from duilian.infra.database import Database, TenantSession
from duilian.infra.ids import new_id
from duilian.platform.app import tables
from duilian.platform.app.candidate_client import Candidate
from duilian.tenants.people import add_member
from duilian.tenants.service import create_api_key
from duilian.tenants.sessions import csrf_token
from fuzzing import Caller, Loot, Stolen, ghost_of, marker, stolen
from inside import within
from playing import report_of
from world import PASSWORD, World

ANSWER = "我在服务台工作了八年，代号{word}。去年有位顾客投诉牛奶过期，我马上道歉并且当场退款，晚上又打电话回访，他很满意。"
SESSION = "duilian_session"
# What anybody may cause in a tenant: being refused at its door, which is counted and recorded.
# The probe of a report writes its own row a little after the report.
OF_STRANGERS = frozenset({"sign_in_attempts", "audit_entries", "audit_heads", "counterfactuals"})


@dataclass(frozen=True)
class Robbed:
    """secret: of an API key; session: value of an administrator's cookie; invitation: of the person who answered."""

    world: World
    loot: Loot
    secret: str
    session: str
    token: str


def rob(world: World) -> Robbed:
    """Fills the tenant with people, an interview, a report and a dead job, all marked, and takes every identifier."""
    name, email, unseen, answer, member, key = (marker() for _ in range(6))
    known = world.invite(name=f"林{name}", email=f"{email}@candidate.example", locale="zh-CN")
    world.invite(name=f"王{unseen}", email=f"{marker()}@candidate.example", locale="zh-CN")
    asyncio.run(_answer(world, known, ANSWER.format(word=answer)))
    report_of(world, known["interview"])
    secret = _people(world, member, key)
    job, objects = asyncio.run(_leftovers(world))
    session = world.console().cookies[SESSION]
    items = [
        *stolen("slug", [world.slug]),
        *stolen("uuid", [known["interview"], known["invitation"], world.tenant_id]),
        *stolen("interview_id", [known["interview"]]),
        *stolen("invitation_id", [known["invitation"]]),
        *stolen("token", [known["token"]]),
        *stolen("job_id", [job]),
        *stolen("int", [job]),
        *stolen("email", [f"{email}@candidate.example", f"{member}@{world.slug}.example"]),
        *stolen("object", [objects]),
    ]
    markers = [word.encode() for word in (name, unseen, answer, member, key)]
    return Robbed(world, Loot(world.slug, items, markers), secret, session, known["token"])


async def _answer(world: World, invitation: dict[str, str], words: str) -> None:
    async with Candidate(world.url, world.slug, invitation["token"]) as candidate:
        await candidate.begin()
        await candidate.open("intro")
        await candidate.write("intro", words)
        await candidate.submit()


def _people(world: World, member: str, key: str) -> str:
    """A member and an API key with marked names; gives the key's secret."""

    async def write(session: TenantSession) -> str:
        address = f"{member}@{world.slug}.example"
        await add_member(session, address, f"周{member}", "recruiter", PASSWORD, "zh-CN")
        return await create_api_key(session, world.slug, key, set())

    return within(world, write).removeprefix(f"dl_{world.slug}_")


async def _leftovers(world: World) -> tuple[int, str]:
    """The number of a dead job of the tenant, and the name of an object."""
    owner = Database(world.settings.database_owner_url, 1)
    statement = text(
        "insert into procrastinate_jobs (queue_name, task_name, args, status)"
        " values ('default', 'events.deliver', cast(:args as jsonb), 'failed') returning id"
    )
    try:
        async with owner.connect() as connection:
            args = f'{{"tenant_id": "{world.tenant_id}", "event_id": "{new_id()}"}}'
            return int(
                await connection.scalar(statement, {"args": args}) or 0
            ), f"{world.tenant_id}/takes/{new_id()}"
    finally:
        await owner.close()


def callers(robbed: Robbed, own: World) -> list[Caller]:
    """Nobody, everybody of the attacker's own tenant, and forgeries that mix their credentials with what was stolen."""
    invitation = own.invite(locale="zh-CN")
    names = {
        "slug": own.slug,
        "token": invitation["token"],
        "interview_id": invitation["interview"],
        "key": "intro",
    }
    client = own.console()
    session = client.cookies[SESSION]
    csrf = csrf_token(session.partition(".")[2])
    bearer = {"Authorization": f"Bearer {own.api_key}"}
    candidate = {"Authorization": f"Bearer {invitation['token']}"}
    html = {"Accept": "text/html", "Accept-Language": "en"}
    forged_key = _forged("dl_{slug}_{secret}", slug=own.slug, secret=robbed.secret)
    forged_session = _forged(
        "{tenant}.{secret}", tenant=own.tenant_id.hex, secret=robbed.session.partition(".")[2]
    )
    moved_session = _forged(
        "{tenant}.{secret}", tenant=robbed.world.tenant_id.hex, secret=session.partition(".")[2]
    )
    return [
        Caller("nobody", {}, {"slug": own.slug}),
        Caller("member", html | {"Cookie": f"{SESSION}={session}"}, names, csrf),
        Caller("key", bearer, names),
        Caller("candidate", candidate, names),
        Caller("forged key", {}, names, forged=("Authorization", "Bearer ", forged_key)),
        Caller("forged link", {}, names, forged=("Authorization", "Bearer ", _twin(robbed.token))),
        Caller("forged session", html, names, forged=("Cookie", f"{SESSION}=", forged_session)),
        Caller("moved session", html, names, forged=("Cookie", f"{SESSION}=", moved_session)),
    ]


def _forged(form: str, **parts: str) -> Stolen:
    """The stolen part is the last but where the tenant is; its ghost keeps the form."""
    value = form.format(**parts)
    ghost = form.format(**{name: part if name == "slug" else _ghost(part) for name, part in parts.items()})
    return Stolen("credential", value, ghost)


def _ghost(part: str) -> str:
    try:
        return UUID(hex=ghost_of(str(UUID(hex=part)))).hex
    except ValueError:
        return secrets.token_urlsafe(32)[: len(part)]


def _twin(token: str) -> Stolen:
    return Stolen("credential", token, ghost_of(token))


def fingerprint(world: World, left_out: frozenset[str]) -> dict[str, str]:
    """Per table of the tenant a hash of all its rows: two are equal if, and only if, nothing was changed."""

    async def read(session: TenantSession) -> dict[str, str]:
        rows = "select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) from {} t"
        names = sorted(set(tables.metadata.tables) - left_out)
        return {name: str(await session.scalar(text(rows.format(name)))) for name in names}

    return within(world, read)
