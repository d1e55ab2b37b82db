"""Words that are particular to one company (关键词): runs of text that hold together and stand out against the language.

A word of English is what stands between spaces; Chinese has no spaces, so any run of two to six characters is one that
the dictionary knows, or whose parts keep together and whose neighbours change (branching entropy: Jin & Tanaka-Ishii
2006). Standing out is Dunning's log-likelihood ratio (1993) at the critical value of Rayson et al. 2004 (p < 0.0001).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from math import log

import msgspec
from wordfreq import get_frequency_dict

CRITICAL = 15.13
RARE = 1e-5  # of all words of the language; what is commoner is heard without help
BACKGROUND_WORDS = 100_000_000  # so many words stand behind the frequencies, at the least
COMMON = 5e-5  # frequency of a word that everybody uses
UNSEEN = 1e-8  # frequency of a word that the list does not hold
LEAST_COUNT, LEAST_PEOPLE = 3, 3
SHORTEST, LONGEST = 2, 6  # characters of a Chinese word
TOGETHER = 20.0  # how much likelier a run is than its two parts by accident
FREEDOM = 0.8  # nats of what stands before and behind it
SWALLOWED = 0.7  # a run that mostly stands inside a longer one is not a word of its own
# Characters of grammar: a run that begins or ends with one is a piece of a sentence.
SMALL = frozenset(
    "的了着过是在我你您他她它们这那哪就都也和与跟或但把被给对向从到去来又再还很太最更没不别有个位些之其吗呢吧啊嘛说"
)
_HAN = re.compile(r"[\u3400-\u9fff]+")
_LATIN = re.compile(r"[A-Za-z][A-Za-z'-]{2,}")
LANGUAGES = {"zh-CN": "zh", "en": "en"}


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """g2: log-likelihood ratio against the language; people: different ones who said it."""

    word: str
    count: int
    people: int
    g2: float


@cache
def background(locale: str) -> dict[str, float]:
    """Frequency of each known word: its share of all words of the language."""
    return get_frequency_dict(LANGUAGES[locale], wordlist="large")


def log_likelihood(count: int, total: int, frequency: float) -> float:
    """G² of a word that stands `count` times among `total`, against a language in which it has that frequency; 0 where
    it stands there less often than in the language."""
    expected_there = frequency * BACKGROUND_WORDS
    share = (count + expected_there) / (total + BACKGROUND_WORDS)
    if count / total <= frequency:
        return 0.0
    here = count * log(count / (total * share))
    there = expected_there * log(expected_there / (BACKGROUND_WORDS * share)) if expected_there else 0.0
    return 2 * (here + there)


def keys(said: Iterable[tuple[str, str]], locale: str) -> list[Key]:
    """said: person and text. The words that stand out, the strongest first. Of fewer than three people nothing is told: a
    name that one person said is no word of the company."""
    counts, people, total = _counted(said, locale)
    known = background(locale)
    found: list[Key] = []
    for word, count in counts.items():
        frequency = known.get(word.lower(), UNSEEN)
        if count < LEAST_COUNT or len(people[word]) < LEAST_PEOPLE or frequency > RARE:
            continue
        g2 = log_likelihood(count, total, frequency)
        if g2 >= CRITICAL:
            found.append(Key(word=word, count=count, people=len(people[word]), g2=round(g2, 1)))
    return sorted(_without_parts(found), key=lambda key: (-key.g2, key.word))


def _counted(said: Iterable[tuple[str, str]], locale: str) -> tuple[Counter[str], dict[str, set[str]], int]:
    """Words, who said each, and how many words there are in all."""
    texts = list(said)
    if locale != "zh-CN":
        counts = Counter(word for _, text in texts for word in _words(text))
        return counts, _who(texts, counts, _words), max(1, counts.total())
    spans = [span for _, text in texts for span in _HAN.findall(text)]
    characters = sum(map(len, spans))
    whole = _held_together([text for _, text in texts], _often(spans), characters)
    return whole, _who(texts, whole, _runs), max(1, characters // 2)  # about two characters a word


def _who(
    texts: list[tuple[str, str]], words: Mapping[str, int], read: Callable[[str], list[str]]
) -> dict[str, set[str]]:
    """Who said each of the words."""
    people: defaultdict[str, set[str]] = defaultdict(set)
    for person, text in texts:
        for word in read(text):
            if word in words:
                people[word].add(person)
    return people


def _words(text: str) -> list[str]:
    return [word.lower() for word in _LATIN.findall(text)]


def _runs(text: str) -> list[str]:
    """Every run that may be a word."""
    return [
        span[first : first + length]
        for span in _HAN.findall(text)
        for length in range(SHORTEST, LONGEST + 1)
        for first in range(len(span) - length + 1)
    ]


def _often(spans: list[str]) -> Counter[str]:
    """Runs of one to `LONGEST` characters that stand there at least `LEAST_COUNT` times. A run is looked at only where both
    runs inside it are frequent (Agrawal & Srikant 1994): of a large history few are."""
    found: Counter[str] = Counter()
    level: set[str] = {""}
    for length in range(1, LONGEST + 1):
        counts = Counter(
            run
            for span in spans
            for first in range(len(span) - length + 1)
            if (run := span[first : first + length])[1:] in level and run[:-1] in level
        )
        kept = {run: n for run, n in counts.items() if n >= LEAST_COUNT}
        found.update(kept)
        level = set(kept)
    return found


def _held_together(texts: list[str], counts: Counter[str], characters: int) -> Counter[str]:
    """The runs that are words."""
    often = {run: n for run, n in counts.items() if len(run) >= SHORTEST}
    before, behind = _neighbours(texts, often)
    known = background("zh-CN")

    def loose(run: str) -> bool:
        """No word of the dictionary, but its parts keep together and its neighbours change."""
        if run[0] in SMALL or run[-1] in SMALL:
            return False
        free = min(_entropy(before[run]), _entropy(behind[run]))
        return free >= FREEDOM and _cohesion(run, counts, characters) >= TOGETHER

    return Counter(
        {run: n for run, n in often.items() if not _strung(run, known) and (run in known or loose(run))}
    )


def _strung(run: str, known: Mapping[str, float]) -> bool:
    """Two common words side by side, as 然后就: they are heard without help."""
    return any(
        min(known.get(run[:cut], 0.0), known.get(run[cut:], 0.0)) >= COMMON for cut in range(1, len(run))
    )


def _cohesion(run: str, counts: Mapping[str, int], characters: int) -> float:
    return min(
        counts[run] * characters / (counts[run[:cut]] * counts[run[cut:]]) for cut in range(1, len(run))
    )


def _neighbours(
    texts: list[str], runs: Mapping[str, int]
) -> tuple[dict[str, Counter[str]], dict[str, Counter[str]]]:
    """What stands before and behind each; the edge of a text differs from every other edge."""
    before: defaultdict[str, Counter[str]] = defaultdict(Counter)
    behind: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for number, text in enumerate(texts):
        for first in range(len(text)):
            for length in range(SHORTEST, LONGEST + 1):
                run = text[first : first + length]
                if len(run) == length and run in runs:
                    end = first + length
                    before[run][text[first - 1] if first and text[first - 1].isalnum() else f"^{number}"] += 1
                    behind[run][text[end] if end < len(text) and text[end].isalnum() else f"${number}"] += 1
    return before, behind


def _entropy(counts: Counter[str]) -> float:
    total = counts.total()
    return -sum(n / total * log(n / total) for n in counts.values()) if total else 0.0


def _without_parts(found: list[Key]) -> list[Key]:
    longer = sorted(found, key=lambda key: -len(key.word))
    return [
        key
        for key in found
        if not any(
            key.word in other.word and key.word != other.word and other.count >= SWALLOWED * key.count
            for other in longer
        )
    ]
