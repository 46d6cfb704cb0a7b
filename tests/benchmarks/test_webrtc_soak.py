"""The soak of WebRTC calls, short, and its verdicts from given readings."""

import sys

import pytest

from benchmarks.webrtc_soak import Reading, grown, main

pytestmark = pytest.mark.alone

MIB = 1024 * 1024


def reading(calls: int, **held: int) -> Reading:
    held = {"rss": 100 * MIB, "threads": 2, "descriptors": 16, "tasks": 5, **held}
    return Reading(calls, **held)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_thirty_calls_leave_nothing_behind(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["--warm-up", "10", "--calls", "20", "--every", "10"])
    out = capsys.readouterr().out
    assert status == 0, out
    assert out.splitlines()[-1].endswith("nothing has grown")


@pytest.mark.parametrize("name", ["threads", "descriptors", "tasks"])
def test_one_more_of_anything_that_is_counted_has_grown(name: str) -> None:
    (found,) = grown([reading(50), reading(550, **{name: 17})])
    assert found.startswith(name)


def test_memory_may_vary_but_not_grow_with_the_calls() -> None:
    assert grown([reading(50), reading(550, rss=102 * MIB)]) == []
    assert grown([reading(50), reading(550, rss=90 * MIB, tasks=4)]) == []
    (found,) = grown([reading(50), reading(550, rss=110 * MIB)])
    assert found == "memory: 20.5 KiB a call"
