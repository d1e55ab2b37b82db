"""Characters, sentences and delivery: what is made of the recognised words."""

from __future__ import annotations

import pytest

from duilian.serving.contracts import Word
from duilian.serving.steps.alignment import Heard, in_order, within_speech
from duilian.serving.steps.chinese import simplified
from duilian.serving.steps.delivery import measure
from duilian.serving.steps.sentences import split
from duilian.serving.steps.voice import Span


def words(*timed: tuple[str, float, float], space: bool = False) -> tuple[str, list[Word]]:
    text, out = "", []
    for word, start, end in timed:
        text += " " if space and text else ""
        out.append(Word(text=word, start=start, end=end, probability=0.9, offset=len(text)))
        text += word
    return text, out


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("廣州市房地產,你說對嗎?", "广州市房地产，你说对吗？"),
        ("乾隆皇帝、乾淨", "乾隆皇帝、干净"),
        ("超過3,000元 OK, fine", "超过3,000元 OK, fine"),
        ("", ""),
    ],
)
def test_simplified_characters_keep_their_places(given, expected):
    assert simplified(given) == expected
    assert len(simplified(given)) == len(given)


def test_every_character_of_the_block_keeps_its_length():
    every = "".join(chr(code) for code in range(0x4E00, 0xA000))
    assert len(simplified(every)) == len(every)


def test_sentences_end_at_marks():
    text, heard = words(
        ("We", 0, 0.2), ("won.", 0.2, 0.5), ("Dr.", 0.6, 0.7), ("Li", 0.7, 0.9), ("3.5", 1, 2), space=True
    )
    assert [s.text for s in split(text, heard, "en")] == ["We won.", "Dr. Li 3.5"]


def test_sentences_end_at_pauses_where_there_is_no_mark():
    text, heard = words(("我", 0, 0.2), ("来", 0.2, 0.4), ("后", 1.4, 1.6), ("来", 1.6, 1.8))
    first, second = split(text, heard, "zh")
    assert (first.text, second.text) == ("我来", "后来")
    assert (second.offset, second.length, second.first_word, second.last_word) == (2, 2, 2, 3)
    assert (second.start, second.end) == (1.4, 1.8)


def test_a_long_stretch_ends_at_a_comma():
    timed = [(c, i * 0.1, i * 0.1 + 0.1) for i, c in enumerate("说" * 70)]
    timed[64] = ("说，", 6.4, 6.5)
    text, heard = words(*timed)
    assert [s.length for s in split(text, heard, "zh")] == [66, 5]


def test_no_words_no_sentences_no_delivery():
    assert split("", [], "zh") == []
    nothing = measure("", [], "en", 0.0)
    assert (nothing.pace, nothing.articulation_pace, nothing.pauses, nothing.fillers) == (0, 0, 0, 0)


def test_delivery_in_chinese():
    text, heard = words(("嗯，", 0, 1), ("然后", 1, 2), ("那个", 4, 5), ("坏了", 5, 6))
    facts = measure(text, heard, "zh", 4.0)
    assert facts.pace_unit == "characters/min"
    assert facts.pace == 70 and facts.articulation_pace == 105
    assert (facts.pauses, facts.pause_seconds, facts.longest_pause) == (1, 2.0, 2.0)
    assert facts.filler_words == {"嗯": 1, "然后": 1, "那个": 1} and facts.fillers == 3


def test_delivery_in_english():
    text, heard = words(("Um,", 0, 0.5), ("you", 0.5, 1), ("know,", 1, 1.5), ("umbrella", 1.5, 2), space=True)
    facts = measure(text, heard, "en", 2.0)
    assert facts.pace == 120 and facts.pace_unit == "words/min"
    assert facts.filler_words == {"um": 1, "you know": 1}


def test_an_amount_is_no_filler():
    text, heard = words(("金额。", 0, 1), ("额", 2, 2.5), ("，额外", 3, 4))
    assert measure(text, heard, "zh", 3.0).filler_words == {"额": 1}


def test_a_word_does_not_swallow_the_pause_beside_it():
    spans = [Span(0, 2), Span(5, 8)]
    assert within_speech(Heard("了", 1.8, 5.1, 0.9), spans) == Heard("了", 1.8, 2, 0.9)
    assert within_speech(Heard("我", 3, 5.4, 0.9), spans) == Heard("我", 5, 5.4, 0.9)
    assert within_speech(Heard("嗯", 3, 4, 0.9), spans) == Heard("嗯", 3, 4, 0.9)


def test_times_never_run_backwards():
    ordered = in_order([Heard("a", 1, 2, 0.9), Heard("b", 0.5, 0.8, 0.9), Heard("c", 3, 3, 0.9)])
    assert [(w.start, w.end) for w in ordered] == [(1, 2), (1, 1.02), (3, 3.02)]
