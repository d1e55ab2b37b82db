"""The gate before scoring, as a tenant has published it: thresholds within safe bounds, and answers known to be leaked.

Bounds keep a tenant from refusing everybody and from scoring what nobody could have heard.
"""

from __future__ import annotations

import msgspec
from sqlalchemy import delete, select, update

from duilian.infra import audit, errors
from duilian.infra.database import TenantSession
from duilian.tenants.models import LeakedAnswer, Tenant

BOUNDS: dict[str, tuple[float, float]] = {
    "least_seconds": (1.0, 15.0),
    "least_confidence": (0.2, 0.8),
    "off_topic": (0.1, 0.8),
}
MOST_LEAKED = 20  # answers
LONGEST_LEAKED = 3000  # characters
SHORTEST_LEAKED = 20


class GateSettings(msgspec.Struct, frozen=True, kw_only=True):
    """least_seconds: of voice; least_confidence: mean word probability; off_topic: 0–1, below it there is no evidence.

    leaked: answers that are passed around; copies of them are not read as evidence. rubric_judgement: whether a language
    model is asked for its opinion of answers (docs/scoring.md); off until somebody turns it on.
    """

    least_seconds: float = 3.0
    least_confidence: float = 0.45
    off_topic: float = 0.4
    leaked: list[str] = []
    rubric_judgement: bool = False


class OutOfBounds(errors.Unprocessable):
    code = "gate-out-of-bounds"
    zh = "{name} 必须在 {least} 到 {most} 之间。"
    en = "{name} must lie between {least} and {most}."


class LeakedNotKept(errors.Unprocessable):
    code = "leaked-not-kept"
    zh = "最多 {most} 份已知答案，每份 {least} 到 {longest} 个字符。"
    en = "At most {most} known answers, each of {least} to {longest} characters."


async def gate_of(session: TenantSession) -> GateSettings:
    """What is in force; what was never published is as shipped."""
    query = select(Tenant.gate).where(Tenant.id == session.tenant_id)
    thresholds = (await session.scalars(query)).one()
    rows = await session.scalars(select(LeakedAnswer).order_by(LeakedAnswer.place))
    return msgspec.convert(thresholds | {"leaked": [row.text for row in rows]}, GateSettings)


async def publish(session: TenantSession, wanted: GateSettings) -> None:
    """Raises OutOfBounds, LeakedNotKept. Counts of answers from now on; what was scored stays."""
    _check(wanted)
    mine = Tenant.id == session.tenant_id
    await session.execute(select(Tenant.id).where(mine).with_for_update())
    before = _facts(await gate_of(session))
    stored = {name: getattr(wanted, name) for name in (*BOUNDS, "rubric_judgement")}
    await session.execute(update(Tenant).where(mine).values(gate=stored))
    await session.execute(delete(LeakedAnswer))
    session.add_all([LeakedAnswer(place=n, text=text) for n, text in enumerate(wanted.leaked)])
    audit.record(session, "gate.published", "tenant", session.tenant_id, before=before, after=_facts(wanted))


def _check(wanted: GateSettings) -> None:
    for name, (least, most) in BOUNDS.items():
        if not least <= getattr(wanted, name) <= most:
            raise OutOfBounds(name=name, least=least, most=most)
    sizes = [len(text) for text in wanted.leaked]
    if len(sizes) > MOST_LEAKED or any(not SHORTEST_LEAKED <= size <= LONGEST_LEAKED for size in sizes):
        raise LeakedNotKept(most=MOST_LEAKED, least=SHORTEST_LEAKED, longest=LONGEST_LEAKED)


def _facts(settings: GateSettings) -> dict[str, float | bool]:
    """Without the leaked answers' words: the log is read by people who need not know them."""
    numbers = {name: getattr(settings, name) for name in BOUNDS} | {"leaked": float(len(settings.leaked))}
    return numbers | {"rubric_judgement": settings.rubric_judgement}
