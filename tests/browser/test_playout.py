"""The playback worklet of the browser client: its jitter buffer, in a time of its own."""

import base64
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from playwright.async_api import Browser

from tests.browser.conftest import profile
from tests.browser.console import Console, opened
from tests.browser.server import Server

pytestmark = [
    pytest.mark.alone,
    pytest.mark.browser,
]

Sound = npt.NDArray[np.float32]
Arrival = tuple[float, dict[str, Any]]

RATE = 48000
FRAME = 960  # 20 ms
PLAYOUT = Path(__file__).with_name("playout.js")
TONE_HZ = 210  # no frame ends where the tone crosses 0
LOUDNESS = 0.5
STEEPEST = LOUDNESS * 2 * np.pi * TONE_HZ / RATE  # between two samples of the tone
BENT = STEEPEST * 2 * np.pi * TONE_HZ / RATE  # between two such steps
QUANTUM = 128 / RATE  # an arrival is seen at the next block of the worklet


def tone(seconds: float) -> Sound:
    times = np.arange(int(seconds * RATE)) / RATE
    return (LOUDNESS * np.sin(2 * np.pi * TONE_HZ * times)).astype(np.float32)


def frames(times: Iterable[float]) -> list[Arrival]:
    """Frame after frame of the stream, at these times."""
    return [(float(at), {"samples": [n * FRAME, (n + 1) * FRAME]}) for n, at in enumerate(times)]


@pytest.fixture(scope="module")
async def page(browser: Browser, server: Server) -> AsyncIterator[Console]:
    """One page with the worklet, for all tests: each makes a buffer of its own."""
    async with profile(browser) as context, opened(context, server.url) as page:
        await page.page.add_script_tag(path=PLAYOUT)
        yield page


class Played:
    """What came out, and what was told."""

    def __init__(self, result: dict[str, Any]) -> None:
        self.output = np.frombuffer(base64.b64decode(result["output"]), np.float32)
        self.posted: list[dict[str, Any]] = result["posted"]

    def figures(self, name: str) -> npt.NDArray[np.float64]:
        """One of those that are told every 20 ms."""
        return np.array([told[name] for told in self.posted if "level" in told])

    def marks(self) -> list[str]:
        return [told["played"] for told in self.posted if "played" in told]

    @property
    def steepest(self) -> float:
        """The largest step between two samples: what clicks."""
        return float(np.abs(np.diff(self.output)).max())

    def quiet(self, start: float, end: float) -> bool:
        return not self.output[int(start * RATE) : int(end * RATE)].any()


async def played(
    page: Console, arrivals: Sequence[Arrival], seconds: float, stream: Sound | None = None
) -> Played:
    sound = tone(seconds) if stream is None else stream
    given = {
        "stream": base64.b64encode(sound.tobytes()).decode(),
        "arrivals": [list(arrival) for arrival in arrivals],
        "seconds": seconds,
    }
    return Played(await page.run("(given) => play(given)", given))


def start_of(result: Played) -> float:
    return float(np.flatnonzero(result.output)[0]) / RATE


async def test_an_even_stream_is_played_whole_and_soon(page: Console) -> None:
    result = await played(page, frames(np.arange(100) * 0.02), 2.5)
    begun = start_of(result)
    assert begun == pytest.approx(0.08, abs=2 * QUANTUM)  # with the fifth frame: 100 ms are there
    first = int(begun * RATE) - 1  # the tone's first sample is 0
    assert np.array_equal(result.output[first : first + 100 * FRAME], tone(2))
    assert result.steepest <= STEEPEST * 1.5  # its end fades
    assert result.figures("underruns")[-1] == 0
    assert result.figures("jitter")[-1] < 1e-9


async def test_the_wait_follows_the_jitter(page: Console) -> None:
    """A calm network costs 40 ms; one that delays by up to 150 ms costs little more than that."""
    calm = await played(page, frames(np.arange(1500) * 0.02), 30)
    assert 40 <= calm.figures("target")[-1] < 45
    late = np.random.default_rng(1).uniform(0, 0.15, 500)
    late[0] = 0
    times = np.maximum.accumulate(np.arange(500) * 0.02 + late)
    rough = await played(page, frames(times), 11)
    assert 120 < rough.figures("target")[-1] < 180
    assert 10 < rough.figures("jitter")[-1] < 60
    counts = rough.figures("underruns")
    assert counts[-1] <= 3
    assert counts[-1] == counts[200]  # after 4 s it has learned
    assert rough.steepest <= STEEPEST * 1.5


async def test_a_sender_that_runs_ahead_makes_nothing_late(page: Console) -> None:
    """Ours is up to 200 ms ahead; others send all they have at once."""
    ahead = np.maximum(0, np.arange(300) * 0.02 - 0.2)
    for times in (ahead, np.zeros(300)):
        result = await played(page, frames(times), 7)
        assert start_of(result) < 0.03
        assert result.figures("skipped")[-1] == 0
        assert result.figures("underruns")[-1] == 0
        assert result.figures("jitter")[-1] < 1e-9
        assert np.array_equal(result.output[: 300 * FRAME], tone(6))


