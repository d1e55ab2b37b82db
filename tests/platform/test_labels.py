"""History comes in whole or not at all; answers are rated, rated blind, and adjudicated; consent decides what stays."""

from __future__ import annotations

import io
import json
import secrets
import zipfile
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from commands import duilian
from duilian.customization.labels.examples import lines_of
from duilian.customization.labels.models import Example, Outcome, Rating
from duilian.infra.database import TenantSession
from duilian.infra.objects import ObjectStore
from duilian.platform.app.up import Stack
from duilian.platform.web.words import t
from duilian.tenants.people import add_member
from finished import reported, until
from history import QUESTION, History, ids_on, rows, with_faults, workbook
from inside import within
from playing import SPEECH, written
from rater import Rater
from world import PASSWORD, World, open_world, run

ANGRY = "请讲一次你接待情绪非常激动的顾客的真实经历。当时是什么情况？你说了什么、做了什么？最后怎么样？"


@pytest.fixture(scope="module")
def shop(stack: Stack) -> World:
    return open_world(stack.settings)


@pytest.fixture(scope="module")
def history(shop: World) -> History:
    return History(shop)


def counted(world: World, model: type[Any]) -> int:
    async def count(session: TenantSession) -> int:
        return await session.scalar(select(func.count()).select_from(model)) or 0

    return within(world, count)


def test_three_hundred_rows_with_twelve_bad_ones(stack: Stack, shop: World, history: History) -> None:
    """The dry run names every bad row and writes nothing; the import writes all others at once; undo takes them back."""
    found, spoilt = with_faults(rows(300))
    draft = history.upload("面试记录 2025.xlsx", workbook(found))
    checked = history.check(draft)
    told = {f["row"]: f["code"] for f in checked["findings"]}
    assert told == spoilt and len(spoilt) == 12
    assert all(f["zh"] and f["en"] and "{" not in f["zh"] for f in checked["findings"])
    counts = checked["counts"]
    assert (counts["rows"], counts["ready"], counts["errors"], counts["duplicates"]) == (300, 288, 10, 2)
    assert (counted(shop, Example), counted(shop, Rating)) == (0, 0), "a dry run writes nothing"
    done = history.start(checked)
    assert (done["state"], done["counts"]) == ("imported", counts)
    assert (counted(shop, Example), counted(shop, Rating)) == (288, 288)
    store = ObjectStore(stack.settings)
    assert run(store.names(shop.tenant_id, "labels/")) == [], "the file goes once it is imported"

    lines = within(shop, lines_of)
    people = {line.person for line in lines}
    assert len(people) == 60 and None not in people, "the same address is the same person"
    first = min(lines, key=lambda line: line.provenance.row or 0)
    assert (first.provenance.row, first.provenance.source, first.language) == (3, "import", "zh")
    assert first.answer.startswith("第0位顾客") and "<p>" not in first.answer
    assert first.question == "1. 讲一次您处理顾客投诉的经历，您当时具体是怎么做的？"
    assert [line.level for line in lines if line.provenance.row == 5] == [4.0]  # 74 of 100
    again = history.check(history.upload("again.xlsx", workbook(found)))
    assert (again["counts"]["ready"], again["counts"]["duplicates"]) == (0, 290)
    assert history.api.delete(f"/api/v1/labels/imports/{again['id']}").json() == {"rows": 0}
    assert history.api.delete(f"/api/v1/labels/imports/{done['id']}").json() == {"rows": 288}
    assert (counted(shop, Example), counted(shop, Rating)) == (0, 0)


def test_imports_are_seen_by_their_tenant_alone(charlie: World, history: History) -> None:
    draft = history.upload("a.csv", f"题目,回答,维度\n{ANGRY},我先道歉,倾听与共情\n".encode())
    strange = charlie.api()
    for method, path in (("GET", ""), ("PUT", "/mapping"), ("POST", "/start"), ("DELETE", "")):
        body = {"json": draft["mapping"]} if method == "PUT" else {}
        assert (
            strange.request(method, f"/api/v1/labels/imports/{draft['id']}{path}", **body).status_code == 404
        )
    assert history.api.delete(f"/api/v1/labels/imports/{draft['id']}").status_code == 200


