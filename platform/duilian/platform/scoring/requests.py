"""What is sent to the scorer: the question, the answer, the anchors, and nothing about the person."""

from __future__ import annotations

from duilian.customization.schemas import Competency, ProcedureStep, Question, QuestionSet, words
from duilian.platform.sessions.models import Interview
from duilian.serving import contracts as c
from duilian.serving.scoring.text import split_sentences
from duilian.tenants.gate_settings import GateSettings

AS_SHIPPED = GateSettings()
LOCALE_OF: dict[c.Language, str] = {"zh": "zh-CN", "en": "en"}


def spoken_in(interview: Interview, question: Question) -> tuple[c.Language, str]:
    """The language an answer is given in, and the locale of the anchors it is compared with."""
    language = question.language or ("zh" if interview.language == "zh" else "en")
    return language, LOCALE_OF[language] if question.language else interview.locale


def score_request(
    questions: QuestionSet, question: Question, transcript: c.Transcript, locale: str,
    gate: GateSettings = AS_SHIPPED,
) -> c.ScoreRequest:  # fmt: skip
    answer = c.AnswerText(
        key=question.key,
        question=words(question.text, locale),
        text=transcript.text,
        sentences=transcript.sentences,
        competencies=list(question.competencies),
        others=[words(other.text, locale) for other in questions.questions if other.key != question.key],
        leaked=gate.leaked,
        off_topic=gate.off_topic,
        procedure=_procedure(question, locale),
    )
    # All competencies: the scorer must know the whole rubric to notice when it is recited.
    profiles = [_profile(competency, locale) for competency in questions.competencies]
    return c.ScoreRequest(language=transcript.language, answer=answer, competencies=profiles)


def _procedure(question: Question, locale: str) -> c.Procedure | None:
    if question.procedure is None:
        return None
    steps = [_step(step, locale) for step in question.procedure.steps]
    return c.Procedure(competency=question.procedure.competency, steps=steps)


def _step(step: ProcedureStep, locale: str) -> c.ProcedureStep:
    keywords = step.keywords.get(locale, [])
    return c.ProcedureStep(key=step.key, text=words(step.text, locale), keywords=keywords, safety=step.safety)


def _profile(competency: Competency, locale: str) -> c.CompetencyProfile:
    anchors = [
        c.Anchor(level=level.level, text=words(level.anchor, locale), keywords=level.keywords.get(locale, []))
        for level in competency.levels
    ]
    return c.CompetencyProfile(key=competency.key, name=words(competency.name, locale), anchors=anchors)


def written_transcript(text: str, language: c.Language) -> c.Transcript:
    """A written answer in the shape of a spoken one: no words with times, no delivery to speak of."""
    silent = c.Delivery(
        pace=0.0, pace_unit="", articulation_pace=0.0, pauses=0, pause_seconds=0.0, longest_pause=0.0, fillers=0,
        filler_words={},
    )  # fmt: skip
    return c.Transcript(
        text=text,
        language=language,
        words=[],
        sentences=split_sentences(text),
        confidence=1.0,
        detected_language=language,
        detected_probability=1.0,
        audio_seconds=0.0,
        speech_seconds=0.0,
        loudness_dbfs=0.0,
        signal_to_noise_db=None,
        no_speech_probability=0.0,
        repetition=1.0,
        delivery=silent,
        versions={},
    )
