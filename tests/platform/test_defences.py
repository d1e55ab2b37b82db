"""What a report may say, what a threshold would have done, who is asked again, and what a score must not turn on."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from duilian.customization.schemas import QuestionSet
from duilian.infra.database import TenantSession
from duilian.infra.objects import ObjectStore
from duilian.infra.settings import Settings
from duilian.platform.app.candidate_client import Candidate
from duilian.platform.app.up import Stack
from duilian.platform.reports.claims import ClaimBeyondWords, check_words
from duilian.platform.reports.counterfactual import Counterfactual, Prober, probe_of
from duilian.platform.reports.verify import AdviceUnfounded, verify_report
from duilian.platform.scoring.evidence import QuoteNotSaid
from duilian.platform.scoring.heads import HeadShelf
from duilian.platform.scoring.pooling import ReadAnswer, pool, total
from duilian.platform.scoring.requests import score_request, written_transcript
from duilian.platform.scoring.swaps import KINDS, variants
from duilian.serving import contracts as c
from duilian.serving.client import ServingClient
from duilian.serving.loading import load_embedder
from duilian.serving.scoring.artefact import Artefact
from duilian.serving.scoring.judge import Reading
from duilian.tenants.keyring import keys_of, open_database, open_keyring
from heads import head_artefact
from inside import within
from playing import SPEECH, answer, answer_settled, play, publish_written, report_of, shipped, written
from world import World, open_world, run

Document = dict[str, Any]
SET = shipped("retail", "complaint")
SAID = "我先听顾客把话说完，再给她换了一箱新的。"


# --- the verifier -----------------------------------------------------------------------------------


@pytest.fixture
def content() -> Document:
    """A report on one answer, as the composer makes it."""
    competency = SET.competencies[0]
    quote = c.Quote(text=SAID, offset=0, level=3, anchor="", strength=0.9)
    judgement = c.Judgement(
        competency=competency.key, outcome="scored", posterior=[0, 0, 1, 0, 0], weight=1, quotes=[quote]
    )
    judged = c.ScoreResponse(
        judgements=[judgement], star={}, specificity=0, question_overlap=0, on_topic=1, versions={}
    )
    read = ReadAnswer(
        key="q", competencies=[competency.key], transcript=written_transcript(SAID, "zh"), judged=judged, refusal=None
    )  # fmt: skip
    scores = [pool(competency, [read], "zh-CN")]
    answers = [{"key": "q", "transcript": {"text": SAID}}]
    return msgspec.json.decode(
        msgspec.json.encode({"total": total(scores), "competencies": scores, "answers": answers})
    )


def test_an_honest_report_passes(content: Document) -> None:
    verify_report(content, SET)
    content["competencies"][0]["advice"]["zh-CN"] = f"您说“{SAID}”，可以再说说结果。"
    verify_report(content, SET)


def _told(scored: Document, **changed: Any) -> None:
    """A model's account of the score, with something smuggled in."""
    why = c.Why(expected=3, spread=1, labels=40, trust=0.5, moved=[], near=[], points=[], short_of=[], lift=[], lifted=None)  # fmt: skip
    scored["why"].append(msgspec.to_builtins(why) | {"answer": "q"} | changed)


SMUGGLED: list[tuple[str, Any, type[Exception]]] = [
    ("evidence", lambda s: s["evidence"][0].update(quote="我从来没有这样说过。"), QuoteNotSaid),
    ("offset", lambda s: s["evidence"][0].update(offset=1), QuoteNotSaid),
    ("other answer", lambda s: s["evidence"][0].update(answer="nobody's"), QuoteNotSaid),
    ("empty quote", lambda s: s["evidence"][0].update(quote=""), QuoteNotSaid),
    ("moved", lambda s: _told(s, moved=[{"text": "我从来没有这样说过。", "offset": 0, "effect": 1}]), QuoteNotSaid),
    ("point", lambda s: _told(s, points=[{"text": "会拉小提琴", "effect": 1}]), AdviceUnfounded),
    ("fact", lambda s: _told(s, lift=[{"fact": "smile", "value": 0, "wanted": 1, "effect": 1}]), ClaimBeyondWords),
    ("another's words", lambda s: _told(s, near=[], neighbours=["别人的回答"]), ClaimBeyondWords),
    ("advice", lambda s: s["advice"].update(en="Talk less about your divorce."), AdviceUnfounded),
    ("missing", lambda s: s["missing"].append("会拉小提琴"), AdviceUnfounded),
    ("reached level", lambda s: s["missing"].append(SET.competencies[0].levels[0].anchor["zh-CN"]), AdviceUnfounded),
    ("claim in advice", lambda s: s["advice"].update(en=f"{s['missing'][0]} The candidate looked nervous."), ClaimBeyondWords),
    ("claim in Chinese", lambda s: s["advice"].update({"zh-CN": f"您说“{SAID}”，但口音较重。"}), ClaimBeyondWords),
    ("anchor", lambda s: s["anchor"].update(en="Smiles and keeps eye contact."), ClaimBeyondWords),
    ("measure", lambda s: s.update(smiles=3), ClaimBeyondWords),
    ("measure in a quote", lambda s: s["evidence"][0].update(pitch=220), ClaimBeyondWords),
]  # fmt: skip


