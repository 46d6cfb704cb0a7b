"""Functions of pictures as handlers: what they get, and what becomes of what they return."""

import threading
import weakref
from collections.abc import Callable
from typing import Any

import anyio
import anyio.from_thread
import numpy as np
import pytest

from antiphon import (
    AdditionalOutputs,
    Call,
    CloseStream,
    Stream,
    VideoFrame,
    VideoStreamHandler,
    connect,
)
from antiphon.core.video import Pixels
from tests.handlers.pictures import errors_told, number, picture, sees, settled, show, showing, told

PATIENCE = 10  # seconds until a blocked thread gives up, so that a failing test ends


def video(fn: Any, **options: Any) -> Stream:
    return Stream(VideoStreamHandler(fn, **options), modality="video")


def plus_one(pixels: Pixels) -> Pixels:
    return picture(number(pixels) + 1)


async def plus_one_later(pixels: Pixels) -> Pixels:
    await anyio.lowlevel.checkpoint()
    return picture(number(pixels) + 1)


@pytest.mark.parametrize("fn", [plus_one, plus_one_later])
@pytest.mark.parametrize("skip_frames", [False, True])
async def test_each_picture_becomes_what_the_function_returns(fn: Any, skip_frames: bool) -> None:
    async with connect(video(fn, skip_frames=skip_frames)) as call:
        for value in range(5):
            await call.send_video(VideoFrame(picture(value), time=value / 4))
            frame = await anext(call.video)
            assert (number(frame), frame.time) == (value + 1, value / 4)


RESULTS: list[tuple[Any, bool, tuple[Any, ...] | None]] = [
    (picture(7), True, None),
    (VideoFrame(picture(7)), True, None),
    ((picture(7), AdditionalOutputs("a", 2)), True, ("a", 2)),
    (AdditionalOutputs("a"), False, ("a",)),
    (None, False, None),
]


@pytest.mark.parametrize(("result", "seen", "output"), RESULTS)
@pytest.mark.parametrize("later", [False, True])
async def test_a_result_is_shown_and_published(
    result: Any, seen: bool, output: tuple[Any, ...] | None, later: bool
) -> None:
    def function(pixels: Pixels) -> Any:
        return result if number(pixels) == 1 else (picture(9), CloseStream("over"))

    async def coroutine(pixels: Pixels) -> Any:
        return function(pixels)

    stream = video(coroutine if later else function)
    async with stream.running(), connect(stream, call_id="a") as call:
        outputs = stream.output_stream("a")
        await show(call, [1, 2])
        assert [number(frame) async for frame in call.video] == ([7, 9] if seen else [9])
        assert [item.args async for item in outputs] == ([output] if output else [])
        assert (await told(call))[-1] == ("end_stream", "over")


async def test_the_end_alone_ends_the_call() -> None:
    def once(pixels: Pixels) -> Any:
        return CloseStream()

    async with connect(video(once)) as call:
        await show(call, [1])
        assert await told(call) == [("end_stream", "Stream closed")]


async def test_pixels_are_the_functions_own() -> None:
    """What it draws on them does not reach whoever sent them; what it returns is not drawn on."""
    canvas = picture(0)

    def draw(pixels: Pixels) -> Pixels:
        canvas[0, 0] = pixels[0, 0]
        pixels.fill(255)
        return canvas

    sent = [picture(value) for value in (1, 2)]
    async with connect(video(draw)) as call:
        for pixels in sent:
            await call.send_video(pixels)
        seen = [await anext(call.video), await anext(call.video)]
    assert [number(frame) for frame in seen] == [1, 2]
    assert [number(pixels) for pixels in sent] == [1, 2]


async def test_pixels_may_be_returned_as_they_came() -> None:
    given: list[Pixels] = []

    def same(pixels: Pixels) -> Pixels:
        given.append(pixels)
        return pixels

    async with connect(video(same)) as call:
        await show(call, [3])
        assert (await anext(call.video)).bgr is given[0]


class Decoded:
    """A picture of some codec, whose pixels are nobody else's."""

    width, height = 4, 2

    def __init__(self) -> None:
        self.pixels = picture(5)

    def to_bgr(self) -> Pixels:
        return self.pixels


async def test_a_decoded_picture_is_not_copied() -> None:
    decoded = Decoded()
    given: list[Pixels] = []

    def keep(pixels: Pixels) -> Pixels:
        given.append(pixels)
        return picture(1)

    async with connect(video(keep)) as call:
        await call.send_video(VideoFrame(picture=decoded))
        await sees(call)
    assert given[0] is decoded.pixels


