"""A destroyed key: a copy of database and bucket taken before, and everything tried on it, opens nothing."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from uuid import UUID

import pytest

from commands import duilian, refused
from copies import Copied, copy_of, media_of, names
from duilian.infra import sealing
from duilian.infra.keys import FileKeyProvider, KeyDestroyed, KeyUnusable, aead
from duilian.infra.keys.provider import Wrapped, lock_name
from duilian.infra.objects import context as object_context
from duilian.platform.app.up import Stack
from ledger import rows
from playing import play, publish_written, report_of, shipped, spoken, written
from world import World, open_world

SPOKEN, WRITTEN = spoken("zh", "weak", "complaint")[0], written("complaint", "medium", "zh")


@dataclass(frozen=True)
class Stolen:
    """The copy, and what is known to be in it."""

    copy: Copied
    interview: str
    media: bytes
    said: str  # from the transcript


@pytest.fixture(scope="module")
def world(stack: Stack) -> World:
    return open_world(stack.settings)


@pytest.fixture(scope="module")
def stolen(stack: Stack, world: World) -> Iterator[Stolen]:
    """Taken by the database's administrator and with the bucket's keys, while all was well."""
    interview = play(world, publish_written(world, shipped("retail", "complaint")), [SPOKEN, *WRITTEN[1:]])
    report = report_of(world, interview)
    with world.api() as staff:
        media = staff.get(
            f"/api/v1/interviews/{interview}/answers/{report['answers'][0]['key']}/media"
        ).content
    said = report["answers"][0]["transcript"]["text"][:8]
    with copy_of(stack, world, "copied") as copy:
        yield Stolen(copy, interview, media, said)


@pytest.fixture(scope="module")
def bystander(stack: Stack) -> World:
    other = open_world(stack.settings)
    other.invite(name="旁观者")
    return other


def test_the_copy_opens_while_the_key_lives(stolen: Stolen) -> None:
    """Without this the tests below would prove nothing."""
    assert names(stolen.copy.world) == ["林晓"]
    assert stolen.media in media_of(stolen.copy.world)


def test_the_copy_itself_shows_nothing(stolen: Stolen) -> None:
    secrets = ["林晓", "candidate.example", stolen.said, WRITTEN[1][:12]]
    everything = [stolen.copy.dump, *stolen.copy.objects.values()]
    for secret, coding in product(secrets, ("utf-8", "utf-16-le", "gb18030")):
        for form in (secret.encode(coding), secret.encode(coding).hex().encode()):
            assert not any(form in part for part in everything), secret
    assert not any(stolen.media[1000:1032] in part for part in everything)


def test_destruction_wants_the_tenants_name(stack: Stack, world: World, stolen: Stolen) -> None:
    refused_ = duilian(stack, "keys", "destroy", "--tenant", world.slug, words="another\n")
    assert refused_.returncode != 0
    assert "nothing was destroyed" in refused_.stderr
    assert names(world) == names(stolen.copy.world)


@pytest.fixture(scope="module")
def locks_before(stack: Stack, stolen: Stolen) -> dict[str, bytes]:
    """The provider's files as they were, without the tenant's own lock: that is what is destroyed."""
    folder = stack.settings.master_key_file.parent / "tenant-keys"
    own = lock_name(stolen.copy.world.tenant_id)
    return {path.stem: path.read_bytes() for path in folder.glob("*.key") if path.stem != own}


@pytest.fixture(scope="module")
def destroyed(
    stack: Stack, world: World, stolen: Stolen, bystander: World, locks_before: dict[str, bytes]
) -> World:
    """By command, while web and worker hold the open keys in memory."""
    with world.api() as staff:
        assert staff.get(f"/api/v1/interviews/{stolen.interview}/report").status_code == 200
    result = duilian(stack, "keys", "destroy", "--tenant", world.slug, words=f"{world.slug}\n")
    assert result.returncode == 0, result.stderr
    return world


def test_running_processes_forget_at_once(destroyed: World, stolen: Stolen) -> None:
    paths = ("report", "report.pdf", "answers/intro/media")
    with destroyed.api() as staff:
        for path in paths:
            answer = staff.get(f"/api/v1/interviews/{stolen.interview}/{path}")
            assert answer.status_code == 410, (path, answer.text)
            assert "林晓" not in answer.text
    assert rows(destroyed, "select count(*) as n from tenant_keys")[0]["n"] == 0


def test_the_copy_does_not_open_by_the_platform(destroyed: World, stolen: Stolen) -> None:
    with pytest.raises(KeyDestroyed):
        names(stolen.copy.world)
    with pytest.raises(KeyDestroyed):
        media_of(stolen.copy.world)


def test_the_copy_does_not_open_by_anything_that_is_left(
    destroyed: World, stolen: Stolen, stack: Stack, locks_before: dict[str, bytes], tmp_path: Path
) -> None:
    """The wrapped keys of the copy, against every key that still exists, under every name they could be bound to."""
    master = stack.settings.master_key_file.read_bytes()
    left = {key for content in (master, *locks_before.values()) for key in _keys(content)}
    left |= {base64.b64decode(line) for line in master.split()}
    wrapped = [bytes(row["wrapped"]) for row in rows(stolen.copy.world, "select wrapped from tenant_keys")]
    assert len(wrapped) == 2, "seal and index; practice is hidden from staff"
    contexts = [
        f"duilian-tenant-key|{destroyed.tenant_id}|{purpose}|1".encode() for purpose in ("seal", "index")
    ]
    opened_outer = 0
    for raw, bound, outer in product(wrapped, contexts, left):
        try:
            inner = Wrapped.parse(aead.unwrap(outer, Wrapped.parse(raw).ciphertext, b"master\0" + bound))
        except KeyUnusable:
            continue
        opened_outer += 1
        for key, name in product(left, (lock_name(destroyed.tenant_id), *locks_before, "master")):
            with pytest.raises(KeyUnusable):
                aead.unwrap(key, inner.ciphertext, name.encode() + b"\0" + bound)
    assert opened_outer == len(wrapped), "the master key still opens its part: it is the lock that is missing"
    for name, sealed in stolen.copy.objects.items():
        for key in left:
            with pytest.raises(KeyUnusable):
                sealing.unseal(sealed, key, object_context(name))
    _lock_of_another(destroyed.tenant_id, wrapped[0], contexts, master, locks_before, tmp_path)


def _lock_of_another(
    tenant: UUID, raw: bytes, contexts: list[bytes], master: bytes, locks: dict[str, bytes], folder: Path
) -> None:
    """Another tenant's lock, or a new one, under the tenant's name."""
    file = folder / "master.key"
    file.write_bytes(master)
    file.chmod(0o600)
    provider = FileKeyProvider(file)
    provider.create_lock(tenant)
    lock = folder / "tenant-keys" / f"{lock_name(tenant)}.key"
    for content in (lock.read_bytes(), *locks.values()):
        lock.write_bytes(content)
        for bound in contexts:
            with pytest.raises(KeyUnusable):
                provider.unwrap(tenant, raw, bound)


def _keys(content: bytes) -> list[bytes]:
    return [base64.b64decode(line) for line in content.split()]


def test_others_are_not_touched(destroyed: World, bystander: World) -> None:
    assert names(bystander) == ["旁观者"]
    assert bystander.invite()["token"]


def test_destruction_is_in_the_log_and_may_be_repeated(stack: Stack, destroyed: World) -> None:
    said = "select count(*) as n from audit_entries where action = 'key.destroyed'"
    assert rows(destroyed, said)[0]["n"] == 1
    assert duilian(stack, "keys", "destroy", "--tenant", destroyed.slug, "--yes").returncode == 0
    [status] = json.loads(duilian(stack, "keys", "status", "--tenant", destroyed.slug, "--json").stdout)[
        "tenants"
    ]
    assert status["keys"] == 0
    refused(duilian(stack, "keys", "rotate", "tenant", "--tenant", destroyed.slug), "destroyed")