def test_gb18030_csv_two_scores_and_json_lines(stack: Stack) -> None:
    """Questions of a set are found by their words; a line of the exchange format comes in as it went out."""
    world = open_world(stack.settings)
    history = History(world)
    source = (
        "工号,题目,回答,能力项,评分1,评分人1,评分2,评分人2,优秀回答\n"
        f"E01,２、{ANGRY},我请他坐下，先听他说完，再道歉。,empathy,优秀,王芳,良好,李强,是\n"
        f"E02,{ANGRY},我让他等着。,倾听与共情,较差,王芳,,,\n"
    )
    done = history.whole("旧系统.csv", source.encode("gb18030"))
    assert done["counts"]["ready"] == 2, done["findings"]
    assert done["mapping"]["scale"]["words"] == {"优秀": 5, "良好": 4, "较差": 2}
    one, two = within(world, lines_of)
    assert (one.item, one.question) == ("complaint/angry-customer/empathy", ANGRY)
    assert one.first and one.second and (one.first.level, one.second.level, one.level) == (5, 4, 4.5)
    assert one.first.rater != one.second.rater and one.good and not two.good
    assert two.first and two.first.rater == one.first.rater, "the same name, the same rater"
    assert two.reference[-1] == one.answer and one.answer not in one.reference and len(one.reference) == 2
    lines = history.lines()
    assert [(line["score"], line["second_score"]) for line in lines] == [(5.0, 4.0), (2.0, None)]
    raw = "\n".join(
        json.dumps(
            {
                "item": "x",
                "question": "为什么来？",
                "answer": f"因为喜欢{n}",
                "score": n,
                "person": f"p{n}",
                "group": "女",
            },
            ensure_ascii=False,
        )
        for n in range(1, 6)
    )
    known = history.whole("lines.jsonl", raw.encode(), competency="ownership")
    assert known["counts"]["new_questions"] == 1 and "group" not in known["mapping"]["columns"].values()
    assert [line["score"] for line in history.lines()[2:]] == [1, 2, 3, 4, 5]


def test_a_question_of_several_competencies_needs_to_be_told_which(history: History) -> None:
    draft = history.upload("b.csv", f"题目,回答,得分\n{ANGRY},我先道歉再退款,4\n".encode())
    assert [f["code"] for f in history.check(draft)["findings"]] == ["competency-missing"]
    told = history.check(draft, competency="empathy")
    assert told["counts"]["ready"] == 1
    refused = history.api.put(
        f"/api/v1/labels/imports/{draft['id']}/mapping", json={"columns": {"answer": "回答"}}
    )
    assert (refused.status_code, refused.json()["code"]) == (422, "bad-mapping")
    assert history.api.delete(f"/api/v1/labels/imports/{draft['id']}").status_code == 200
    old = history.api.post(
        "/api/v1/labels/imports", params={"name": "x.xls"}, content=b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    )
    assert (old.status_code, old.json()["code"]) == (422, "old-excel")


def test_recordings_in_a_zip_are_transcribed(stack: Stack) -> None:
    """Real recognition; a recording in which nobody can be heard is told and holds nothing up."""
    world = open_world(stack.settings)
    history = History(world)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(
            "index.csv",
            f"题目,录音,能力,得分\n{ANGRY},01,empathy,4\n{ANGRY},broken.mp3,empathy,2\n{ANGRY},none.wav,empathy,2\n",
        )
        archive.write(SPEECH / "zh/strong/complaint/01.webm", "audio/01.webm")
        archive.writestr("audio/broken.mp3", b"no sound at all")
    checked = history.check(history.upload("recordings.zip", packed.getvalue()))
    assert [f["code"] for f in checked["findings"]] == ["recording-missing"]
    done = history.start(checked, within=180)
    assert [f["code"] for f in done["findings"]] == ["recording-unreadable", "recording-missing"]
    [line] = within(world, lines_of)
    assert "服务台" in line.answer and line.level == 4


