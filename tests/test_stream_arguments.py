"""What a Stream is given is checked when it is given."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from antiphon import Call, Stream, VideoStreamHandler, connect, echo, mirror
from antiphon.handlers.video import Shown
from tests.handlers.pictures import number, picture, sees, show


class Handler:
    async def __call__(self, call: Call) -> None:
        raise AssertionError("never called")

    def not_a_coroutine(self, call: Call) -> None:
        raise AssertionError("never called")


@pytest.mark.parametrize("handler", [echo, Handler(), Handler().__call__])
def test_a_handler_is_a_coroutine_function_or_an_object_that_calls_as_one(handler: Any) -> None:
    assert Stream(handler).calls == []


@pytest.mark.parametrize("handler", [None, 5, print, Handler, Handler().not_a_coroutine])
def test_anything_else_is_no_handler(handler: Any) -> None:
    with pytest.raises(TypeError, match="coroutine function"):
        Stream(handler)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"rtc_configuration": {"iceServers": [{"urls": "http://x"}]}}, "stun"),
        ({"server_rtc_configuration": {"servers": []}}, "servers"),
        ({"modality": "smell"}, "modality is one of audio, video, audio-video"),
        ({"mode": "both"}, "mode is one of send-receive, send, receive"),
        ({"input_sample_rate": 4000}, "8000 to 48000"),
        ({"output_sample_rate": 96000}, "output_sample_rate"),
        ({"concurrency_limit": 0}, "concurrency_limit is at least 1"),
        ({"connecting_limit": 0}, "connecting_limit is at least 1"),
        ({"max_message": 10}, "max_message is at least 1024"),
        ({"time_limit": 0}, "time_limit is more than 0"),
        ({"idle_timeout": -1}, "idle_timeout is more than 0"),
        ({"lead": 0}, "lead is more than 0"),
        ({"ping_interval": float("nan")}, "ping_interval is more than 0"),
        ({"origins": ["example.org"]}, "https://host"),
    ],
)
def test_values_out_of_range_are_named(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Stream(echo, **options)


@pytest.mark.parametrize("limit", ["default", 2.5])
def test_a_limit_is_a_whole_number(limit: Any) -> None:
    with pytest.raises(TypeError, match="concurrency_limit is a whole number or None, not"):
        Stream(echo, concurrency_limit=limit)


def test_origins_are_a_list() -> None:
    with pytest.raises(TypeError, match="list of origins"):
        Stream(echo, origins="https://example.org")


def test_none_means_no_limit() -> None:
    assert Stream(echo, concurrency_limit=None, time_limit=None, idle_timeout=None).calls == []


def one_picture() -> Iterator[Shown]:
    yield picture(1)


async def one_picture_later() -> AsyncIterator[Shown]:
    yield picture(1)


class Frames:
    def __call__(self, pixels: Any) -> Shown:
        return picture(number(pixels) + 1)


@pytest.mark.parametrize("function", [Frames(), Frames().__call__, VideoStreamHandler(Frames())])
async def test_for_video_a_plain_function_is_one_of_pictures(function: Any) -> None:
    async with connect(Stream(function, modality="video")) as call:
        await show(call, [1])
        assert await sees(call) == 2


@pytest.mark.parametrize("function", [one_picture, one_picture_later])
async def test_for_video_a_generator_function_makes_the_pictures(function: Any) -> None:
    async with connect(Stream(function, modality="video", mode="receive")) as call:
        assert [number(frame) async for frame in call.video] == [1]


async def test_for_video_too_a_coroutine_function_is_a_native_handler() -> None:
    async def greet(call: Call) -> None:
        await call.send("hello")

    async with connect(Stream(greet, modality="video")) as call:
        assert (await anext(call.messages)).data == "hello"


def unchanged(function: Any) -> Any:
    return function


@pytest.mark.parametrize("wrap", [VideoStreamHandler, unchanged])
def test_a_function_of_pictures_fits_the_mode(wrap: Any) -> None:
    with pytest.raises(TypeError, match="give a generator"):
        Stream(wrap(mirror), modality="video", mode="receive")
    with pytest.raises(TypeError, match="for mode='receive', not 'send'"):
        Stream(wrap(one_picture), modality="video", mode="send")


@pytest.mark.parametrize("handler", [None, 5, Handler, Frames, lambda: None])
def test_what_is_no_function_of_pictures_is_refused(handler: Any) -> None:
    with pytest.raises(TypeError):
        Stream(handler, modality="video")
