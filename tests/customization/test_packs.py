"""Packs: the shipped ones are whole, and a tenant's own file is refused with the place and the reason."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from duilian.customization import marked, packs
from duilian.customization.errors import BadPack

SETS = [(industry, s.key) for industry in ("retail", "manufacturing") for s in packs.shipped_sets(industry)]


def test_the_demo_sets_are_there() -> None:
    assert SETS == [
        ("retail", "complaint"),
        ("retail", "recommendation"),
        ("manufacturing", "changeover"),
        ("manufacturing", "fault-finding"),
        ("manufacturing", "operation"),
    ]


@pytest.mark.parametrize(("industry", "key"), SETS)
def test_shipped_set_has_all_kinds_of_questions(industry: str, key: str) -> None:
    found = next(s for s in packs.shipped_sets(industry) if s.key == key)
    kinds = [q.kind for q in found.questions]
    assert kinds[0] == "self_introduction"
    assert kinds.count("structured") >= 3
    assert kinds[-1] == "scenario"
    assert sum(c.weight for c in found.competencies) == 100


def test_marked_answers_belong_to_questions_and_meet_a_competency() -> None:
    for industry, key in [("retail", "complaint"), ("manufacturing", "fault-finding")]:
        asked = next(s for s in packs.shipped_sets(industry) if s.key == key)
        for locale in ("zh-CN", "en"):
            found = marked.answers(industry, key, locale)
            assert set(found) == {question.key for question in asked.questions}
            assert all(1 <= one.level <= 5 and one.text for rows in found.values() for one in rows)
            assert len({one.level for rows in found.values() for one in rows}) >= 4


def test_marked_answers_stand_under_what_is_learned() -> None:
    (care, *_) = packs.shipped_sets("retail")[0].competencies
    mine = marked.lines("retail", care.key)
    assert mine and all(
        care.levels[4].anchor["en"] in line.reference for line in mine if line.item.endswith("/en")
    )
    anything = marked.lines("retail", "a-competency-of-ones-own")
    assert len(anything) == 40 and len(mine) < 40, "of the industry, whatever they were asked for"
    assert marked.lines("an-industry-without-a-pack", care.key) == []


def source() -> dict[str, Any]:
    return yaml.safe_load((packs.SHIPPED / "retail" / "complaint.yaml").read_text("utf-8"))


def broken(change: str) -> dict[str, Any]:
    pack = source()
    match change:
        case "weights":
            pack["competencies"][0]["weight"] += 1
        case "level":
            del pack["competencies"][0]["levels"][2]
        case "unknown competency":
            pack["questions"][1]["competencies"].append("charm")
        case "unasked":
            for question in pack["questions"]:
                question["competencies"] = [k for k in question["competencies"] if k != "empathy"] or [
                    "ownership"
                ]
        case "translation":
            del pack["questions"][0]["text"]["en"]
        case "twice":
            pack["questions"][1]["key"] = pack["questions"][0]["key"]
        case "procedure":
            step = {"key": "one", "text": {"zh-CN": "一", "en": "one"}}
            steps = [step, step | {"key": "two"}]
            pack["questions"][1]["procedure"] = {"competency": "charm", "steps": steps}
        case "field":
            pack["questions"][0]["colour"] = "red"
        case "type":
            pack["questions"][0]["answer_seconds"] = "two minutes"
    return pack


@pytest.mark.parametrize(
    ("change", "where", "reason"),
    [
        ("weights", "weight", "101"),
        ("level", "empathy", "five levels"),
        ("unknown competency", "competencies", "charm"),
        ("unasked", "empathy", "no question"),
        ("translation", "questions[0].text", "en"),
        ("twice", "questions", "intro"),
        ("procedure", "procedure.competency", "charm"),
        ("field", "questions[0]", "colour"),
        ("type", "answer_seconds", "int"),
    ],
)
def test_fault_is_told_with_its_place(change: str, where: str, reason: str) -> None:
    with pytest.raises(BadPack) as caught:
        packs.read_set(yaml.safe_dump(broken(change), allow_unicode=True), "mine.yaml")
    assert caught.value.params["file"] == "mine.yaml"
    assert where in str(caught.value.params["where"]).replace("...", "")
    assert reason in str(caught.value.params["reason"])


def test_what_is_no_yaml() -> None:
    with pytest.raises(BadPack, match="YAML"):
        packs.read_set("key: [", "mine.yaml")
