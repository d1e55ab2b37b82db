"""A head learned from labels: it takes over as its labels do, and what is not a head of this tier is refused."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import msgspec
import pytest

from duilian.customization.lab.learning import learn
from duilian.customization.lab.lines import Line
from duilian.infra.settings import Settings
from duilian.serving import contracts as c
from duilian.serving.adapters import AdaptedEmbedder, Adapters
from duilian.serving.loading import ADAPTABLE, load_adaptable
from duilian.serving.models import pull
from duilian.serving.scoring import score
from duilian.serving.scoring.adapter import Adapter
from duilian.serving.scoring.artefact import HeadBroken, labels_in, pack, unpack
from duilian.serving.scoring.aside import pieces
from duilian.serving.scoring.learned.explaining import NAMED
from duilian.serving.scoring.learned.forgetting import without
from duilian.serving.scoring.learned.model import Learned, Model
from duilian.serving.scoring.learned.observe import Observer
from duilian.serving.scoring.levels import mean_and_spread
from duilian.serving.scoring.text import as_told, split_sentences
from duilian.serving.steps.embed import Embedder
from heads import ANCHORS, ANSWER, adapter_bytes, score_request

DONE = ["我先听顾客说完", "我向她道歉", "我给她换了货", "我查了出货记录", "我请来了主管"]
CALLED, IDLE = "第二天我打电话回访了她", "这件事我一直记到今天"


def learned(
    labels: int,
    embedder: Embedder | AdaptedEmbedder,
    competency: str = "care",
    lowest: int = 2,
    anchored: bool = False,
) -> Learned:
    """Readers who look for one thing only: whether the customer was called again."""
    dice = random.Random(5)
    rows: list[Line] = []
    request = score_request()
    question, reference = request.answer.question, [ANCHORS[3], ANCHORS[4]] if anchored else []
    for number in range(labels):
        called = number % 2 == 0
        said = [*dice.sample(DONE, 3), CALLED if called else IDLE]
        rows.append(Line(item="set/q/care", question=question, reference=reference, answer="，".join(said) + "。", score=5 if called else lowest, person=str(number)))  # fmt: skip
    observer = Observer(lambda texts: embedder.embed(texts, "query"))
    return learn(rows, observer, embedder.versions, competency)


def level(embedder: Embedder, head: Learned | None = None, text: str = ANSWER) -> float:
    heads = {"care": unpack(*pack(head))} if head else None
    (judgement,) = score(score_request(text), embedder, heads).judgements
    assert judgement.outcome == "scored" and sum(judgement.posterior) == pytest.approx(1, abs=1e-5)
    return sum(n * p for n, p in enumerate(judgement.posterior, 1))


def trust(labels: int, embedder: Embedder) -> float:
    """How far the judgement has gone from the cold start's to the model's own, 0-1."""
    head = learned(labels, embedder)
    (item,) = head.items
    observer = Observer(lambda texts: embedder.embed(texts, "query"))
    own = Model(head).judge(item.key, observer.read(item.question, item.references, [ANSWER]))[0].expected
    cold = level(embedder)
    return (level(embedder, head) - cold) / (own - cold)


def test_a_model_takes_over_as_its_labels_do(embedder: Embedder) -> None:
    few, more, many = (trust(labels, embedder) for labels in (6, 20, 60))
    assert 0 < few < more < many < 1
    assert few < 0.4


def test_readers_are_followed(embedder: Embedder) -> None:
    without = ANSWER.replace("第二天又打电话问她是否满意", "这件事我到今天还一直记着呢")
    head = learned(60, embedder)
    gap = level(embedder, head) - level(embedder, head, without)
    assert gap > level(embedder) - level(embedder, text=without)


def test_the_stated_error_is_as_wide_as_the_model_says_it_is_with_the_rubric(embedder: Embedder) -> None:
    head = learned(60, embedder)

    def judged(joint: float) -> tuple[float, float]:
        wider = msgspec.structs.replace(head, joint=joint)
        (found,) = score(score_request(), embedder, {"care": unpack(*pack(wider))}).judgements
        return mean_and_spread(found.posterior)

    (mean, plain), (same, wide) = judged(1.0), judged(1.5)
    assert wide > 1.2 * plain and same == pytest.approx(mean, abs=0.4)
    kinder = msgspec.structs.replace(head, offset=1.0)
    assert mean < level(embedder, kinder) < mean + 1, "its share of the rubric's severity"
    for broken in (0.0, -1.0, float("nan")):
        with pytest.raises(HeadBroken, match="joint"):
            pack(msgspec.structs.replace(head, joint=broken))


def test_an_answer_of_which_nothing_is_set_aside_is_read_as_it_was_learned() -> None:
    """And what is cut out leaves a sentence that ends."""
    for text in ("他说：没事，我来。第二天我又打了电话", "He said: fine, I will. Then I called. Done"):
        language: c.Language = "zh" if "他" in text else "en"
        whole = [piece for one in split_sentences(text) for piece in pieces(one, language)]
        assert as_told(text, whole) == text
    mixed = "我先道了歉，I solved it within ten minutes，然后换了货。我说：好的。"
    own = [p for one in split_sentences(mixed) for p in pieces(one, "zh") if "solved" not in p.text]
    assert as_told(mixed, own) == "我先道了歉。，然后换了货。我说：好的。"


def test_what_is_no_evidence_stays_none(embedder: Embedder) -> None:
    heads = {"care": unpack(*pack(learned(20, embedder)))}
    (judgement,) = score(
        score_request("今天天气不错，下午可能会下雨，我喜欢听音乐和看书。"), embedder, heads
    ).judgements
    assert (judgement.outcome, judgement.posterior) == ("no_evidence", [])


def test_a_response_names_the_model(embedder: Embedder) -> None:
    octets, sha256 = pack(learned(10, embedder))
    response = score(score_request(), embedder, {"care": unpack(octets, sha256)})
    assert response.versions["head:care"] == sha256[:12]


def test_nobodys_words_lie_in_the_artefact(embedder: Embedder) -> None:
    octets, _ = pack(learned(10, embedder))
    assert CALLED.encode() not in octets and DONE[0].encode() not in octets


def test_a_persons_labels_can_be_taken_out(embedder: Embedder) -> None:
    head = learned(40, embedder)
    gone = {str(number) for number in range(20, 40)}
    never_there = msgspec.structs.replace(learned(20, embedder), hyper=head.hyper)
    assert without(head, gone) == never_there
    assert without(head, {"nobody"}) == head
    assert without(head, {str(number) for number in range(40)}) is None


def test_a_good_example_can_be_taken_out_with_its_words(embedder: Embedder) -> None:
    head = learned(20, embedder, anchored=True)
    left = without(head, set(), {hashlib.sha256(ANCHORS[3].encode()).hexdigest()})
    assert left is not None
    octets, _ = pack(left)
    assert ANCHORS[3].encode() not in octets and ANCHORS[4].encode() in octets
    assert (
        left.items[0].people == head.items[0].people and left.items[0].examples == head.items[0].examples - 1
    )
    assert without(left, set(), {"0" * 64}) is left


def test_whose_labels_a_model_of_an_unknown_format_holds_is_not_guessed() -> None:
    with pytest.raises(msgspec.DecodeError):
        labels_in(msgspec.msgpack.encode({"format": "duilian-learned-0", "items": [{"people": ["p"]}]}))


TALE = [
    "我先听顾客把话说完，向她道歉，再给她换了一箱新的。",
    "第二天我打电话回访了她，问她是否满意。",
    "那天店里的人很多，我们忙到很晚才下班。",
]


def told(text: str, embedder: Embedder) -> c.Judgement:
    """The tale, cut into sentences, judged by a model that knows forty labels."""
    request = score_request(text)
    answer = msgspec.structs.replace(request.answer, sentences=split_sentences(text))
    heads = {"care": unpack(*pack(learned(40, embedder, anchored=True)))}
    (judgement,) = score(
        msgspec.structs.replace(request, answer=answer, explain=True), embedder, heads
    ).judgements
    return judgement


def test_a_judgement_says_what_drove_it(embedder: Embedder) -> None:
    """In the model's own units, verbatim, with no word of those who were labelled, and the same each time."""
    text = "".join(TALE)
    judgement = told(text, embedder)
    why = judgement.why
    assert why is not None and why.labels == 40 and 0 < why.trust < 1
    assert all(text[one.offset :].startswith(one.text) for one in why.moved)
    strongest = max(why.moved, key=lambda one: one.effect)
    assert strongest.text == TALE[1] and strongest.effect > 0.3, "the readers looked for the call"
    assert sum(one.answers for one in why.near) == 5 and {one.level for one in why.near} <= {2, 5}
    assert told(text, embedder) == judgement
    said = msgspec.json.encode(why).decode()
    assert not any(words in said for words in [*DONE[3:], IDLE])


