"""A test card that moves."""

import numpy as np
import pytest

from antiphon import ColorBars, Stream, connect


@pytest.mark.parametrize("fps", [30, 100, 12.5])
def test_no_two_pictures_are_alike(fps: float) -> None:
    card = ColorBars(64, 36, fps=fps)
    around_a_minute = round(60 * fps)
    seen = {card.picture(number).tobytes() for number in range(150)}
    seen |= {card.picture(around_a_minute + number).tobytes() for number in range(150)}
    assert len(seen) == 300


def test_the_clock_alone_tells_pictures_apart() -> None:
    """The line and the grey scale are where they were four seconds before."""
    card = ColorBars(160, 90, fps=1)
    changed = (card.picture(4) != card.picture(0)).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert 0 < rows.min() < rows.max() < 90 * 3 // 4
    assert 40 < columns.min() < columns.max() < 120


def test_bars_stand_in_their_order() -> None:
    top = ColorBars(140, 90).picture(30)[0, 5::20]
    assert [tuple(map(int, pixel)) for pixel in top] == [
        (191, 191, 191),
        (0, 191, 191),
        (191, 191, 0),
        (0, 191, 0),
        (191, 0, 191),
        (0, 0, 191),
        (191, 0, 0),
    ]


async def test_it_is_shown_in_order_and_ends_the_call() -> None:
    card = ColorBars(128, 72, fps=1000, seconds=0.005)
    async with connect(Stream(card, modality="video", mode="receive")) as call:
        seen = [frame async for frame in call.video]
        assert [message.type async for message in call.messages] == ["end_stream"]
    assert [frame.bgr.tobytes() for frame in seen] == [card.picture(n).tobytes() for n in range(5)]
    times = [frame.time for frame in seen]
    assert times == sorted(set(times))


def test_pictures_belong_to_who_takes_them() -> None:
    card = ColorBars(64, 36)
    card.picture(0).fill(0)
    assert card.picture(0).any()


@pytest.mark.parametrize(("width", "height"), [(65, 36), (64, 37), (62, 36), (64, 34)])
def test_sides_are_even_and_have_place_for_the_clock(width: int, height: int) -> None:
    with pytest.raises(ValueError, match="64 x 36"):
        ColorBars(width, height)


def test_a_rate_and_a_length_are_more_than_nothing() -> None:
    with pytest.raises(ValueError, match="fps"):
        ColorBars(fps=0)
    with pytest.raises(ValueError, match="seconds"):
        ColorBars(seconds=0)