async def test_a_gap_fades_out_and_in(page: Console) -> None:
    times = np.arange(100) * 0.02
    times[30:] += 0.2
    result = await played(page, frames(times), 3)
    end = 0.1 + 30 * 0.02
    assert result.quiet(end + 0.006, 0.8)
    assert result.figures("underruns")[-1] == 1
    assert result.steepest <= STEEPEST * 1.5
    assert result.figures("target")[-1] > 200


async def test_a_pause_is_no_gap(page: Console) -> None:
    times = np.arange(100) * 0.02
    times[30:] += 1
    result = await played(page, frames(times), 4)
    assert result.figures("underruns")[-1] == 0
    assert result.figures("target")[-1] < 100
    assert result.steepest <= STEEPEST * 1.5


async def test_a_delay_is_made_up_for_without_a_click(page: Console) -> None:
    """A network that held everything back for 240 ms, and then gave it all."""
    times = np.arange(900) * 0.02
    times[50:] = np.maximum(times[50:], 50 * 0.02 + 0.24)
    result = await played(page, frames(times), 18.5)
    assert result.figures("buffered")[150] > 200  # after 3 s
    left = result.figures("buffered") - result.figures("target")
    assert left[800:840].max() < 60  # 17 to 18 s
    assert 100 < result.figures("skipped")[-1] < 300
    assert result.figures("underruns")[-1] == 1
    assert result.steepest <= STEEPEST * 1.5
    caught_up = result.output[5 * RATE : 17 * RATE].astype(np.float64)
    assert np.abs(np.diff(caught_up, 2)).max() < 3 * BENT
    period = round(RATE / TONE_HZ)
    power = np.convolve(caught_up**2, np.full(period, 1 / period), "valid")
    assert power.min() > 0.9 * LOUDNESS**2 / 2  # what is joined is in phase


async def test_a_clock_that_is_a_little_faster_adds_no_delay(page: Console) -> None:
    """By 40 ms in 45 s, which is more than clocks of sound differ by."""
    result = await played(page, frames(np.arange(2250) * 0.02 * (1 - 9e-4)), 44.8, tone(45))
    assert result.figures("buffered")[-100:].max() < 115
    assert result.figures("underruns")[-1] == 0
    assert result.steepest <= STEEPEST * 1.5


async def test_a_clock_that_is_a_little_slower_is_no_jitter(page: Console) -> None:
    result = await played(page, frames(np.arange(2250) * 0.02 * (1 + 9e-4)), 45)
    assert result.figures("target")[-1] < 50


async def test_clear_tells_what_was_heard_and_what_was_dropped(page: Console) -> None:
    arrivals: list[Arrival] = [
        *frames([0.0] * 50),
        (0.0, {"mark": "before"}),
        (0.0, {"reply": True}),
        *((0.0, {"samples": [n * FRAME, (n + 1) * FRAME]}) for n in range(50)),
        (0.0, {"mark": "behind"}),
        (1.25, {"clear": True}),
        (1.5, {"samples": [0, FRAME]}),
        (1.7, {"clear": True}),
    ]
    result = await played(page, arrivals, 2)
    first, second = (told for told in result.posted if "heard" in told)
    assert first["heard"] == pytest.approx(250, abs=5)
    assert first["heard"] + first["dropped"] == 1000
    assert result.quiet(1.25 + 0.006 + QUANTUM, 1.5)
    assert result.steepest <= STEEPEST * 1.5
    assert result.marks() == ["before", "behind"]
    assert (second["heard"], second["dropped"]) == (20, 0)


async def test_marks_are_told_when_they_are_reached(page: Console) -> None:
    arrivals = [*frames([0.0] * 25), (0.0, {"mark": "half"}), (0.9, {"mark": "nothing before"})]
    result = await played(page, arrivals, 1)
    times = [told["time"] for told in result.posted if "played" in told]
    assert times == [pytest.approx(0.5, abs=2 * QUANTUM), pytest.approx(0.9, abs=2 * QUANTUM)]


async def test_what_waits_is_bounded(page: Console) -> None:
    """The oldest sound is given up, and marks beyond a thousand are answered early."""
    arrivals: list[Arrival] = [(0.0, {"samples": [0, RATE]}) for _ in range(30)]
    arrivals += [(0.0, {"mark": str(n)}) for n in range(1500)]
    result = await played(page, arrivals, 0.2)
    assert result.figures("buffered")[0] <= 20_000
    assert result.marks() == [str(n) for n in range(500)]


async def test_what_is_played_does_not_depend_on_the_pieces(page: Console) -> None:
    whole = await played(page, [(0.0, {"samples": [0, RATE]})], 1.2)
    pieces = [(0.0, {"samples": [n * 160, (n + 1) * 160]}) for n in range(300)]
    split = await played(page, pieces, 1.2)
    assert np.array_equal(whole.output, split.output)
