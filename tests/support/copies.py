"""A copy of database and bucket, as a thief takes it or an archive keeps it: with the administrator's means."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import select

from duilian.infra.local.files import kept_secrets
from duilian.infra.local.postgres import ADMIN, APP, OWNER, LocalPostgres
from duilian.infra.local.seaweedfs import LocalObjectStore
from duilian.infra.objects import ObjectStore
from duilian.platform.app.up import Stack
from duilian.platform.recruiting.models import Candidate
from duilian.tenants.keyring import keys_of
from inside import within
from world import World, run


@dataclass(frozen=True)
class Copied:
    """world: the tenant as it opens from the copy. objects: sealed bytes by their key in the bucket."""

    world: World
    dump: bytes
    objects: dict[str, bytes]


def postgres(stack: Stack) -> LocalPostgres:
    port = urlsplit(stack.settings.database_url).port
    assert port
    return LocalPostgres(stack.settings.data_dir, port, durable=False)


def as_admin(stack: Stack, program: str, *arguments: str, words: bytes | None = None) -> bytes:
    server = postgres(stack)
    passwords = kept_secrets(stack.settings.data_dir / "postgres.json", (ADMIN, OWNER, APP))
    where = ["-h", "127.0.0.1", "-p", str(server.port), "-U", ADMIN]
    environment = {"PGPASSWORD": passwords[ADMIN], "PATH": os.defpath}
    made = subprocess.run(
        [str(server.cluster.programs / program), *where, *arguments],
        input=words, env=environment, capture_output=True, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr[-2000:]
    return made.stdout


@contextmanager
def copy_of(stack: Stack, world: World, name: str) -> Iterator[Copied]:
    """Taken while all is well. name: of the second database and the second bucket."""
    dump = as_admin(stack, "pg_dump", "duilian")
    server = postgres(stack)
    urls = server.create_database(name)
    as_admin(stack, "psql", "-q", "-d", name, words=dump)
    settings = stack.settings
    port = int(settings.s3_endpoint.rpartition(":")[2])
    client: Any = LocalObjectStore(settings.data_dir, port).client()
    client.create_bucket(Bucket=name)
    objects: dict[str, bytes] = {}
    for path in run(ObjectStore(settings).names(world.tenant_id)):
        key = f"{world.tenant_id}/{path}"
        objects[key] = client.get_object(Bucket=settings.s3_bucket, Key=key)["Body"].read()
        client.put_object(Bucket=name, Key=key, Body=objects[key])
    there = msgspec.structs.replace(
        settings, database_url=urls.app, database_owner_url=urls.owner, s3_bucket=name
    )
    try:
        yield Copied(replace(world, settings=there), dump, objects)
    finally:
        server.drop_database(name)


def names(world: World) -> list[str]:
    """Of its candidates."""

    async def read(session: Any) -> list[str]:
        return [person.name for person in await session.scalars(select(Candidate))]

    return within(world, read)


def media_of(world: World) -> list[bytes]:
    """Everything in its bucket, opened."""

    async def read(session: Any) -> Any:
        return keys_of(session)

    owner, store = within(world, read), ObjectStore(world.settings)
    return [run(store.get(owner, name)) for name in run(store.names(world.tenant_id))]
