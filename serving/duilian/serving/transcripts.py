"""A transcript for the eyes: the words, their times, what is known of the recording."""

from __future__ import annotations

from duilian.serving.contracts import Sentence, Transcript


def as_lines(transcript: Transcript) -> str:
    """The text, then one line per sentence with its words and their times in seconds."""
    facts = (
        f"confidence {transcript.confidence:.2f}, language {transcript.detected_language or 'none'} "
        f"({transcript.detected_probability:.2f}), {transcript.speech_seconds:.1f} s of speech in "
        f"{transcript.audio_seconds:.1f} s"
    )
    return "\n".join(
        [transcript.text or "(no speech)", "", *(_line(transcript, s) for s in transcript.sentences), facts]
    )


def _line(transcript: Transcript, sentence: Sentence) -> str:
    words = transcript.words[sentence.first_word : sentence.last_word + 1]
    timed = " ".join(f"{word.text}[{word.start:.2f}–{word.end:.2f}]" for word in words)
    return f"{sentence.start:7.2f} {sentence.end:7.2f}  {timed}"