def test_outcomes_come_in_by_person(stack: Stack) -> None:
    world = open_world(stack.settings)
    source = (
        "邮箱,试用期绩效,入职日期,离职日期,日期\na@x.example,88,2025-01-01,,2025-07-01\n"
        "b@x.example,61,2025-01-01,2025-03-02,\nc@x.example,,2025-03-01,2025-01-01,\n,50,,,\na@x.example,90,,,2025-07-01\n"
    )
    done = History(world).whole("转正.csv", source.encode(), kind="outcomes")
    codes = {f["row"]: f["code"] for f in done["findings"]}
    assert codes == {4: "left-before-hired", 5: "person-missing", 6: "person-twice"}

    async def read(session: TenantSession) -> set[tuple[int, str, float]]:
        return {(o.row_number, o.kind, o.value) for o in await session.scalars(select(Outcome))}

    assert within(world, read) == {
        (2, "probation_performance", 88.0), (2, "retained_days", 181.0), (2, "left", 0.0),
        (3, "probation_performance", 61.0), (3, "retained_days", 60.0), (3, "left", 1.0),
    }  # fmt: skip


@pytest.fixture(scope="module")
def office(stack: Stack) -> World:
    """A tenant with six answers nobody has rated, each with the scorer's level."""
    world = open_world(stack.settings)
    answers = [*written("complaint", "strong", "zh")[1:3], *written("complaint", "weak", "zh")[1:3],
               *written("complaint", "medium", "zh")[1:3]]  # fmt: skip
    source = [
        {"题目": ANGRY, "回答": text, "能力": "empathy", "邮箱": f"p{n}@x.example"}
        for n, text in enumerate(answers)
    ]
    History(world).whole("open.xlsx", workbook(source))
    until(lambda: {"n": within(world, _predicted)}, lambda found: found["n"] == 6)
    within(
        world,
        lambda session: add_member(
            session, f"third@{world.slug}.example", "三号", "recruiter", PASSWORD, "en"
        ),
    )
    return world


async def _predicted(session: TenantSession) -> int:
    query = select(func.count()).select_from(Example).where(Example.ai_sealed.is_not(None))
    return await session.scalar(query) or 0


def test_second_rating_is_blind_and_differences_are_adjudicated(office: World) -> None:
    """Neither the page nor the API of the second rater holds the first rating or the scorer's level."""
    one, two, judge = Rater(office, "recruiter"), Rater(office, "department_manager"), Rater(office, "admin")
    example = one.next()
    assert t("en", "labels.ai_says") in one.page(example), "the first rater sees what to agree with"
    reason = f"secret-reason-{secrets.token_hex(4)}"
    one.rate(example, 5, reason=reason, evidence="[[0, 4], [3, 5]]")
    assert two.next("second") == example and two.next("first") != example
    seen = two.page(example)
    assert t("en", "labels.blind") in seen
    for hidden in (reason, t("en", "labels.ai_says"), "<mark", "checked", 'name="agree"', "[[0"):
        assert hidden not in seen, hidden
    document = office.api().get(f"/api/v1/labels/examples/{example}").json()
    assert (document["task"], document["blind"], document["ai_level"], document["mine"]) == (
        "second",
        True,
        None,
        None,
    )
    two.rate(example, 2, reason="没有讲清楚")
    assert reason not in two.page(example), "nor afterwards"
    assert "没有讲清楚" not in one.page(example), "nor the first rater the second rating"
    third = one.post(example, "adjudication", level="3", reason="我来定")
    assert third.status_code == 409, "not by one of the two"
    listed = judge.client.get("/console/labels/adjudication").text
    assert reason in listed and "没有讲清楚" in listed and example in ids_on(listed)
    assert judge.post(example, "adjudication", level="4", reason="好").status_code == 422
    assert judge.post(example, "adjudication", level="4", reason="讲了复述，没有回访").status_code == 303
    line = next(line for line in within(office, lines_of) if str(line.example_id) == example)
    assert line.first and line.second and line.adjudicated
    assert (line.first.level, line.second.level, line.level) == (5, 2, 4.0)
    assert (line.first.blind, line.second.blind) == (False, True)
    assert two.post(example, "rating", level="3").status_code == 409, "decided is decided"


