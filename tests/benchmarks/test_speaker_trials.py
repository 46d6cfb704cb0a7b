from pathlib import Path

import numpy as np
import pytest

from benchmarks.speaker_trials import Floats, Version, speaker_of, trials
from benchmarks.voice_sounds import RATE


def version(speaker: int, channel: int, seconds: float = 8.0) -> Version:
    """Whose sound tells who it is, through which channel, and which half it is of."""
    half = np.ones(round(seconds * RATE / 2), np.float32)
    first = 100 * speaker + 10 * channel
    return Version(speaker, channel, np.concatenate((first * half, (first + 1) * half)))


VERSIONS = [version(speaker, channel) for speaker in (0, 1, 2) for channel in (0, 1)]


class Listener:
    """Hears two voices as alike as their numbers stand together."""

    def __init__(self) -> None:
        self.heard: list[tuple[int, float]] = []

    def __call__(self, speech: Floats) -> Floats:
        self.heard.append((int(speech[0]), len(speech) / RATE))
        angle = speech[0] / 300
        return np.array([np.cos(angle), np.sin(angle)], np.float32)


def test_no_version_is_compared_with_itself_and_each_with_all_others() -> None:
    found = trials(np.random.default_rng(1), VERSIONS, Listener())
    assert (len(found.same), len(found.different)) == (3 * 2, 6 * 4)
    assert found.same == pytest.approx(np.cos(np.array([11, 9] * 3) / 300), abs=1e-6)
    assert found.same.min() > found.different.max()


def test_plain_templates_are_those_of_the_recordings_as_they_are() -> None:
    found = trials(np.random.default_rng(1), VERSIONS, Listener(), plain_templates=True)
    assert (len(found.same), len(found.different)) == (3, 3 * 4)
    assert found.same == pytest.approx(np.cos(np.array([11] * 3) / 300), abs=1e-6)


def test_templates_are_of_the_first_half_and_tests_of_1_to_5_s_of_the_second() -> None:
    listener = Listener()
    many = [version(speaker, 0, seconds) for speaker, seconds in enumerate([1.9, 2, 8, 30, 30, 30])]
    trials(np.random.default_rng(2), many, listener)
    templates, tests = listener.heard[:5], listener.heard[5:]
    assert templates == [(100, 1), (200, 4), (300, 6), (400, 6), (500, 6)]
    assert [number for number, _ in tests] == [101, 201, 301, 401, 501]
    assert {seconds for _, seconds in tests[2:]} <= {1, 2, 3, 5}
    assert tests[0][1] == 1


def test_files_tell_their_speaker_by_name() -> None:
    assert speaker_of(Path("some/1688-142285-0001.flac")) == "1688"
