"""Which texts hold which stop words."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from antiphon.core.models import Transcript
from antiphon.core.stop_words import Spotted, spotted, stop_words_of, words_of


def found(said: str, *stop_words: str) -> str | None:
    match = spotted(Transcript(said), stop_words_of(stop_words))
    return None if match is None else match.phrase


@pytest.mark.parametrize(
    ("stop_word", "said"),
    [
        ("hello computer", "Hello, computer!"),
        ("hello computer", "so HELLO... Computer?"),
        ("hello computer", "hello-computer"),
        ("Hello, Computer!", "hello computer"),
        ("hello  computer", "hello\n\tcomputer"),
        ("c++", "Do you know C++?"),
        ("c++", "c++."),
        ("c#", "(C#)"),
        ("r&b", "some R&B, please"),
        ("o'clock", "it is ten o\u2019clock."),
        ("o\u2019clock", "ten O'Clock"),
        ("node.js", "Node.js"),
        ("room 3.14", "Room 3.14."),
        ("wake-up", "wake up!"),
        ("stra\u00dfe", "STRASSE"),
        ("caf\u00e9", "CAFE\u0301"),
        ("computer", "\uff23\uff4f\uff4d\uff50\uff55\uff54\uff45\uff52"),
        ("computer", "com\u00adputer"),
        ("computer", "\u266acomputer\u266a"),
        ("कंप्यूटर", "अरे कंप्यूटर!"),
        ("你好电脑", "你好、电脑。几点了"),
        ("コンピューター", "ねえコンピューター"),
    ],
)
def test_a_stop_word_is_found_whatever_case_and_punctuation(stop_word: str, said: str) -> None:
    assert found(said, stop_word) == stop_word


@pytest.mark.parametrize(
    ("stop_word", "said"),
    [
        ("computer", "computers"),
        ("computer", "the computer's fan"),
        ("computer", "supercomputer"),
        ("hello computer", "hello dear computer"),
        ("hello computer", "computer hello"),
        ("c", "c++"),
        ("c++", "c"),
        ("clock", "ten o'clock"),
        ("3", "3.14"),
        ("two", "2"),
        ("cafe", "caf\u00e9"),
        ("computer", ""),
        ("\u0915", "\u0915\u093e"),
    ],
)
def test_only_whole_words_in_sequence_count(stop_word: str, said: str) -> None:
    assert found(said, stop_word) is None


def test_the_first_that_was_said_wins() -> None:
    assert found("computer, hey jarvis", "hey jarvis", "computer") == "computer"


def test_of_stop_words_that_begin_alike_the_longest_wins() -> None:
    assert found("hey computer", "hey", "hey computer") == "hey computer"
    assert found("hey you", "hey", "hey computer") == "hey"


def test_it_is_told_whether_more_was_said() -> None:
    stop_words = stop_words_of(["computer"])
    assert spotted(Transcript("Computer."), stop_words) == Spotted("computer", False, None)
    assert spotted(Transcript("computer, stop"), stop_words) == Spotted("computer", True, None)


def test_the_end_is_that_of_its_last_word() -> None:
    words = [(" Hey", 0.1, 0.3), (" computer,", 0.3, 0.9), (" computer", 1.5, 2.0)]
    transcript = Transcript(" Hey computer, computer", words)
    assert spotted(transcript, stop_words_of(["hey computer"])) == Spotted(
        "hey computer", True, 0.9
    )


def test_times_of_other_words_than_the_text_has_are_not_used() -> None:
    transcript = Transcript("hey computer", [("hey", 0.1, 0.3), ("com", 0.3, 0.6)])
    match = spotted(transcript, stop_words_of(["hey computer"]))
    assert match is not None
    assert match.end is None


@pytest.mark.parametrize("stop_words", [[], [""], ["computer", " "], ["computer", "?!"]])
def test_what_could_never_be_said_is_refused(stop_words: list[str]) -> None:
    with pytest.raises(ValueError, match="stop"):
        stop_words_of(stop_words)


@pytest.mark.parametrize("stop_words", ["computer", [b"computer"], [None]])
def test_what_is_no_list_of_texts_is_refused(stop_words: Any) -> None:
    with pytest.raises(TypeError, match="list of texts"):
        stop_words_of(stop_words)


PLAIN = st.text("abcXYZ0129\u00e4\u00df\u4f60\u0e01'.+", min_size=1, max_size=6)


@given(st.lists(PLAIN, min_size=1, max_size=4), st.lists(PLAIN, max_size=4), st.lists(PLAIN))
def test_a_phrase_is_found_wherever_it_stands_as_words(
    phrase: list[str], before: list[str], after: list[str]
) -> None:
    text = " ".join(phrase)
    if not words_of(text):
        return
    said = " , ".join((*before, *phrase, *after)).swapcase().swapcase().upper()
    assert found(said, text) == text


# Chosen for what meets here: scripts with and without spaces, their digits, and what joins.
MIXED = st.text("a0\u00e9'.,:\u2019\u4f60\u0e01\u0e51\U00020000+ ", max_size=8)


@given(st.text(max_size=30) | MIXED)
@example("0'\U00020000")
@example("\u0e53.\u0e51\u0e54")
def test_words_are_their_own_words(text: str) -> None:
    words = words_of(text)
    assert all(words)
    assert tuple(part for word in words for part in words_of(word)) == words