def test_whoever_saw_the_scorers_level_gives_no_blind_rating(office: World) -> None:
    one, two = Rater(office, "recruiter"), Rater(office, "department_manager")
    example = two.next()
    assert t("en", "labels.ai_says") in two.page(example), "seen, and passed over"
    one.rate(example, 4)
    assert (
        two.client.get("/console/labels/next", params={"queue": "second"})
        .headers.get("location", "")
        .find(example)
        < 0
    )
    page = two.page(example)
    assert t("en", "labels.seen_before") in page and t("en", "labels.ai_says") not in page
    refused = two.post(example, "rating", level="4")
    assert refused.status_code == 409
    assert (third := Rater(office, "admin")).next("second") == example and third.rate(example, 4)


def test_a_rating_is_corrected_undone_and_kept(office: World) -> None:
    one = Rater(office, "interviewer")
    example = one.next()
    bad = one.post(example, "rating", level="3", evidence="[[0, 99999]]", reason="typed words")
    assert bad.status_code == 422 and "typed words" in bad.text, "nothing typed is lost"
    assert one.post(example, "rating", level="9").status_code == 400
    one.post(example, "rating", agree="1")
    one.rate(example, 1)
    assert one.post(example, "undo").status_code == 303

    async def ratings(session: TenantSession) -> list[tuple[int, bool, int | None]]:
        query = select(Rating).where(Rating.example_id == example).order_by(Rating.id)
        return [(r.level, r.superseded_at is None, r.ai_level) for r in await session.scalars(query)]

    agreed, corrected = within(office, ratings)
    assert agreed[1] and not corrected[1] and corrected[0] == 1, "the one before stands again; both are kept"
    assert agreed[0] == agreed[2] == corrected[2], (
        "what the scorer said is kept with what a person made of it"
    )
    assert one.post(example, "good", good="1").status_code == 303
    assert t("en", "labels.good_is") in one.page(example)
    for _ in range(2):
        last = one.post(example, "undo")
    assert last.status_code == 409


def test_a_consultant_labels_history_and_not_interviews(office: World) -> None:
    finished = reported(office)
    interview_examples = until(lambda: {"n": within(office, _of_interviews)}, lambda found: found["n"] > 0)
    assert interview_examples["n"] >= 5
    consultant, recruiter = Rater(office, "consultant"), Rater(office, "recruiter")
    report = recruiter.client.get(f"/console/interviews/{finished.id}").text
    [example, *_] = ids_on(report)
    assert recruiter.client.get(f"/console/labels/examples/{example}").status_code == 200
    assert consultant.client.get(f"/console/labels/examples/{example}").status_code == 404
    assert consultant.client.get("/console/labels/next").status_code in (200, 303)


async def _of_interviews(session: TenantSession) -> int:
    query = select(func.count()).select_from(Example).where(Example.source == "interview")
    return await session.scalar(query) or 0


def test_withdrawn_consent_takes_the_answers_back(stack: Stack) -> None:
    """Without the consent to training nothing is copied; withdrawing it takes copies and labels, with a receipt."""
    world = open_world(stack.settings)
    reported(world, training=False)
    finished = reported(world)
    until(lambda: {"n": within(world, _of_interviews)}, lambda found: found["n"] > 0)
    own = {line["interview"] for line in _held(finished)["answers"]}
    assert own == {finished.id}, (
        "the one who refused has no copies; the one who agreed sees them in the own data"
    )
    rater = Rater(world, "recruiter")
    rater.rate(rater.next(), 4)
    assert len(within(world, lines_of)) == 1
    assert finished.counts()["labels"] > 0
    answer = finished.api.post("/my-data/withdrawals", json={"purpose": "training"})
    assert answer.json()["withdrawn"] is True
    assert (within(world, _of_interviews), within(world, lines_of), counted(world, Rating)) == (0, [], 0)
    receipts = until(
        lambda: finished.mine(), lambda mine: bool(mine["receipts"] and mine["receipts"][0]["finished_at"])
    )
    assert receipts["receipts"][0]["scope"] == "training"
    assert within(world, _gather_again(finished.id)) == 0