def test_a_lower_judgement_says_what_would_lift_it(embedder: Embedder) -> None:
    why = told(TALE[0] + TALE[2], embedder).why
    assert why is not None and why.lifted is not None
    assert {gap.fact for gap in (*why.short_of, *why.lift)} <= set(NAMED)
    assert why.lifted > why.expected and all(gap.effect > 0 for gap in why.short_of)
    assert why.points[0].text in ("换货之后主动回访", "问顾客是否满意") and why.points[0].effect > 0
    assert "先听顾客说完" not in {point.text for point in why.points}


@pytest.mark.parametrize("what", ["scale", "encoder", "competency", "cut", "numbers", "measures"])
def test_what_is_no_head_of_this_tier_is_refused(what: str, embedder: Embedder) -> None:
    head = learned(
        10, embedder, "other" if what == "competency" else "care", lowest=0 if what == "scale" else 2
    )
    if what == "encoder":
        head = msgspec.structs.replace(head, encoder_version="0" * 12)
    if what == "cut":
        head = msgspec.structs.replace(head, items=[msgspec.structs.replace(head.items[0], vectors=b"\0\0")])
    if what == "numbers":
        head = msgspec.structs.replace(head, hyper=msgspec.structs.replace(head.hyper, noise=float("nan")))
    if what == "measures":
        head = msgspec.structs.replace(
            head, hyper=msgspec.structs.replace(head.hyper, amplitudes={"level": 1.0})
        )
    with pytest.raises(HeadBroken):
        level(embedder, head)


