"""The dry run (试运行): every row read, every fault found, duplicates told, and nothing written."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import select

from duilian.customization.labels.archives import Archive
from duilian.customization.labels.catalogue import catalogue_of
from duilian.customization.labels.cleaning import compared
from duilian.customization.labels.findings import Finding
from duilian.customization.labels.items import item_of
from duilian.customization.labels.mapping import Mapping
from duilian.customization.labels.models import Example
from duilian.customization.labels.outcomes import DraftOutcomes, OutcomeReader
from duilian.customization.labels.reading import Row, Table
from duilian.customization.labels.rows import Draft, Reader
from duilian.infra.database import TenantSession
from duilian.infra.fields import FieldCipher, cipher_of

Kept = TypeVar("Kept")
CHUNK = 5000  # fingerprints asked about at a time


@dataclass(frozen=True)
class Checked:
    """What an import would do. drafts: with their fingerprints; a draft that waits for its recording has none yet."""

    drafts: list[tuple[Draft, bytes]] = field(default_factory=list[tuple[Draft, bytes]])
    outcomes: list[DraftOutcomes] = field(default_factory=list[DraftOutcomes])
    findings: list[Finding] = field(default_factory=list[Finding])
    rows: int = 0

    @property
    def ready(self) -> int:
        return len(self.drafts) + len(self.outcomes)

    @property
    def counts(self) -> dict[str, object]:
        """rows = ready + errors + duplicates; the others are of those that are ready. levels: first marks by level."""
        weights = Counter(finding.weight for finding in self.findings)
        drafts = [draft for draft, _ in self.drafts]
        levels = Counter(str(mark.level) for draft in drafts for mark in draft.marks[:1])
        return {
            "rows": self.rows,
            "ready": self.ready,
            "errors": weights["error"],
            "duplicates": weights["duplicate"],
            "unlabelled": sum(not draft.marks for draft in drafts),
            "twice": sum(len(draft.marks) == 2 for draft in drafts),
            "without_person": sum(not draft.person for draft in drafts),
            "recordings": sum(bool(draft.audio) for draft in drafts),
            "new_questions": len({d.place.question_key for d in drafts if d.place.is_new}),
            "levels": dict(sorted(levels.items())),
        }


async def check(
    session: TenantSession, table: Table, kind: str, mapping: Mapping, archive: Archive | None = None
) -> Checked:
    """Raises BadMapping. archive: where the answers are recordings."""
    mapping.check(table, kind, audio=archive is not None)
    rows = len(table.rows) + len(table.broken)
    broken = [Finding(row=n, code="row-unreadable", params={"value": why}) for n, why in table.broken.items()]
    if kind == "outcomes":
        read = await asyncio.to_thread(_read_all, OutcomeReader(mapping).read, table.rows)
        kept, faults = _sorted_out(read, DraftOutcomes)
        once, again = _once_a_person(kept)
        return Checked(outcomes=once, findings=_in_order([*broken, *faults, *again]), rows=rows)
    reader = Reader(mapping, await catalogue_of(session), _fault_of(archive) if archive else None)
    read = await asyncio.to_thread(_read_all, reader.read, table.rows)
    drafts, faults = _sorted_out(read, Draft)
    new, known = await without_duplicates(session, drafts)
    return Checked(drafts=new, findings=_in_order([*broken, *faults, *known]), rows=rows)


async def without_duplicates(
    session: TenantSession, drafts: Sequence[Draft]
) -> tuple[list[tuple[Draft, bytes]], list[Finding]]:
    """New ones with their fingerprints, and what is told of the others. The first row of several alike counts."""
    cipher = cipher_of(session.sync_session)
    marked = [
        (draft, fingerprint(cipher, item(draft), draft.answer) if draft.answer else b"") for draft in drafts
    ]
    library = await known_among(session, [mark for _, mark in marked if mark])
    seen: dict[bytes, Draft] = {}
    new: list[tuple[Draft, bytes]] = []
    findings: list[Finding] = []
    for draft, mark in marked:
        if mark in library:
            findings.append(_duplicate(draft, "duplicate-in-library"))
        elif mark in seen:
            code = "duplicate-exact" if seen[mark].answer == draft.answer else "duplicate-alike"
            findings.append(_duplicate(draft, code, other=str(seen[mark].row)))
        else:
            new.append((draft, mark))
            if mark:
                seen[mark] = draft
    return new, findings


def item(draft: Draft) -> str:
    return item_of(draft.place.set_key, draft.place.question_key, draft.competency)


def fingerprint(cipher: FieldCipher, item: str, answer: str) -> bytes:
    """The same for answers that differ in case, width, spaces and punctuation only; a blind index under the tenant's key."""
    return cipher.index("examples.answer", f"{item}\0{compared(answer)}")


async def known_among(session: TenantSession, marks: list[bytes]) -> set[bytes]:
    """Fingerprints that the library holds already, wherever in the organisation the reader may look."""
    found: set[bytes] = set()
    for first in range(0, len(marks), CHUNK):
        chosen = Example.fingerprint.in_(marks[first : first + CHUNK])
        found |= set(await session.scalars(select(Example.fingerprint).where(chosen)))
    return found


def _read_all(read: Callable[[Row], object], rows: list[Row]) -> list[object]:
    return [read(row) for row in rows]


def _sorted_out(read: list[object], kind: type[Kept]) -> tuple[list[Kept], list[Finding]]:
    kept = [one for one in read if isinstance(one, kind)]
    return kept, [one for one in read if isinstance(one, Finding)]


def _once_a_person(drafts: list[DraftOutcomes]) -> tuple[list[DraftOutcomes], list[Finding]]:
    """The same person with the same day twice: the first row counts."""
    seen: dict[tuple[str, object], int] = {}
    kept: list[DraftOutcomes] = []
    findings: list[Finding] = []
    for draft in drafts:
        key = compared(draft.person), draft.measured_on
        if key in seen:
            params = {"other": str(seen[key])}
            findings.append(Finding(row=draft.row, code="person-twice", weight="duplicate", params=params))
        else:
            seen[key] = draft.row
            kept.append(draft)
    return kept, findings


def _duplicate(draft: Draft, code: str, **params: str) -> Finding:
    return Finding(row=draft.row, field="answer", code=code, weight="duplicate", params=params)


def _in_order(findings: list[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: (finding.row, finding.weight))


def _fault_of(archive: Archive) -> Callable[[str], str]:
    def fault(name: str) -> str:
        if not archive.has(name):
            return "recording-missing"
        return "" if archive.is_small_enough(name) else "recording-too-large"

    return fault
