"""Passwords: argon2id with the library's defaults (RFC 9106, low-memory profile)."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from duilian.tenants.errors import WeakPassword

SHORTEST = 10
_hasher = PasswordHasher()
# Verified where the address is unknown, so that both cases take the same time.
_NOBODY = _hasher.hash("nobody has this password")


def hash_password(password: str) -> str:
    if len(password) < SHORTEST:
        raise WeakPassword(length=SHORTEST)
    return _hasher.hash(password)


def password_matches(password_hash: str | None, password: str) -> bool:
    try:
        return _hasher.verify(password_hash or _NOBODY, password) and password_hash is not None
    except VerificationError:
        return False
