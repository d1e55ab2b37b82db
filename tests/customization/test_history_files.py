"""Files of history: what columns hold, what marks mean, what is cleaned, what is refused and how it is said."""

from __future__ import annotations

import io
import zipfile

import pytest

from duilian.customization.labels import archives, errors, headers, reading, scales
from duilian.customization.labels.cleaning import clean_text, compared, date_of, language_of, number_of
from duilian.customization.labels.reading import read_table
from history import HEADER, rows, workbook


@pytest.mark.parametrize(
    ("columns", "wanted"),
    [
        (HEADER, {"question": "面试题目", "answer": "候选人回答（原文）", "competency": "考察维度", "score": "得分（百分制）",
                  "rater": "面试官", "reason": "评语", "person": "邮箱", "date": "面试日期"}),
        (["Candidate ID", "Question text", "Transcript", "Rating 1", "Rating 2", "Interviewer"],
         {"person": "Candidate ID", "question": "Question text", "answer": "Transcript", "score": "Rating 1",
          "second_score": "Rating 2", "rater": "Interviewer"}),
        (["姓名", "工号", "问题", "作答", "评分1", "评分2", "评分人1", "评分人2"],
         {"person": "工号", "question": "问题", "answer": "作答", "score": "评分1", "second_score": "评分2",
          "rater": "评分人1", "second_rater": "评分人2"}),
        (["A", "B"], {}),
    ],
)  # fmt: skip
def test_columns_are_known_by_their_names(columns: list[str], wanted: dict[str, str]) -> None:
    guessed = headers.guess(columns, "answers")
    guessed.pop("audio", None)
    assert guessed == wanted


def test_columns_of_outcomes_are_known() -> None:
    names = ["工号", "试用期考核得分", "入职日期", "离职日期"]
    assert headers.guess(names, "outcomes") == {
        "person": "工号", "probation_performance": "试用期考核得分", "hired_on": "入职日期", "left_on": "离职日期",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("marks", "levels"),
    [
        (["0", "12", "13", "50", "87", "88", "100"], [1, 1, 2, 3, 4, 5, 5]),
        (["0", "2.5", "5", "7.5", "10"], [1, 2, 3, 4, 5]),
        (["1", "2", "3", "4", "5"], [1, 2, 3, 4, 5]),
        (["A", "b", "Ｃ", "D", "E"], [5, 4, 3, 2, 1]),
        (["优秀", "良好", "一般", "较差", "不合格"], [5, 4, 3, 2, 1]),
        (["Excellent", "good", "Average", "poor"], [5, 4, 3, 1]),
    ],
)
def test_marks_become_levels(marks: list[str], levels: list[int]) -> None:
    scale = scales.guess(marks)
    assert scale.is_sound()
    assert [scale.level(mark) for mark in marks] == levels


def test_what_is_off_the_scale_has_no_level() -> None:
    numbers, words = scales.guess(["0", "50", "100"]), scales.guess(["优秀", "差"])
    assert (numbers.level("101"), numbers.level("-1"), numbers.level("很好"), words.level("还行")) == (
        None,
    ) * 4
    assert not scales.Scale(kind="numbers", low=0, high=10, cuts=[1, 5, 3, 8]).is_sound()


def test_text_is_cleaned_and_nothing_invented() -> None:
    raw = "<p>我　先道歉，\u200b听他说完。</p><br/>退款１２３元&nbsp;&amp; 回访\x07\r\n\r\n\r\n\r\n谢谢"
    assert clean_text(raw) == "我 先道歉，听他说完。\n\n退款123元 & 回访\n\n谢谢"
    assert clean_text("a < b and c > d, x<y") == "a < b and c > d, x<y"
    assert compared("好 的！OK.") == compared("好的ｏｋ")


def test_numbers_dates_and_languages_are_read_as_people_write_them() -> None:
    assert [number_of(x) for x in ("８５分", " 1,024 ", "85 / 100", "90%", "八十", "")] == [
        85,
        1024,
        85,
        90,
        None,
        None,
    ]
    assert [str(date_of(x)) for x in ("2025年3月8日", "2025/3/8", "2025-03-08 09:30:00", "三月")] == [
        "2025-03-08"
    ] * 3 + ["None"]
    assert [language_of(x) for x in ("我用 SQL 查了 log", "I checked the log", "")] == ["zh", "en", "en"]


def test_a_title_above_the_header_is_passed_over_and_rows_keep_their_numbers() -> None:
    table = read_table("x.xlsx", workbook(rows(3)))
    assert table.columns == HEADER
    assert [row.number for row in table.rows] == [3, 4, 5]
    assert table.rows[0].cells["得分（百分制）"] == "0分"


def test_csv_in_gb18030_with_semicolons_and_a_formula_is_only_text() -> None:
    source = '题目;回答;得分\n怎么处理？;"=HYPERLINK(""http://x"")\n第二行";３\n'
    table = read_table("旧.csv", source.encode("gb18030"))
    assert table.columns == ["题目", "回答", "得分"]
    assert table.rows[0].cells["回答"].startswith("=HYPERLINK")
    assert read_table("x.csv", source.encode("utf-8-sig")) == read_table("y.csv", source.encode("utf-16"))


def test_json_lines_tell_which_line_is_broken() -> None:
    table = read_table("x.jsonl", b'{"question": "q", "answer": "a", "score": 3.0}\nno json\n["a"]\n')
    assert (table.rows[0].cells["score"], sorted(table.broken)) == ("3", [2, 3])


@pytest.mark.parametrize(
    ("name", "data", "problem"),
    [
        ("old.xls", reading.OLE + b"\0" * 600, errors.OldExcel),
        ("locked.xlsx", reading.OLE + b"\0" * 600, errors.OldExcel),
        ("x.pdf", b"%PDF-1.7", errors.UnknownFormat),
        ("x.xlsx", b"PK no zip", errors.FileUnreadable),
        ("x.csv", "题目,回答\n".encode(), errors.EmptyFile),
        ("x.csv", b"\x81", errors.FileUnreadable),
        ("x.csv", b"a,b\n" + b"1,2\n" * (reading.MOST_ROWS + 1), errors.TooManyRows),
    ],
)
def test_what_cannot_be_read_is_refused_with_words(name: str, data: bytes, problem: type[Exception]) -> None:
    with pytest.raises(problem):
        read_table(name, data)


def test_a_workbook_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LARGEST_UNPACKED", 1000)
    with pytest.raises(errors.FileTooLarge):
        read_table("x.xlsx", workbook(rows(3)))


def test_recordings_are_found_by_path_name_or_stem_also_with_chinese_names() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("面试/index.csv", "题目,录音\nq,张三\n")
        archive.writestr("面试/张三.wav", b"x")
        archive.writestr("__MACOSX/面试/._张三.wav", b"x")
        archive.writestr("a/same.mp3", b"x")
        archive.writestr("b/same.mp3", b"x")
    found = archives.Archive(packed.getvalue())
    assert found.index[0] == "面试/index.csv"
    names = ("张三", "张三.WAV", r".\面试\张三.wav", "a/same.mp3", "same.mp3", "李四")
    assert [found.has(name) for name in names] == [True, True, True, True, False, False]
    with pytest.raises(errors.NoIndex):
        _ = archives.Archive(_empty()).index


def _empty() -> bytes:
    packed = io.BytesIO()
    zipfile.ZipFile(packed, "w").close()
    return packed.getvalue()
