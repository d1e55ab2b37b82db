"""Passwords: argon2id with the library's defaults (RFC 9106, low-memory profile), refused where they would be guessed.

Length and guessability decide, not kinds of characters (NIST SP 800-63B §5.1.1.2): zxcvbn counts the guesses of
somebody who knows common passwords, names, dates, keyboards, and this person's own words.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn

from duilian.tenants.account_errors import GuessablePassword, LongPassword
from duilian.tenants.errors import WeakPassword

SHORTEST = 10
LONGEST = 200
SAFE = 3  # of 0–4: more than 10^8 guesses
CHECKED = 72  # characters that zxcvbn looks at; it is slow on more
_hasher = PasswordHasher()
# Verified where the address is unknown or has no password, so that all cases take the same time.
_NOBODY = _hasher.hash("nobody has this password")


def check_password(password: str, own_words: Iterable[str] = ()) -> None:
    """own_words: name, address, employer. Raises WeakPassword, LongPassword, GuessablePassword."""
    if len(password) < SHORTEST:
        raise WeakPassword(length=SHORTEST)
    if len(password) > LONGEST:
        raise LongPassword(length=LONGEST)
    if zxcvbn(password[:CHECKED], user_inputs=list(_parts(own_words)))["score"] < SAFE:
        raise GuessablePassword


def hash_password(password: str, own_words: Iterable[str] = ()) -> str:
    """Raises as `check_password`."""
    check_password(password, own_words)
    return _hasher.hash(password)


def password_matches(password_hash: str | None, password: str) -> bool:
    """An empty hash is that of a member without a password: nothing matches, after the same time."""
    try:
        return _hasher.verify(password_hash or _NOBODY, password[:LONGEST]) and bool(password_hash)
    except (VerificationError, InvalidHashError):
        return False


async def matches(password_hash: str | None, password: str) -> bool:
    """As `password_matches`, beside the event loop: it takes tens of milliseconds on purpose."""
    return await asyncio.to_thread(password_matches, password_hash, password)


def rehashed(password_hash: str, password: str) -> str | None:
    """A hash with today's parameters where the kept one has older ones; the password was just verified."""
    return _hasher.hash(password) if _hasher.check_needs_rehash(password_hash) else None


def _parts(own_words: Iterable[str]) -> Iterable[str]:
    for words in own_words:
        yield from {words, *words.split("@")}
        yield from words.replace("@", " ").replace(".", " ").replace("-", " ").split()
