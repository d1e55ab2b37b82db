"""A question in a language of its own: spoken English in a Chinese interview, heard and judged as English."""

from __future__ import annotations

import msgspec
import pytest

from playing import play, publish_set, report_of, shipped, spoken
from world import open_world


@pytest.mark.parametrize(("language", "reason"), [("en", None), (None, "wrong-language")])
def test_english_is_the_right_language_where_the_question_says_so(stack, language, reason):
    world = open_world(stack.settings)
    source = shipped("retail", "complaint")
    question = msgspec.structs.replace(source.questions[0], language=language, vocabulary={"en": ["Kevin"]})
    one = msgspec.structs.replace(source, key="spoken-english", questions=[question])
    (answer,) = report_of(
        world, play(world, publish_set(world, one), [spoken("en", "weak", "fault-finding")[2]])
    )["answers"]
    assert (answer["reason"] or {}).get("code") == reason
