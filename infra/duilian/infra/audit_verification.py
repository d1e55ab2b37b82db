"""Verifying an exported audit log with nothing but the file: chain, order, completeness, seals."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from duilian.infra.audit import chained, genesis
from duilian.infra.errors import Unprocessable
from duilian.infra.seals import is_sealed


class AuditBroken(Unprocessable):
    code = "audit-broken"
    zh = "审计日志未通过校验：第 {line} 行，{reason}。"
    en = "The audit log does not verify: line {line}, {reason}."


@dataclass
class Verdict:
    """tenant, number of entries, sealed days, the public keys of the seals, and the number of the last sealed entry."""

    tenant: UUID
    entries: int = 0
    sealed_days: int = 0
    sealed_up_to: int = 0
    keys: set[str] = field(default_factory=set)
    hashes: dict[int, str] = field(default_factory=dict)


def verify(lines: Iterable[str], trusted: set[str] | None = None) -> Verdict:
    """Reads an export from its first line to its last. trusted: public keys (hex) that alone may have sealed.

    Raises AuditBroken at the first line that does not fit.
    """
    numbered = iter(enumerate(lines, start=1))
    _, first = next(numbered, (0, ""))
    header = _document(1, first)
    if header.get("format") != 1 or "tenant" not in header:
        raise AuditBroken(line=1, reason="this is not an export of an audit log")
    verdict = Verdict(UUID(header["tenant"]))
    previous = genesis(verdict.tenant)
    for number, line in numbered:
        document = _document(number, line)
        if "entry" in document:
            previous = _entry(verdict, number, document, previous)
        else:
            _seal(verdict, number, document, trusted)
    return verdict


def _document(number: int, line: str) -> dict[str, Any]:
    try:
        document = json.loads(line)
    except ValueError as error:
        raise AuditBroken(line=number, reason="it is not JSON") from error
    if not isinstance(document, dict):
        raise AuditBroken(line=number, reason="it is not an object")
    return document  # pyright: ignore[reportUnknownVariableType]  # JSON from outside; each use checks


def _entry(verdict: Verdict, number: int, document: dict[str, Any], previous: bytes) -> bytes:
    seq = verdict.entries + 1
    if document.get("seq") != seq or verdict.sealed_days:
        raise AuditBroken(line=number, reason=f"entry {seq} was expected here")
    digest = chained(previous, seq, str(document["entry"]))
    if digest.hex() != document.get("hash"):
        raise AuditBroken(line=number, reason=f"entry {seq} or one before it was changed")
    verdict.entries = seq
    verdict.hashes[seq] = digest.hex()
    return digest


def _seal(verdict: Verdict, number: int, document: dict[str, Any], trusted: set[str] | None) -> None:
    try:
        day, seq, key = date.fromisoformat(document["day"]), int(document["seq"]), str(document["key"])
        digest, signature = bytes.fromhex(document["hash"]), bytes.fromhex(document["signature"])
    except (KeyError, TypeError, ValueError) as error:
        raise AuditBroken(line=number, reason="it is neither an entry nor a seal") from error
    if seq and verdict.hashes.get(seq) != digest.hex():
        raise AuditBroken(line=number, reason=f"the seal of {day} does not fit entry {seq}")
    if trusted is not None and key not in trusted:
        raise AuditBroken(line=number, reason=f"the seal of {day} was made with a key that is not trusted")
    if not is_sealed(key, signature, verdict.tenant, day, seq, digest):
        raise AuditBroken(line=number, reason=f"the signature of {day} is not valid")
    verdict.sealed_days += 1
    verdict.sealed_up_to = max(verdict.sealed_up_to, seq)
    verdict.keys.add(key)
