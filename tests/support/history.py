"""Files of historic interviews as employers have them, and what becomes of them in a tenant."""

from __future__ import annotations

import io
import re
import time
from typing import Any

import httpx
import openpyxl

from world import World

QUESTION = "{n}. 讲一次您处理顾客投诉的经历，您当时具体是怎么做的？"
HEADER = [
    "编号",
    "邮箱",
    "面试题目",
    "候选人回答（原文）",
    "考察维度",
    "得分（百分制）",
    "面试官",
    "评语",
    "面试日期",
]
COMPETENCIES = ("倾听与共情", "问题解决", "责任担当")
# What the file says by mistake → the code that the dry run answers with. One row each.
FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"面试题目": ""}, "question-missing"),
    ({"候选人回答（原文）": None}, "answer-missing"),
    ({"候选人回答（原文）": " 　\u200b。"}, "answer-missing"),
    ({"候选人回答（原文）": "#N/A"}, "cell-error"),
    ({"候选人回答（原文）": "很" * 20_001}, "too-long"),
    ({"考察维度": "颜值"}, "competency-unknown"),
    ({"得分（百分制）": "一百二"}, "score-off-scale"),
    ({"得分（百分制）": 130}, "score-off-scale"),
    ({"面试日期": "去年三月"}, "date-unreadable"),
    ({"面试官": "x" * 200}, "too-long"),
]


def rows(count: int = 300) -> list[dict[str, Any]]:
    """Sound rows: `count` answers of 60 people, marks from 0 to 100."""
    return [_row(n) for n in range(count)]


def _row(n: int) -> dict[str, Any]:
    score = (n * 37) % 101
    return {
        "编号": n + 1,
        "邮箱": f"person{n % 60}@history.example",
        "面试题目": QUESTION.format(n=n % 5 + 1),
        "候选人回答（原文）": f"<p>第{n}位顾客投诉牛奶过期，我先道歉，听他说完，再核对小票，当场退款{score}元。</p>",
        "考察维度": COMPETENCIES[n % 3],
        "得分（百分制）": f"{score}分" if n % 7 == 0 else score,
        "面试官": ("王芳", "李强")[n % 2],
        "评语": "讲得具体" if score > 60 else "",
        "面试日期": f"2025年{n % 12 + 1}月{n % 28 + 1}日",
    }


def with_faults(sound: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], dict[int, str]]:
    """Twelve rows spoilt: those of FAULTS, and two that repeat an earlier one. Gives the rows, and code by row number of
    the file (two rows of title and header come first)."""
    found, spoilt = [dict(row) for row in sound], {}
    for place, (fault, code) in enumerate(FAULTS):
        at = 20 + place * 25
        found[at] |= fault
        spoilt[at + 3] = code
    for at, of, ending, code in ((290, 1, "", "duplicate-exact"), (295, 2, " ！！", "duplicate-alike")):
        same = ("面试题目", "考察维度")
        found[at] |= {key: found[of][key] for key in same}
        found[at]["候选人回答（原文）"] = found[of]["候选人回答（原文）"] + ending
        spoilt[at + 3] = code
    return found, spoilt


def workbook(found: list[dict[str, Any]], title: str = "2025 年门店面试记录") -> bytes:
    """An Excel file with a title above the header, as people make them."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append([title])
    header = list(found[0])
    sheet.append(header)
    for row in found:
        sheet.append([row.get(name) for name in header])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


class History:
    """Imports through the API of one tenant."""

    def __init__(self, world: World) -> None:
        self.world, self.api = world, world.api()

    def upload(self, name: str, data: bytes, kind: str = "answers") -> dict[str, Any]:
        answer = self.api.post("/api/v1/labels/imports", params={"name": name, "kind": kind}, content=data)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def check(self, found: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """The dry run with the guessed mapping, or with changes to it."""
        mapping = found["mapping"] | changes
        answer = self.api.put(f"/api/v1/labels/imports/{found['id']}/mapping", json=mapping)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def start(self, found: dict[str, Any], within: float = 120) -> dict[str, Any]:
        """Imports and waits until it is over."""
        path = f"/api/v1/labels/imports/{found['id']}"
        assert self.api.post(f"{path}/start").status_code == 202
        deadline = time.monotonic() + within
        while (state := self.api.get(path).json())["state"] == "importing":
            assert time.monotonic() < deadline, state
            time.sleep(0.2)
        return state

    def whole(self, name: str, data: bytes, kind: str = "answers", **changes: Any) -> dict[str, Any]:
        return self.start(self.check(self.upload(name, data, kind), **changes))

    def lines(self) -> list[dict[str, Any]]:
        answer = self.api.get("/api/v1/labels/lines")
        assert answer.status_code == 200, answer.text
        return [httpx.Response(200, content=line).json() for line in answer.iter_lines() if line]

    def examples(self) -> int:
        return sum(item["examples"] for item in self.api.get("/api/v1/labels/progress").json()["items"])


def ids_on(page: str) -> list[str]:
    """Identifiers of examples that a page links to."""
    return re.findall(r"/console/labels/examples/([0-9a-f-]{36})", page)
