"""Daily seals of the audit log: Ed25519 signatures (RFC 8032) over the end of a tenant's chain.

The key's name is its public key in hex: whoever knows it from elsewhere (docs, `duilian doctor`) can tell an export
that was sealed here from one that was made up.
"""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from duilian.infra.keys import KeyUnusable


class SealKey:
    """The private key in a file of mode 0600: 32 bytes in hex."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise KeyUnusable(reason=f"there is no audit key at {path} (setting DUILIAN_AUDIT_KEY_FILE)")
        self._key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text().strip()))

    @staticmethod
    def create(path: Path) -> None:
        """A new key, unless there is one already."""
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return
        with os.fdopen(descriptor, "w") as file:
            file.write(Ed25519PrivateKey.generate().private_bytes_raw().hex() + "\n")

    @property
    def name(self) -> str:
        return self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()

    def sign(self, tenant_id: UUID, day: date, seq: int, digest: bytes) -> bytes:
        return self._key.sign(_message(tenant_id, day, seq, digest))

    def attest(self, purpose: str, content: bytes) -> bytes:
        """A signature over anything else that must be provable without us; purposes do not mix."""
        return self._key.sign(_attested(purpose, content))


def is_sealed(key_name: str, signature: bytes, tenant_id: UUID, day: date, seq: int, digest: bytes) -> bool:
    return _verified(key_name, signature, _message(tenant_id, day, seq, digest))


def is_attested(key_name: str, signature: bytes, purpose: str, content: bytes) -> bool:
    return _verified(key_name, signature, _attested(purpose, content))


def _verified(key_name: str, signature: bytes, message: bytes) -> bool:
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key_name))
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _attested(purpose: str, content: bytes) -> bytes:
    return f"duilian-{purpose}|".encode() + content


def _message(tenant_id: UUID, day: date, seq: int, digest: bytes) -> bytes:
    return f"duilian-audit-seal|{tenant_id}|{day.isoformat()}|{seq}|{digest.hex()}".encode()