@pytest.mark.parametrize(("name", "smuggle", "expected"), SMUGGLED, ids=[s[0] for s in SMUGGLED])
def test_what_is_smuggled_in_is_refused(
    content: Document, name: str, smuggle: Any, expected: type[Exception]
) -> None:
    smuggle(content["competencies"][0])
    with pytest.raises(expected):
        verify_report(content, SET)


def test_claims_are_of_persons_not_of_machines_and_customers() -> None:
    for claim in (
        "候选人的声音发抖", "您看起来很紧张", "面带微笑", "普通话不标准", "穿着打扮得体", "She sounded confident.",
        "The candidate's voice was shaking.", "a strong accent", "He was very nervous.", "good eye contact",
    ):  # fmt: skip
        with pytest.raises(ClaimBeyondWords):
            check_words(claim)
    for fine in (
        "安抚顾客的情绪，再给出办法", "听设备的声音判断哪里磨损", "Calms the customer down before explaining.",
        "Listens to the noise of the bearing.", "说明先做什么、后做什么",
    ):  # fmt: skip
        check_words(fine)


# --- swaps -------------------------------------------------------------------------------------------


def test_swaps_are_fixed_and_touch_nothing_else() -> None:
    said = written_transcript("我叫刘洋，在一家便利店上班。他很生气，我把东西给先生换了。", "zh")
    told = written_transcript(
        "My name is Rick. He wanted to go, and his wife told him because it was late.", "en"
    )
    for transcript in (said, told):
        for kind in KINDS:
            made = variants(transcript, kind)
            assert made and made == variants(transcript, kind)
            for one in made:
                assert all(one.text[s.offset : s.offset + s.length] == s.text for s in one.sentences)
    assert [v.text[:5] for v in variants(said, "name")] == ["我叫王秀英", "我叫阿依古"]
    assert variants(said, "gender")[0].text.endswith("她很生气，我把东西给女士换了。")
    assert "She wanted to go, and her husband told her" in variants(told, "gender")[0].text
    assert variants(written_transcript("换了一箱新的。", "zh"), "name") == []


# --- on the running platform -------------------------------------------------------------------------


def on_shelf(world: World, artefact: Artefact) -> None:
    async def go(session: TenantSession) -> None:
        shelf = HeadShelf(ObjectStore(world.settings), keys_of(session))
        await shelf.put_in_force(artefact.competency, await shelf.put(artefact))

    within(world, go)


def probed(world: World, interview: str) -> Counterfactual:
    """The probe of the newest report, run now instead of a little later."""

    async def newest(session: TenantSession) -> Any:
        query = "select id from reports where interview_id = :id order by revision desc limit 1"
        return await session.scalar(text(query), {"id": interview})

    report = within(world, newest)

    async def go() -> None:
        database = open_database(world.settings, open_keyring(world.settings), 2)
        async with ServingClient(world.settings.serving_url, world.settings.serving_token) as serving:
            await Prober(database, ObjectStore(world.settings), serving).run(world.tenant_id, str(report))
        await database.close()

    run(go())
    found = within(world, lambda session: probe_of(session, report))
    assert found is not None
    return found