async def test_a_stream_that_only_listens_shows_nothing_and_goes_on() -> None:
    def both(pixels: Pixels) -> Any:
        return pixels, AdditionalOutputs(number(pixels))

    stream = Stream(both, modality="video", mode="send")
    async with stream.running(), connect(stream, call_id="a") as call:
        outputs = stream.output_stream("a")
        await show(call, [1, 2])
        assert [(await anext(outputs)).value for _ in range(2)] == [1, 2]
        await call.hang_up()
        assert await errors_told(call) == []


class Gate:
    """A function that blocks its thread at one picture until it is let go."""

    def __init__(self, at: int = 0) -> None:
        self.at = at
        self.entered = anyio.Event()
        self.go = threading.Event()
        self.seen: list[int] = []

    def __call__(self, pixels: Pixels) -> Pixels:
        self.seen.append(number(pixels))
        if number(pixels) == self.at:
            anyio.from_thread.run_sync(self.entered.set)
            assert self.go.wait(PATIENCE)
        return pixels


async def test_a_function_that_blocks_holds_up_nobody_else() -> None:
    gate = Gate()
    stream = video(gate)
    async with connect(stream) as stuck, connect(stream) as other:
        await show(stuck, [0])
        await gate.entered.wait()
        for value in (1, 2, 3):
            await show(other, [value])
            assert await sees(other) == value
        gate.go.set()
        assert await sees(stuck) == 0


async def test_pictures_come_in_order_and_none_is_skipped() -> None:
    gate = Gate()
    async with showing(video(gate), range(100)) as call:
        await gate.entered.wait()
        gate.go.set()
        assert [await sees(call) for _ in range(100)] == list(range(100))


async def test_frames_are_skipped_for_the_newest() -> None:
    gate = Gate()
    async with connect(video(gate, skip_frames=True)) as call:
        await show(call, [0])
        await gate.entered.wait()
        await show(call, range(1, 1000))
        await settled(call)
        gate.go.set()
        assert [await sees(call), await sees(call)] == [0, 999]
    assert gate.seen == [0, 999]


# The picture in the function and the newest; or that, four that wait, sixteen in memory's own pipe
# and one that its sender holds.
@pytest.mark.parametrize(
    ("skip_frames", "sent", "bound"), [(True, 1000, 1 + 1), (False, 4 + 16, 1 + 4 + 16 + 1)]
)
async def test_behind_a_stuck_function_no_pictures_pile_up(
    skip_frames: bool, sent: int, bound: int
) -> None:
    gate, all_sent = Gate(), anyio.Event()
    given: list[weakref.ref[Pixels]] = []
    shown = 0

    async def show_all(call: Call) -> None:
        nonlocal shown
        for value in range(1, 1001):
            pixels = picture(value)
            given.append(weakref.ref(pixels))
            await call.send_video(pixels)
            shown += 1
            if shown == sent:
                all_sent.set()

    async with connect(video(gate, skip_frames=skip_frames)) as call:
        await show(call, [0])
        await gate.entered.wait()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(show_all, call)
            await all_sent.wait()
            if skip_frames:
                await settled(call)
            for _ in range(50):
                await anyio.wait_all_tasks_blocked()
            assert shown == sent
            assert sum(reference() is not None for reference in given) <= bound
            tasks.cancel_scope.cancel()
        gate.go.set()


async def test_who_leaves_does_not_wait_for_the_function(places: anyio.CapacityLimiter) -> None:
    gate = Gate()
    stream = video(gate)
    async with stream.running():
        async with connect(stream) as call:
            await show(call, [0, 1])
            await gate.entered.wait()
        await anyio.wait_all_tasks_blocked()
        assert stream.calls == []
        assert places.borrowed_tokens == 1
        gate.go.set()
    assert gate.seen == [0]


def at_most(pixels: Pixels, limit: int, step: int = 1) -> Pixels:
    return picture(min(number(pixels) + step, limit))


def stepping(pixels: Pixels, step: int = 1) -> Pixels:
    return picture(number(pixels) + step)


async def test_the_newest_inputs_are_given_to_the_next_picture() -> None:
    stream = video(at_most)
    async with connect(stream, call_id="a", inputs=[5]) as call:
        await show(call, [1, 7])
        assert [await sees(call), await sees(call)] == [2, 5]
        stream.set_input("a", 100, 10)
        await show(call, [1])
        assert await sees(call) == 11


async def test_nothing_waits_for_inputs_that_have_defaults() -> None:
    stream = video(stepping)
    async with connect(stream, call_id="a") as call:
        await show(call, [1])
        assert await sees(call) == 2
        stream.set_input("a", 10)
        await show(call, [1])
        assert await sees(call) == 11
        await call.hang_up()
        assert await told(call) == []


