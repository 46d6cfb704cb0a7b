"""A tone for those who only listen."""

import numpy as np
import pytest

from antiphon import Stream, Tone, connect


async def heard(tone: Tone) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    stream = Stream(tone, mode="receive")
    async with connect(stream, encoding="audio/pcm") as call:
        sound = b"".join([frame.pcm async for frame in call.audio])
    return np.frombuffer(sound, "<i2")


async def test_it_is_a_sine_of_the_wanted_length_frequency_and_level() -> None:
    samples = await heard(Tone(441, level=0.5, seconds=2))
    assert len(samples) == 48_000
    spectrum = np.abs(np.fft.rfft(samples))
    assert np.argmax(spectrum) == 2 * 441
    assert np.abs(samples).max() == pytest.approx(0.5 * 32767, abs=2)


async def test_no_seam_is_heard_between_its_seconds() -> None:
    samples = (await heard(Tone(1000, level=1.0, seconds=2))).astype(float)
    around = np.diff(samples[23_990:24_010])
    assert np.abs(np.diff(around)).max() <= np.abs(np.diff(np.diff(samples[:480]))).max() + 2


async def test_it_ends_the_call() -> None:
    async with connect(Stream(Tone(seconds=1), mode="receive")) as call:
        async for _ in call.audio:
            pass
        assert [message.type async for message in call.messages] == ["end_stream"]


@pytest.mark.parametrize(("frequency", "rate"), [(0, 24000), (12000, 24000), (-1, 8000)])
def test_a_frequency_that_the_rate_cannot_carry_is_refused(frequency: int, rate: int) -> None:
    with pytest.raises(ValueError, match=str(rate // 2)):
        Tone(frequency, sample_rate=rate)


@pytest.mark.parametrize("level", [-0.1, 1.1])
def test_a_level_beyond_full_scale_is_refused(level: float) -> None:
    with pytest.raises(ValueError, match="0 to 1"):
        Tone(level=level)
