"""Keys (信封加密, envelope encryption): master key → the tenant's lock → the tenant's keys → a data key per object.

`KeyProvider` holds what lies above the tenants' keys: in files, in OpenBao or in AWS KMS, chosen by
`DUILIAN_KEY_PROVIDER`. All wrapping is AES-256-GCM with associated data that binds the ciphertext to what it
belongs to.
"""

from __future__ import annotations

from duilian.infra.keys.aead import KEY_BYTES, NONCE_BYTES, Outer, of_version, unwrap, wrap
from duilian.infra.keys.choice import create_master, provider_of
from duilian.infra.keys.errors import KeyDestroyed, KeyOutdated, KeyServiceDown, KeyUnusable
from duilian.infra.keys.file import FileKeyProvider
from duilian.infra.keys.provider import MASTER, KeyProvider, master_version

__all__ = [
    "KEY_BYTES",
    "MASTER",
    "NONCE_BYTES",
    "FileKeyProvider",
    "KeyDestroyed",
    "KeyOutdated",
    "KeyProvider",
    "KeyServiceDown",
    "KeyUnusable",
    "Outer",
    "create_master",
    "master_version",
    "of_version",
    "provider_of",
    "unwrap",
    "wrap",
]