@pytest.fixture(scope="module")
def adapters(models_dir: Path) -> Adapters:
    pull(models_dir, [ADAPTABLE])
    return Adapters(lambda: load_adaptable(Settings(models_dir=models_dir)))


def adapted_head(adapters: Adapters, octets: bytes) -> Learned:
    reader = adapters.reading(Adapter.of(octets))
    return msgspec.structs.replace(learned(20, reader), adapter=octets)


def test_a_head_with_an_adapter_reads_with_it(embedder: Embedder, adapters: Adapters) -> None:
    octets = adapter_bytes()
    head = unpack(*pack(adapted_head(adapters, octets)))
    response = score(score_request(), embedder, {"care": head}, adapters)
    assert response.judgements[0].posterior != score(score_request(), embedder).judgements[0].posterior
    assert response.versions["adapter:care"] == hashlib.sha256(octets).hexdigest()[:12]
    assert response.versions["head:care"] == head.sha256[:12]
    assert ADAPTABLE in response.versions and embedder.versions.items() <= response.versions.items()
    assert head.bytes > len(octets), "memory is counted with the adapter"


@pytest.mark.parametrize("what", ["cut", "base", "encoder", "none here"])
def test_an_adapter_that_does_not_fit_is_a_broken_head(
    what: str, embedder: Embedder, adapters: Adapters
) -> None:
    head = adapted_head(adapters, octets := adapter_bytes())
    if what == "cut":
        head = msgspec.structs.replace(head, adapter=octets[:-4])
    if what == "base":
        head = msgspec.structs.replace(head, adapter=octets.replace(b'"base":"53aa', b'"base":"0000'))
    if what == "encoder":
        head = msgspec.structs.replace(head, encoder_version="0" * 12)
    with pytest.raises(HeadBroken):
        heads = {"care": unpack(*pack(head))}
        score(score_request(), embedder, heads, None if what == "none here" else adapters)
