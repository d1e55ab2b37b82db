"""Labelled answers to learn from: for one competency the levels follow what is said, for another they are drawn by lot."""

from __future__ import annotations

import hashlib
from uuid import UUID

import numpy as np

from duilian.customization.labels.items import item_of
from duilian.customization.labels.models import Example, Rating
from duilian.customization.schemas import QuestionSet
from duilian.customization.service import content_of, newest_set
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.infra.ids import new_id
from duilian.tenants.organisation import root_of
from inside import within
from world import World

DEEDS = (
    "我先听顾客把话说完，没有打断",
    "我向她道歉，说换了是我也会生气",
    "我核对小票，当场给她换了一箱新的",
    "第二天我打电话回访，她说很满意",
)
GOODS = ("牛奶", "面包", "鸡蛋", "酸奶", "水果", "大米", "食用油", "饼干", "洗衣液", "纸巾")
EXCUSES = ("我说规定就是这样，没有办法", "我让她自己去找别的部门", "我没有理她，继续理货")


def answer(level: int, number: int) -> str:
    """What somebody at this level says; no two numbers say the same."""
    dice = np.random.default_rng([level, number])
    begun = f"第{number}位顾客说{GOODS[number % len(GOODS)]}过期了，{int(dice.integers(2, 60))}元。"
    deeds = [DEEDS[place] for place in sorted(dice.choice(len(DEEDS), level - 1, replace=False).tolist())]
    excuse = [EXCUSES[int(dice.integers(len(EXCUSES)))]] if level <= 2 else []
    return begun + "。".join([*deeds, *excuse]) + "。"


def by_lot(count: int) -> list[int]:
    """Levels that have nothing to do with any answer."""
    return np.random.default_rng(7).integers(1, 6, count).tolist()


def teach(world: World, good: int = 60, bad: int = 60) -> tuple[str, str]:
    """Answers with labels, one a person; gives the competency that can be learned and the one that cannot."""
    return within(world, lambda session: _teach(session, good, bad))


async def _teach(session: TenantSession, good: int, bad: int) -> tuple[str, str]:
    published, root = await newest_set(session, "complaint"), await root_of(session)
    content = content_of(published)
    learnable, hopeless = (competency.key for competency in content.competencies[:2])
    drawn = by_lot(bad)
    rows = [(learnable, n % 5 + 1, n % 5 + 1, n) for n in range(good)]
    rows += [(hopeless, n % 5 + 1, drawn[n], n + 1000) for n in range(bad)]
    for competency, shown, given, number in rows:
        example = _example(content, competency, shown, number, root.id)
        example.set_id = published.id
        session.add(example)
        await session.flush()
        session.add(_rating(example, given))
    await session.flush()
    return learnable, hopeless


def _example(content: QuestionSet, competency: str, shown: int, number: int, unit_id: UUID) -> Example:
    question = next(q for q in content.questions if competency in q.competencies)
    text, example_id = answer(shown, number), new_id()
    return Example(
        id=example_id, unit_id=unit_id, source="import", import_id=None, row_number=None, interview_id=None,
        answer_id=None, set_id=None, set_key=content.key, question_key=question.key, question=None, competency=competency,
        item=item_of(content.key, question.key, competency), language="zh", answer=text, characters=len(text),
        person_index=hashlib.sha256(str(number).encode()).digest(), fingerprint=example_id.bytes, answered_on=None,
        ai=None, ai_level=None, ai_mean=None, ai_error=None, good_by=None, good_at=None, withheld_at=None,
        created_at=now(),
    )  # fmt: skip


def _rating(example: Example, level: int) -> Rating:
    return Rating(
        example_id=example.id, kind="first", rater="member:00000000-0000-0000-0000-000000000001", rater_name=None,
        level=level, evidence=[], reason=None, blind=True, ai_level=None, origin="page", original=None, rated_at=now(),
        superseded_at=None, supersedes_id=None,
    )  # fmt: skip