async def test_inputs_that_are_needed_are_asked_for_once() -> None:
    async with showing(video(at_most), [1, 7]) as call:
        assert (await anext(call.messages)).type == "send_input"
        await call.send_inputs(5)
        assert [await sees(call), await sees(call)] == [2, 5]
        await call.hang_up()
        assert await told(call) == []


async def test_without_the_inputs_it_needs_pictures_are_skipped_until_they_come() -> None:
    stream = video(at_most, inputs_timeout=0.01)
    async with connect(stream) as call:
        await show(call, [1])
        assert (await anext(call.messages)).type == "send_input"
        error = await anext(call.messages)
        assert (error.type, error.data) == ("error", "no inputs came within 0.01 s")
        await show(call, [2, 3])
        await settled(call)
        await call.send_inputs(5)
        await show(call, [4])
        assert await sees(call) == 5
        await call.hang_up()
        assert await told(call) == []


async def test_a_wrong_number_of_inputs_is_told_once_and_the_call_goes_on() -> None:
    stream = video(stepping, max_failures=2)
    async with connect(stream, call_id="a", inputs=[1, 2]) as call:
        await show(call, [1] * 20)
        await settled(call)
        stream.set_input("a", 3)
        await show(call, [1])
        assert await sees(call) == 4
        stream.set_input("a", 1, 2, 3)
        await show(call, [1] * 20)
        await settled(call)
        await call.hang_up()
        assert await errors_told(call) == [
            "this stream takes 0 to 1 inputs, not 2",
            "this stream takes 0 to 1 inputs, not 3",
        ]


def no_odd_ones(pixels: Pixels) -> Pixels:
    if number(pixels) % 2:
        raise ValueError(f"{number(pixels)} is odd")
    return pixels


async def no_odd_ones_later(pixels: Pixels) -> Pixels:
    return no_odd_ones(pixels)


@pytest.mark.parametrize("fn", [no_odd_ones, no_odd_ones_later])
async def test_a_picture_that_fails_is_told_and_the_next_goes_on(fn: Any) -> None:
    async with connect(video(fn)) as call:
        await show(call, [1, 2])
        assert await sees(call) == 2
        await call.hang_up()
        assert await errors_told(call) == ["1 is odd"]


async def test_too_many_failures_in_a_row_end_the_call() -> None:
    async with showing(video(no_odd_ones, max_failures=3), [1, 3, 2, 1, 3, 5, 2]) as call:
        assert [number(frame) async for frame in call.video] == [2]
        assert await errors_told(call) == ["1 is odd", "3 pictures in a row failed: 5 is odd"]


def wrong_shape(pixels: Pixels) -> Any:
    return np.zeros((2, 3, 3), np.uint8)


def no_picture(pixels: Pixels) -> Any:
    return "no picture"


def too_much(pixels: Pixels) -> Any:
    return AdditionalOutputs(1), pixels


@pytest.mark.parametrize(
    ("fn", "text"),
    [
        (wrong_shape, "a picture's sides are even, not 3 x 2"),
        (no_picture, "and CloseStream, not str"),
        (too_much, "not (AdditionalOutputs, ndarray)"),
    ],
)
async def test_a_result_that_is_no_picture_is_a_failure_that_says_so(fn: Any, text: str) -> None:
    async with connect(video(fn, max_failures=2)) as call:
        await show(call, [1, 2])
        first, _ = await errors_told(call)
        assert text in first


async def test_all_calls_are_served_by_one_handler_that_stays_as_it_is() -> None:
    handler = VideoStreamHandler(plus_one)
    stream = Stream(handler, modality="video")
    before = dict(vars(handler))
    for value in range(5):
        async with connect(stream) as call:
            await show(call, [value])
            assert await sees(call) == value + 1
    assert vars(handler) == before


@pytest.mark.parametrize(
    ("options", "text"),
    [({"fps": 0}, "fps"), ({"inputs_timeout": 0}, "inputs_timeout"), ({"max_failures": 0}, "max_")],
)
def test_its_options_are_more_than_nothing(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        VideoStreamHandler(plus_one, **options)


def test_it_is_made_from_something_that_can_be_called_with_a_picture() -> None:
    nothing: Callable[[], None] = lambda: None  # noqa: E731 - its lack of parameters is the point
    with pytest.raises(TypeError, match="no parameter"):
        VideoStreamHandler(nothing)
    wrong: Any = 5
    with pytest.raises(TypeError, match="a function is wanted"):
        VideoStreamHandler(wrong)
