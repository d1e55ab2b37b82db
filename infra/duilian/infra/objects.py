"""The object store (S3): one prefix per tenant, everything sealed before it leaves the process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Protocol
from uuid import UUID

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from duilian.infra import sealing
from duilian.infra.errors import NotFound, Unavailable
from duilian.infra.settings import Settings

STREAM_BYTES = 16 * sealing.FRAME  # plaintext fetched at a time when streaming


class ObjectStoreDown(Unavailable):
    code = "object-store-down"
    zh = "存储服务暂时不可用，内容还在您的设备上，稍后会自动重试。"
    en = "Storage is unavailable for the moment; what you recorded is still on your device and will be sent again."


class ObjectMissing(NotFound):
    code = "object-missing"


class TenantKey(Protocol):
    """A tenant's key as the store needs it."""

    @property
    def tenant_id(self) -> UUID: ...
    @property
    def version(self) -> int: ...
    @property
    def key(self) -> bytes: ...


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
        sealed = await asyncio.to_thread(sealing.seal, plaintext, owner.key, owner.version, context(key))
        await self._call("put_object", Key=key, Body=sealed)

    async def get(self, owner: TenantKey, name: str) -> bytes:
        key = object_key(owner.tenant_id, name)
        answer = await self._call("get_object", Key=key)
        sealed = await asyncio.to_thread(answer["Body"].read)
        return await asyncio.to_thread(sealing.unseal, sealed, owner.key, context(key))

    async def stream(self, owner: TenantKey, name: str, start: int, end: int) -> AsyncIterator[bytes]:
        """Plaintext bytes [start, end), opened frame by frame."""
        key = object_key(owner.tenant_id, name)
        header = sealing.Header.parse(await self._range(key, 0, sealing.HEADER_BYTES))

        def piece(a: int, b: int) -> bytes:
            return b"".join(sealing.unseal_range(header, owner.key, context(key), a, b, self._reader(key)))

        position = start
        while position < end:
            stop = min(end, (position // STREAM_BYTES + 1) * STREAM_BYTES)
            yield await asyncio.to_thread(piece, position, stop)
            position = stop

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

    def _reader(self, key: str):
        def read(start: int, end: int) -> bytes:
            return self._client.get_object(Bucket=self.bucket, Key=key, Range=f"bytes={start}-{end - 1}")[
                "Body"
            ].read()

        return read

    async def _range(self, key: str, start: int, end: int) -> bytes:
        answer = await self._call("get_object", Key=key, Range=f"bytes={start}-{end - 1}")
        return await asyncio.to_thread(answer["Body"].read)

    async def _call(self, operation: str, **arguments: Any) -> Any:  # Any: boto3 answers are plain dicts
        try:
            return await asyncio.to_thread(getattr(self._client, operation), Bucket=self.bucket, **arguments)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NoSuchBucket", "NotFound"):
                raise ObjectMissing from error
            raise ObjectStoreDown from error
        except BotoCoreError as error:
            raise ObjectStoreDown from error


def object_key(tenant_id: UUID, name: str) -> str:
    return f"{tenant_id}/{name}"


def context(key: str) -> bytes:
    """What a sealed object is bound to: its tenant and its own key."""
    return b"duilian-object\0" + key.encode()
