"""The object store (S3): one prefix per tenant, everything sealed before it leaves the process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol
from uuid import UUID

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from duilian.infra import sealing
from duilian.infra.errors import Conflict, NotFound, Unavailable
from duilian.infra.keys import of_version
from duilian.infra.settings import Settings

STREAM_BYTES = 8 * sealing.FRAME  # plaintext fetched at a time when streaming


class ObjectStoreDown(Unavailable):
    code = "object-store-down"
    zh = "存储服务暂时不可用，内容还在您的设备上，稍后会自动重试。"
    en = "Storage is unavailable for the moment; what you recorded is still on your device and will be sent again."


class ObjectMissing(NotFound):
    code = "object-missing"


class ObjectReplaced(Conflict):
    """It is not what it was when it was read."""

    code = "object-replaced"


class TenantKey(Protocol):
    """A tenant's keys as the store needs them, ready to wrap: the one of `version` seals, any opens."""

    @property
    def tenant_id(self) -> UUID: ...
    @property
    def version(self) -> int: ...
    @property
    def wrapping(self) -> Mapping[int, AESGCM]: ...


class ObjectStore:
    """Blocking boto3 calls run in threads. Keys are `{tenant}/{name}`."""

    def __init__(self, settings: Settings) -> None:
        self.bucket = settings.s3_bucket
        self._client: Any = boto3.client(  # Any: boto3 builds its clients at run time
            "s3",
            endpoint_url=settings.s3_endpoint or None,
            region_name=settings.s3_region,
            aws_access_key_id=settings.s3_access_key or None,
            aws_secret_access_key=settings.s3_secret_key or None,
            config=Config(
                signature_version="s3v4",
                retries={"max_attempts": 3, "mode": "standard"},
                connect_timeout=3,
                read_timeout=30,
                max_pool_connections=32,
                s3={"addressing_style": "path"},
                request_checksum_calculation="when_required",
            ),
        )

    async def put(self, owner: TenantKey, name: str, plaintext: bytes) -> None:
        key = object_key(owner.tenant_id, name)
        sealed = await asyncio.to_thread(_sealed, owner, key, plaintext)
        await self._call("put_object", Key=key, Body=sealed)

    async def get(self, owner: TenantKey, name: str) -> bytes:
        key = object_key(owner.tenant_id, name)
        sealed, _ = await asyncio.to_thread(self._read, key)
        return await asyncio.to_thread(_opened, owner, key, sealed)

    async def stream(self, owner: TenantKey, name: str, start: int, end: int) -> AsyncIterator[bytes]:
        """Plaintext bytes [start, end), opened frame by frame."""
        key = object_key(owner.tenant_id, name)
        head = await asyncio.to_thread(self._head, key)
        position = start
        while position < end:
            stop = min(end, (position // STREAM_BYTES + 1) * STREAM_BYTES)
            try:
                frames = await asyncio.to_thread(self._frames, owner, key, head, position, stop)
            except ObjectReplaced:  # its data key was rotated while it played: the same words, other frames
                head = await asyncio.to_thread(self._head, key)
                frames = await asyncio.to_thread(self._frames, owner, key, head, position, stop)
            for frame in frames:
                yield frame
            position = stop

    async def rotate(self, owner: TenantKey, name: str, *, anew: bool = False) -> bool:
        """Bring an object under the owner's newest key; whether there was anything to do.

        Its header alone is made anew, the frames stay; anew: all of it, under a new data key. What is replaced or
        deleted meanwhile is left as it is: nothing that was deleted comes back.
        """
        key = object_key(owner.tenant_id, name)
        try:
            header, _ = await asyncio.to_thread(self._head, key)
            if header.key_version == owner.version and not anew:
                return False
            sealed, tag = await asyncio.to_thread(self._read, key)
            rotated = await asyncio.to_thread(_rotated, owner, key, sealed, anew)
            await self._call("put_object", Key=key, Body=rotated, IfMatch=tag)
        except (ObjectMissing, ObjectReplaced):
            return False
        return True

    async def delete(self, tenant_id: UUID, names: list[str]) -> None:
        """Deleting what is not there is no error: a repeated job does no harm."""
        for first in range(0, len(names), 1000):
            keys = [{"Key": object_key(tenant_id, name)} for name in names[first : first + 1000]]
            await self._call("delete_objects", Delete={"Objects": keys, "Quiet": True})

    async def names(self, tenant_id: UUID, prefix: str = "") -> list[str]:
        root = object_key(tenant_id, "")
        found: list[str] = []
        token: dict[str, str] = {}
        while True:
            page = await self._call("list_objects_v2", Prefix=root + prefix, **token)
            found += [item["Key"].removeprefix(root) for item in page.get("Contents", [])]
            if not page.get("IsTruncated"):
                return found
            token = {"ContinuationToken": page["NextContinuationToken"]}

    async def ensure_bucket(self) -> None:
        try:
            await self._call("head_bucket")
        except ObjectMissing:
            await self._call("create_bucket")

    async def check(self) -> None:
        """Raises ObjectStoreDown or ObjectMissing where the bucket cannot be reached."""
        await self._call("head_bucket")

    def _head(self, key: str) -> tuple[sealing.Header, str]:
        """The header and the tag of what it belongs to."""
        raw, tag = self._read(key, Range=f"bytes=0-{sealing.HEADER_BYTES - 1}")
        return sealing.Header.parse(raw), tag

    def _frames(
        self, owner: TenantKey, key: str, head: tuple[sealing.Header, str], start: int, end: int
    ) -> list[bytes]:
        header, tag = head

        def read(first: int, last: int) -> bytes:
            return self._read(key, Range=f"bytes={first}-{last - 1}", IfMatch=tag)[0]

        opening = of_version(owner.wrapping, header.key_version)
        return list(sealing.unseal_range(header, opening, context(key), start, end, read))

    def _read(self, key: str, **arguments: Any) -> tuple[bytes, str]:
        answer = self._ask("get_object", Key=key, **arguments)
        try:
            return answer["Body"].read(), answer["ETag"]
        except BotoCoreError as error:  # the connection broke while it was read
            raise ObjectStoreDown from error

    async def _call(self, operation: str, **arguments: Any) -> Any:
        return await asyncio.to_thread(self._ask, operation, **arguments)

    def _ask(self, operation: str, **arguments: Any) -> Any:  # Any: boto3 answers are plain dicts
        try:
            return getattr(self._client, operation)(Bucket=self.bucket, **arguments)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in ("404", "NoSuchKey", "NoSuchBucket", "NotFound"):
                raise ObjectMissing from error
            if code in ("412", "PreconditionFailed", "ConditionalRequestConflict"):
                raise ObjectReplaced from error
            raise ObjectStoreDown from error
        except BotoCoreError as error:
            raise ObjectStoreDown from error


def _sealed(owner: TenantKey, key: str, plaintext: bytes) -> bytes:
    return sealing.seal(plaintext, owner.wrapping[owner.version], owner.version, context(key))


def _opened(owner: TenantKey, key: str, sealed: bytes) -> bytes:
    version = sealing.Header.parse(sealed).key_version
    return sealing.unseal(sealed, of_version(owner.wrapping, version), context(key))


def _rotated(owner: TenantKey, key: str, sealed: bytes, anew: bool) -> bytes:
    header = sealing.Header.parse(sealed)
    if anew or not header.rewrappable:
        return _sealed(owner, key, _opened(owner, key, sealed))
    old, new = of_version(owner.wrapping, header.key_version), owner.wrapping[owner.version]
    rewrapped = sealing.rewrapped(header, old, new, owner.version, context(key))
    return b"".join([rewrapped.raw, memoryview(sealed)[sealing.HEADER_BYTES :]])


def object_key(tenant_id: UUID, name: str) -> str:
    """Below the tenant's prefix, whatever the name. Raises ObjectMissing for one that leads out of it."""
    if name.startswith("/") or ".." in name.split("/"):
        raise ObjectMissing
    return f"{tenant_id}/{name}"


def context(key: str) -> bytes:
    """What a sealed object is bound to: its tenant and its own key."""
    return b"duilian-object\0" + key.encode()
