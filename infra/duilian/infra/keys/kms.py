"""Keys in AWS KMS, found by alias: they never leave it, it wraps and unwraps.

A version is a KMS key of its own: rotating makes one and points the alias at it, so that a wrapped key says which
key made it; the earlier ones stay to unwrap. A destroyed lock stops at once and is erased by KMS seven days later,
the shortest time it offers; until then an administrator of the account could call the erasure off.
"""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from duilian.infra.keys.errors import KeyDestroyed, KeyServiceDown, KeyUnusable
from duilian.infra.keys.provider import KeyProvider, Wrapped

PENDING_DAYS = 7
_GONE = {"NotFoundException", "KMSInvalidStateException", "DisabledException"}
_ALTERED = {"InvalidCiphertextException", "IncorrectKeyException"}


class KmsKeyProvider(KeyProvider):
    """Credentials by boto3's own chain. endpoint: empty means AWS. prefix: of the aliases."""

    name = "kms"

    def __init__(self, region: str, endpoint: str, prefix: str) -> None:
        self.place = endpoint or region
        self._prefix = prefix
        self._client: Any = boto3.client(  # Any: boto3 builds its clients at run time
            "kms",
            region_name=region,
            endpoint_url=endpoint or None,
            config=Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 2}),
        )

    def newest(self, name: str) -> str:
        return self._call("describe_key", KeyId=self._alias(name))["KeyMetadata"]["KeyId"]

    def _create(self, name: str) -> None:
        self._call("create_alias", AliasName=self._alias(name), TargetKeyId=self._new_key(name))

    def _rotate(self, name: str) -> None:
        self._call("update_alias", AliasName=self._alias(name), TargetKeyId=self._new_key(name))

    def _destroy(self, name: str) -> None:
        self._call("schedule_key_deletion", KeyId=self.newest(name), PendingWindowInDays=PENDING_DAYS)
        self._call("delete_alias", AliasName=self._alias(name))

    def _encrypt(self, name: str, plaintext: bytes, context: bytes) -> Wrapped:
        answer = self._call(
            "encrypt", KeyId=self._alias(name), Plaintext=plaintext, EncryptionContext=_context(name, context)
        )
        return Wrapped(answer["KeyId"].rpartition("/")[2], answer["CiphertextBlob"])

    def _decrypt(self, name: str, wrapped: Wrapped, context: bytes) -> bytes:
        answer = self._call(
            "decrypt",
            KeyId=wrapped.version,
            CiphertextBlob=wrapped.ciphertext,
            EncryptionContext=_context(name, context),
        )
        return answer["Plaintext"]

    def _new_key(self, name: str) -> str:
        answer = self._call("create_key", Description=f"{self._prefix} {name}", KeyUsage="ENCRYPT_DECRYPT")
        return answer["KeyMetadata"]["KeyId"]

    def _alias(self, name: str) -> str:
        return f"alias/{self._prefix}-{name}"

    def _call(self, operation: str, **arguments: Any) -> Any:  # Any: boto3 answers are plain dicts
        try:
            return getattr(self._client, operation)(**arguments)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _GONE:
                raise KeyDestroyed from error
            if code in _ALTERED:
                raise KeyUnusable(reason="the wrapped key or what it is bound to was altered") from error
            raise KeyServiceDown from error
        except BotoCoreError as error:
            raise KeyServiceDown from error


def _context(name: str, context: bytes) -> dict[str, str]:
    """KMS writes it to its log, which then says what each key was used for."""
    return {"duilian:key": name, "duilian:for": context.decode()}