def _held(finished: Any) -> dict[str, Any]:
    packed = finished.api.get("/my-data/copy")
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        return json.loads(archive.read("data.json"))["labels"]


def _gather_again(interview: str) -> Any:
    from uuid import UUID

    from duilian.platform.labelling.gather import gather

    return lambda session: gather(session, UUID(interview))


def test_erasing_everything_takes_imported_history_too_but_not_by_a_typed_address(stack: Stack) -> None:
    world = open_world(stack.settings)
    history = History(world)
    finished = reported(world, training=False)
    mine = within(world, _address(finished.id))
    source = [{"题目": QUESTION.format(n=1), "回答": f"我先道歉再退款{n}", "能力": "empathy", "得分": 4, "邮箱": mail}
              for n, mail in enumerate([mine, "other@x.example"])]  # fmt: skip
    history.whole("h.xlsx", workbook(source))
    assert [a["answer"] for a in _held(finished)["answers"]] == ["我先道歉再退款0"]
    thief = reported(world, training=False)
    assert thief.api.put("/my-data/person", json={"name": "x", "email": "other@x.example"}).status_code == 200
    assert _held(thief)["answers"] == [], "an address that somebody typed opens nobody's history"
    number = finished.erase()
    erased = {row["what"]: row["count"] for row in finished.receipt(number)["erased"]}
    assert erased["history"] == 1
    assert [line.answer for line in within(world, lines_of)] == ["我先道歉再退款1"]


def _address(interview: str) -> Any:
    from sqlalchemy import text as sql

    from duilian.platform.recruiting.models import Candidate

    async def read(session: TenantSession) -> str:
        query = sql(
            "select v.candidate_id from interviews i join invitations v on v.id = i.invitation_id where i.id = :i"
        )
        candidate = (await session.execute(query, {"i": interview})).scalar_one()
        return (await session.get_one(Candidate, (session.tenant_id, candidate))).email

    return read


def test_undoing_labelled_imports_asks_first(office: World) -> None:
    page = Rater(office, "recruiter").client.get("/console/labels/imports").text
    [number] = {
        part[:36] for part in page.split("/console/labels/imports/")[1:] if len(part) > 36 and part[8] == "-"
    }
    refused = office.api().delete(f"/api/v1/labels/imports/{number}")
    assert (refused.status_code, refused.json()["code"]) == (409, "labels-would-go")


def test_command_line_imports_and_exports(stack: Stack, tmp_path: Path) -> None:
    world = open_world(stack.settings)
    file, out = tmp_path / "history.xlsx", tmp_path / "lines.jsonl"
    file.write_bytes(workbook([*rows(20), {**rows(1)[0], "得分（百分制）": "好"}]))
    checked = command(stack, "labels", "import", str(file), "--tenant", world.slug, "--dry-run", "--json")
    assert (checked["counts"]["ready"], len(checked["findings"]), counted(world, Example)) == (20, 1, 0)
    done = command(stack, "labels", "import", str(file), "--tenant", world.slug, "--json")
    assert (done["state"], done["counts"]["ready"]) == ("imported", 20)
    assert (
        command(stack, "labels", "export", "--tenant", world.slug, "--out", str(out), "--json")["lines"] == 20
    )
    from duilian.customization.lab.lines import read_lines

    assert len({line.person for line in read_lines(out)}) == 20


def command(stack: Stack, *arguments: str) -> dict[str, Any]:
    done = duilian(stack, *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