def biased(settings: Settings, questions: QuestionSet, said: str) -> Artefact:
    """Likes one name: level 1 for the answer as it was given, 5 with the other name in it."""
    embedder = load_embedder(settings).step
    question = questions.questions[0]
    own = written_transcript(said, "zh")
    other = variants(own, "name")[0]
    one, two = (
        Reading(r.answer, "zh", r.competencies, embedder).features
        for r in (score_request(questions, question, t, "zh-CN") for t in (own, other))
    )
    weights = 4 * (two - one) / float((two - one) @ (two - one))
    plain = head_artefact(embedder, 1 - float(weights @ one), question.competencies[0])
    return msgspec.structs.replace(plain, weights=weights.astype("<f4").tobytes())


def test_a_score_that_turns_on_a_name_is_caught(stack: Stack) -> None:
    world, parts = open_world(stack.settings), written("complaint", "medium", "zh")
    key = publish_written(world, SET)
    competency = SET.questions[0].competencies[0]
    on_shelf(world, head_artefact(load_embedder(stack.settings).step, 4, competency))
    fair = play(world, key, parts)
    report_of(world, fair)
    rows = {row["kind"]: row for row in probed(world, fair).changes}
    assert set(rows) == set(KINDS)
    assert rows["name"]["changes"][competency] == 0, "this head looks at nothing"
    on_shelf(world, biased(stack.settings, SET, parts[0]))
    unfair = play(world, key, parts)
    report_of(world, unfair)
    found = probed(world, unfair)
    assert {row["kind"]: row for row in found.changes}["name"]["changes"][competency] > 0.5
    assert found.largest > 0.5
    page = world.console("owner").get(f"/console/interviews/{unfair}").text
    assert "变化较大" in page
    listed = world.console("owner").get("/console/interviews?status=review").text
    assert listed.index(unfair) < listed.index(fair), "what is flagged is looked at first"


def test_thresholds_are_published_within_bounds_and_show_what_they_cost(stack: Stack) -> None:
    world = open_world(stack.settings)
    key, parts = publish_written(world, SET), written("complaint", "strong", "zh")
    before = report_of(world, play(world, key, parts))
    staff = world.console("owner")
    shown = staff.get("/console/gate")
    assert shown.status_code == 200 and f"最近 {len(parts)} 个" in shown.text and "回答很少" in shown.text
    token = shown.text.split('name="csrf" value="')[1].split('"')[0] if 'name="csrf"' in shown.text else ""
    form = {"csrf": token, "least_seconds": "5", "least_confidence": "0.5", "off_topic": "0.4"}
    assert staff.post("/console/gate", data=form | {"least_seconds": "90"}).status_code == 422
    saved = staff.post("/console/gate", data=form | {"leaked": "\n---\n".join(parts)})
    assert saved.status_code == 303
    after = report_of(world, play(world, key, parts))
    assert before["total"]["outcome"] == "scored"
    assert {one["outcome"] for one in after["competencies"]} == {"no_evidence"}
    assert {fact["kind"] for fact in after["integrity"]} >= {"known_answer"}
    assert "gate.published" in staff.get("/console/audit/export").text


def test_who_could_not_be_heard_is_asked_again_without_losing_a_take(stack: Stack) -> None:
    world = open_world(stack.settings)
    invitation = world.invite("complaint", locale="zh-CN")

    async def go() -> Document:
        async with Candidate(world.url, world.slug, invitation["token"], "zh-CN") as candidate:
            state = await candidate.begin()
            await answer(candidate, state["questions"][0], SPEECH / "hard" / "one_word.webm")
        return state["questions"][0]

    question = run(go())
    assert run(answer_settled(world, invitation["interview"], question["key"])) == "failed"
    now = world.candidate(invitation).get("").json()["questions"][0]
    assert now["takes_allowed"] == question["takes_allowed"] + 1
    page = world.candidate(invitation)
    overview = page.get(f"{world.url}/t/{world.slug}/i/{invitation['token']}/overview")
    assert "重新回答第 1 题" in overview.text


def test_advice_of_shipped_rubrics_makes_no_claims() -> None:
    for industry, key in (
        ("retail", "complaint"),
        ("retail", "recommendation"),
        ("manufacturing", "fault-finding"),
    ):
        for competency in shipped(industry, key).competencies:
            for words in (competency.advice, *(level.anchor for level in competency.levels)):
                for said in words.values():
                    check_words(said)
