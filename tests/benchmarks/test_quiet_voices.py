"""Sessions in which nobody talks: which are measured, and what is sent in them."""

import sys

import pytest

from benchmarks.process import serve
from benchmarks.quiet_voices import DEFAULT_RATE, Row, cases, parse, share
from benchmarks.subjects import conversing
from benchmarks.voice_load import Quiet, VoicePlan, run_quiet

pytestmark = pytest.mark.alone

QUIET = Quiet(
    sessions=50, seconds=5, cpu=0.3, wait=0.0, load_cpu=0.1, late=1.0, rss_kib=100.0, texts=0
)


def test_every_engine_is_measured_at_every_rate_in_silence_and_without_sound() -> None:
    found = cases(parse(["--engines", "compact", "--rates", "8000,24000"]))
    assert found == [
        ("compact", 8000, "room"),
        ("compact", 24_000, "room"),
        ("compact", DEFAULT_RATE, "silence"),
        ("compact", DEFAULT_RATE, "nothing"),
    ]


def test_the_rival_is_measured_at_the_default_rate() -> None:
    rival = [case for case in cases(parse(["--rival"])) if case[0] == "fastrtc"]
    assert rival == [("fastrtc", DEFAULT_RATE, "room"), ("fastrtc", DEFAULT_RATE, "nothing")]


def test_the_cost_is_told_for_one_session() -> None:
    row = Row(server="compact", rate=DEFAULT_RATE, sound="room", result=QUIET)
    assert share(row) == pytest.approx(0.006)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the Linux scheduler")
@pytest.mark.parametrize("noise", [8.0, None])
def test_sound_costs_something_and_quiet_starts_no_turn(noise: float | None) -> None:
    subject = conversing("compact", "head", 8000)
    with serve(subject.on("asyncio"), env=subject.env) as server:
        plan = VoicePlan(
            pid=server.pid,
            port=server.port,
            sessions=3,
            seconds=0.5,
            warm_up=0.2,
            rate=8000,
            noise=noise,
        )
        result = run_quiet(plan)
    assert (result.sessions, result.texts) == (3, 0)
    assert result.cpu > 0 or noise is None
