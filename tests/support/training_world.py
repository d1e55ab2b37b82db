"""Labelled answers to learn from: for one competency the levels follow what is said, for another they are drawn by lot."""

from __future__ import annotations

from uuid import UUID

import numpy as np
from sqlalchemy import select

from duilian.customization.anchors import service as anchors
from duilian.customization.labels.items import item_of
from duilian.customization.labels.models import Example, Rating
from duilian.customization.schemas import QuestionSet
from duilian.customization.service import content_of, newest_set
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.infra.ids import new_id
from duilian.platform.privacy import declarations, practice
from duilian.platform.privacy.people import email_index
from duilian.platform.recruiting.service import Person, invite
from duilian.tenants.keyring import open_database, open_keyring
from duilian.tenants.organisation import root_of
from inside import within
from world import World, run

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


TAUGHT = 70  # so that two groups of thirty are left where some showed no evidence
UNSAID = (1050, 1055)  # who, of those whose labels are drawn by lot, could not say anything


def by_lot(count: int) -> list[int]:
    """Levels that have nothing to do with any answer."""
    return np.random.default_rng(7).integers(1, 6, count).tolist()


def teach(world: World, good: int = TAUGHT, bad: int = 60) -> tuple[str, str]:
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
        example.person_index = email_index(session, address(number))
        session.add(example)
        await session.flush()
        session.add(_rating(example, given))
    await session.flush()
    return learnable, hopeless


def show_good(world: World, competency: str) -> UUID:
    """An answer that nobody has marked, called a good example; its id."""
    return within(world, lambda session: _show_good(session, competency))


async def _show_good(session: TenantSession, competency: str) -> UUID:
    published, root = await newest_set(session, "complaint"), await root_of(session)
    row = _example(content_of(published), competency, 5, 5000, root.id)
    row.set_id, row.good_by, row.good_at = published.id, "tests", now()
    session.add(row)
    await session.flush()
    return row.id


def _example(content: QuestionSet, competency: str, shown: int, number: int, unit_id: UUID) -> Example:
    question = next(q for q in content.questions if competency in q.competencies)
    text, example_id = "这个我不知道。" if number in UNSAID else answer(shown, number), new_id()
    return Example(
        id=example_id, unit_id=unit_id, source="import", import_id=None, row_number=None, interview_id=None,
        answer_id=None, set_id=None, set_key=content.key, question_key=question.key, question=None, competency=competency,
        item=item_of(content.key, question.key, competency), language="zh", answer=text, characters=len(text),
        person_index=None, fingerprint=example_id.bytes, answered_on=None,
        ai=None, ai_level=None, ai_mean=None, ai_error=None, good_by=None, good_at=None, withheld_at=None,
        created_at=now(),
    )  # fmt: skip


def address(number: int) -> str:
    return f"taught{number}@people.example"


def declare(world: World, people: int = TAUGHT) -> None:
    """The first people that were taught from are known and have declared a group; levels are spread alike over both."""
    run(_declare(world, within(world, lambda session: _invited(session, people))))


async def _invited(session: TenantSession, people: int) -> list[UUID]:
    published, root = await newest_set(session, "complaint"), await root_of(session)
    persons = [Person(f"候选人{number}", address(number)) for number in range(people)]
    found = [await invite(session, published, one, "zh-CN", 48, "tests", root.id) for one in persons]
    return [invitation.candidate_id for invitation in found]


async def _declare(world: World, candidates: list[UUID]) -> None:
    database = open_database(world.settings, open_keyring(world.settings), 1)
    try:
        for number, candidate in enumerate(candidates):
            async with practice.own_session(database, world.tenant_id, candidate) as own:
                choice = "woman" if number // 5 % 2 else "man"
                await declarations.declare(own, candidate, {"gender": choice})
    finally:
        await database.close()


def settle(world: World, competency: str, count: int = 40) -> None:
    """A second rater agrees about so many answers, and they become the anchor set."""
    within(world, lambda session: _settle(session, competency, count))


async def _settle(session: TenantSession, competency: str, count: int) -> None:
    mine = select(Rating).join(Example, Example.id == Rating.example_id).order_by(Example.id).limit(count)
    for first in list(await session.scalars(mine.where(Example.competency == competency))):
        second = _rating(await session.get_one(Example, (session.tenant_id, first.example_id)), first.level)
        second.kind, second.rater = "second", "member:00000000-0000-0000-0000-000000000002"
        session.add(second)
        await session.flush()
        await anchors.add(session, first.example_id)


def _rating(example: Example, level: int) -> Rating:
    return Rating(
        example_id=example.id, kind="first", rater="member:00000000-0000-0000-0000-000000000001", rater_name=None,
        level=level, evidence=[], reason=None, blind=True, ai_level=None, origin="page", original=None, rated_at=now(),
        superseded_at=None, supersedes_id=None,
    )  # fmt: skip
