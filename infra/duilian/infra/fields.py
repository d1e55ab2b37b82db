"""Personal fields: text outside, ciphertext in the database, found again by a blind index.

A model declares `name = sealed_text()` beside the column `name_sealed` (bytes). Where it also has `name_index` (bytes)
the field can be looked up by its whole value, and where it has `name_terms` (integers) by a part of it. The index
is an HMAC under a key of the tenant that does not rotate; terms are such HMACs of one and two characters, cut to
16 bits so that they say little: what they find is compared again in the clear.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, Generic, Protocol, Self, TypeVar, overload
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import event
from sqlalchemy.orm import Session, object_session

from duilian.infra.ids import new_id
from duilian.infra.keys import NONCE_BYTES, KeyUnusable, of_version

INDEX_BYTES = 16
VERSION_BYTES = 2
_PENDING, _OPENED = "_sealed_pending", "_sealed_opened"
T = TypeVar("T")


class FieldCipher:
    """Seals the fields of one tenant. versions: seal keys by version, the highest seals and all open."""

    def __init__(self, tenant_id: UUID, versions: Mapping[int, bytes], index_key: bytes) -> None:
        self._tenant_id, self._index_key = tenant_id, index_key
        self.newest = max(versions)
        self._ciphers = {version: AESGCM(key) for version, key in versions.items()}

    def seal(self, column: str, row_id: UUID, value: str) -> bytes:
        """version (2 bytes) ‖ nonce ‖ ciphertext ‖ tag, bound to tenant, column and row."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._ciphers[self.newest].encrypt(nonce, value.encode(), self._bound(column, row_id))
        return self.newest.to_bytes(VERSION_BYTES, "big") + nonce + sealed

    def open(self, column: str, row_id: UUID, sealed: bytes) -> str:
        """Raises KeyUnusable where it was altered, moved, or its key is gone; KeyOutdated where it is newer than ours."""
        cipher = of_version(self._ciphers, version_of(sealed))
        start = VERSION_BYTES + NONCE_BYTES
        try:
            nonce, bound = sealed[VERSION_BYTES:start], self._bound(column, row_id)
            return cipher.decrypt(nonce, sealed[start:], bound).decode()
        except InvalidTag as error:
            raise KeyUnusable(reason="a sealed field was altered or moved") from error

    def index(self, column: str, value: str) -> bytes:
        return self._mac(column, normal(value))[:INDEX_BYTES]

    def terms(self, column: str, value: str) -> list[int]:
        """Sorted; those of a part of a value are among those of the value."""
        plain = normal(value)
        parts = set(plain) | {plain[i : i + 2] for i in range(len(plain) - 1)}
        return sorted({int.from_bytes(self._mac(column, "term:" + part)[:2], "big") for part in parts})

    def _mac(self, column: str, value: str) -> bytes:
        return hmac.new(self._index_key, f"{column}\0{value}".encode(), hashlib.sha256).digest()

    def _bound(self, column: str, row_id: UUID) -> bytes:
        return f"duilian-field|{self._tenant_id}|{column}|{row_id}".encode()


def version_of(sealed: bytes) -> int:
    """The version of the seal key that a field was sealed with."""
    return int.from_bytes(sealed[:VERSION_BYTES], "big")


def normal(value: str) -> str:
    """What is compared: width, case and outer spaces do not count."""
    return unicodedata.normalize("NFKC", value).strip().casefold()


class SealedRow(Protocol):
    """A mapped row with an identifier."""

    id: Any  # Any: SQLAlchemy's Mapped is a UUID on instances
    __tablename__: str


def cipher_of(session: Session) -> FieldCipher:
    """Raises what kept the tenant's keys from opening."""
    cipher = session.info.get("cipher")
    if isinstance(cipher, Exception):
        raise cipher
    if not isinstance(cipher, FieldCipher):
        raise KeyUnusable(reason="the database was opened without keys")
    return cipher


class Sealed(Generic[T]):
    """A sealed field: gives and takes a plain value; None stays None. The row must lie in a session to be read."""

    def __init__(self, dumps: Callable[[T], str], loads: Callable[[str], T]) -> None:
        self.dumps, self.loads = dumps, loads

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self._name = name

    @overload
    def __get__(self, row: None, owner: type[Any]) -> Self: ...
    @overload
    def __get__(self, row: SealedRow, owner: type[Any]) -> T: ...
    def __get__(self, row: SealedRow | None, owner: type[Any]) -> Self | T | None:
        if row is None:
            return self
        pending = row.__dict__.get(_PENDING, {})
        if self._name in pending:
            return pending[self._name]
        sealed = getattr(row, f"{self._name}_sealed")
        return None if sealed is None else self._open(row, sealed)

    def _open(self, row: SealedRow, sealed: bytes) -> T:
        """Opened once per row; a value that was sealed anew is opened anew."""
        opened = row.__dict__.setdefault(_OPENED, {})
        known = opened.get(self._name)
        if known is None or known[0] != sealed:
            session = object_session(row)
            if session is None:
                raise KeyUnusable(reason="the row has left its session")
            text = cipher_of(session).open(f"{row.__tablename__}.{self._name}", row.id, sealed)
            known = opened[self._name] = (sealed, self.loads(text))
        return known[1]

    def __set__(self, row: SealedRow, value: T) -> None:
        session = object_session(row)
        if session is None or row.id is None:
            row.__dict__.setdefault(_PENDING, {})[self._name] = value
        else:
            _assign(row, cipher_of(session), {self._name: value})


def sealed_text() -> Sealed[Any]:
    """Text, or None."""
    return Sealed(str, str)


def sealed_json() -> Sealed[Any]:
    """What JSON can say."""
    return Sealed(lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")), json.loads)


def sealed_values(session: Session, model: type[Any], row_id: UUID, **values: Any) -> dict[str, Any]:
    """The columns of sealed fields, for an insert that does not go through the unit of work."""
    return _columns(model, cipher_of(session), row_id, values)


def _columns(
    model: type[Any], cipher: FieldCipher, row_id: UUID, values: Mapping[str, Any]
) -> dict[str, Any]:
    table, columns = model.__table__, {}
    for name, value in values.items():
        label, field = f"{table.name}.{name}", model.__dict__[name]
        plain = None if value is None else field.dumps(value)
        columns[f"{name}_sealed"] = None if plain is None else cipher.seal(label, row_id, plain)
        if f"{name}_index" in table.c:
            columns[f"{name}_index"] = None if plain is None else cipher.index(label, plain)
        if f"{name}_terms" in table.c:
            columns[f"{name}_terms"] = [] if plain is None else cipher.terms(label, plain)
    return columns


def _assign(row: Any, cipher: FieldCipher, values: Mapping[str, Any]) -> None:
    for column, value in _columns(type(row), cipher, row.id, values).items():
        setattr(row, column, value)


@event.listens_for(Session, "before_flush")
def _seal_new_rows(session: Session, _context: object, _instances: object) -> None:
    for row in session.new:
        pending = row.__dict__.pop(_PENDING, None)
        if pending:
            row.id = row.id or new_id()
            _assign(row, cipher_of(session), pending)
