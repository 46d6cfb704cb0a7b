"""Whether a stop word was said: transcripts compared with phrases, word by word."""

import unicodedata
from collections.abc import Iterable, Sequence

import msgspec

from .models import Transcript

__all__ = ("Spotted", "StopWord", "spotted", "stop_words_of", "words_of")

_IN_WORDS = frozenset("+#%&@")  # of punctuation and symbols: c++, c#, r&b; besides currencies
_APOSTROPHES = frozenset("'\u2019\u02bc")
_IN_NUMBERS = frozenset(".,:")

# Scripts that put no spaces between words: Thai, Lao, Burmese, Khmer, kana, Han. Which characters
# make a word cannot be told without a dictionary, so that each stands for itself.
_UNSPACED = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x3040, 0x30FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0x20000, 0x3FFFF),
)


class StopWord(msgspec.Struct, frozen=True):
    """A phrase to listen for."""

    phrase: str
    """As it was given."""
    words: tuple[str, ...]
    """As it is compared; at least one."""


class Spotted(msgspec.Struct, frozen=True):
    """A stop word in a transcript."""

    phrase: str
    """As it was given."""
    goes_on: bool
    """Whether more was said behind it."""
    end: float | None
    """When it ended, in seconds from the beginning of the sound; None where that is not known."""


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text as they are compared: without regard to case, widths and ligatures
    (NFKC), and to punctuation between and around them. Numbers stay as they are written.
    """
    words: list[str] = []
    word = ""
    folded = _folded(text)
    for at, char in enumerate(folded):
        if _unspaced(char):
            words += (word, char)
            word = ""
        elif _belongs(char) or _joins(folded[at - 1 : at], char, folded[at + 1 : at + 2]):
            word += "'" if char in _APOSTROPHES else char
        else:
            words.append(word)
            word = ""
    return tuple(filter(None, (*words, word)))


def stop_words_of(phrases: Iterable[str]) -> tuple[StopWord, ...]:
    """Phrases made ready to be listened for. Raises TypeError for what is no list of texts,
    ValueError for none, and for one without a word.
    """
    given: list[object] = [phrases] if isinstance(phrases, str) else list(phrases)
    if isinstance(phrases, str) or not all(isinstance(phrase, str) for phrase in given):
        raise TypeError(f"stop_words is a list of texts, not {phrases!r}")
    made = tuple(StopWord(phrase, words_of(phrase)) for phrase in map(str, given))
    if not made:
        raise ValueError("stop_words is empty: nothing would ever be answered")
    for stop_word in made:
        if not stop_word.words:
            raise ValueError(f"there is no word in the stop word {stop_word.phrase!r}")
    return made


def spotted(transcript: Transcript, stop_words: Sequence[StopWord]) -> Spotted | None:
    """The first stop word that was said; of several that begin alike the longest."""
    said = words_of(transcript.text)
    found = _first(said, stop_words)
    if found is None:
        return None
    stop_word, end = found
    return Spotted(stop_word.phrase, end < len(said), _end_time(transcript, stop_word))


def _first(said: Sequence[str], stop_words: Sequence[StopWord]) -> tuple[StopWord, int] | None:
    """The first stop word among words, and the index behind it."""
    longest_first = sorted(stop_words, key=lambda item: -len(item.words))
    for start in range(len(said)):
        for stop_word in longest_first:
            end = start + len(stop_word.words)
            if tuple(said[start:end]) == stop_word.words:
                return stop_word, end
    return None


def _end_time(transcript: Transcript, stop_word: StopWord) -> float | None:
    timed = [(word, end) for text, _, end in transcript.words for word in words_of(text)]
    found = _first([word for word, _ in timed], [stop_word])
    return None if found is None else timed[found[1] - 1][1]


def _folded(text: str) -> str:
    """As Unicode's NFKC_Casefold: what cannot be seen, such as soft hyphens, is left out."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    visible = "".join(char for char in folded if unicodedata.category(char) != "Cf")
    return unicodedata.normalize("NFKC", visible)


def _belongs(char: str) -> bool:
    """Whether a character is part of a word wherever it stands."""
    category = unicodedata.category(char)
    letter = category[0] in "LNM" and char not in _APOSTROPHES
    return letter or category == "Sc" or char in _IN_WORDS


def _joins(before: str, char: str, after: str) -> bool:
    """Whether a character is part of a word because of those around it: o'clock, 3.14."""
    if _unspaced(before) or _unspaced(after):
        return False
    if char in _APOSTROPHES:
        return before.isalnum() and after.isalnum()
    return char in _IN_NUMBERS and before.isdigit() and after.isdigit()


def _unspaced(char: str) -> bool:
    if char < "\u0e00" or unicodedata.category(char)[0] not in "LNM":
        return False
    return any(low <= ord(char) <= high for low, high in _UNSPACED)
