"""The hash chain of a segment: altering, dropping or reordering a chunk changes the head."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from uuid import UUID


def head(interview_id: UUID, question_key: str, take: int, segment: int, chunk_hashes: Iterable[str]) -> str:
    """chunk_hashes: sha256 of each chunk in hex, in order. Returns the head in hex (docs/architecture.md)."""
    link = sha256(f"duilian-chain-v1|{interview_id}|{question_key}|{take}|{segment}".encode()).digest()
    for chunk in chunk_hashes:
        link = sha256(link + bytes.fromhex(chunk)).digest()
    return link.hex()
