"""Sound and pictures by one classic handler."""

import threading
from collections.abc import Callable
from typing import Any

import anyio
import numpy as np
import pytest

from antiphon import AdditionalOutputs, CloseStream, Stream, connect
from antiphon.core.video import Pixels
from tests.handlers.classics import (
    FRAME,
    HANDLERS,
    SOUND,
    classic,
    errors_until,
    heard,
    one_by_one,
    say,
)
from tests.handlers.pictures import errors_told, number, picture, sees, show, told

PATIENCE = 10


def stream(base: Any, **methods: Any) -> Stream:
    return Stream(classic(base, pictures=True, **methods), modality="audio-video")


def kept_and_shown() -> dict[str, Callable[..., Any]]:
    """Methods that return the newest picture, plus one, and the newest sound."""

    def keep(self: Any, frame: Any) -> None:
        self.kept = frame

    def take(self: Any) -> Any:
        kept, self.kept = getattr(self, "kept", None), None
        return kept

    def see(self: Any, pixels: Pixels) -> None:
        assert (str(pixels.dtype), pixels.shape) == ("uint8", (2, 4, 3))
        self.seen = picture(number(pixels) + 1)

    def shown(self: Any) -> Any:
        seen, self.seen = getattr(self, "seen", None), None
        return seen

    return {"receive": keep, "emit": take, "video_receive": see, "video_emit": shown}


@pytest.mark.parametrize("base", HANDLERS)
async def test_sound_and_pictures_come_and_go_at_once(base: Any) -> None:
    made = stream(base, **kept_and_shown())
    async with connect(made, encoding="audio/pcm") as call:
        await say(call)
        await show(call, [7])
        assert await heard(call, FRAME) == SOUND.tobytes()
        assert await sees(call) == 8


@pytest.mark.parametrize("base", HANDLERS)
async def test_no_picture_now_is_no_end(base: Any) -> None:
    results = [None, None, picture(3), AdditionalOutputs("x"), (picture(4), CloseStream("over"))]
    made = stream(base, video_emit=one_by_one(results))
    async with connect(made) as call:
        assert [number(frame) async for frame in call.video] == [3, 4]
        assert await told(call) == [("fetch_output", []), ("end_stream", "over")]


@pytest.mark.parametrize("base", HANDLERS)
async def test_pictures_leave_as_often_as_fps_says(
    base: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    async def sleep_until(deadline: float) -> None:
        waited.append(deadline)
        await anyio.lowlevel.checkpoint()

    monkeypatch.setattr("antiphon.handlers.running.anyio.sleep_until", sleep_until)
    results: list[Any] = [picture(1), None, picture(2), CloseStream()]
    handler = classic(base, pictures=True, video_emit=one_by_one(results))
    handler.fps = 1
    type(handler).copy = lambda self: self  # type: ignore[method-assign]  # it has the fps
    async with connect(Stream(handler, modality="audio-video")) as call:
        shown = [frame.time async for frame in call.video]
    assert shown == pytest.approx([0, 2])
    assert np.diff(waited) == pytest.approx([1, 1, 1])


async def test_a_slow_handler_gets_the_newest_picture_and_its_own_pixels() -> None:
    """54, 55: off the loop, and nothing piles up."""
    began, go, enough = threading.Event(), threading.Event(), threading.Event()
    seen: list[int] = []
    on: set[int] = set()

    def see(self: Any, pixels: Pixels) -> None:
        seen.append(number(pixels))
        on.add(threading.get_ident())
        pixels.fill(255)
        began.set()
        go.wait(PATIENCE)
        if len(seen) == 2:
            enough.set()

    sent = [picture(value) for value in range(1, 6)]
    async with connect(stream(HANDLERS[0], video_receive=see)) as call:
        await call.send_video(sent[0])
        await anyio.to_thread.run_sync(began.wait, PATIENCE)
        for pixels in sent[1:]:
            await call.send_video(pixels)
        await call.ping()
        await anyio.wait_all_tasks_blocked()
        go.set()
        assert await anyio.to_thread.run_sync(enough.wait, PATIENCE)
    assert seen == [1, 5]
    assert threading.get_ident() not in on
    assert [number(pixels) for pixels in sent] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("base", HANDLERS)
@pytest.mark.parametrize("method", ["video_receive", "video_emit"])
async def test_a_picture_that_fails_is_told_and_survived(base: Any, method: str) -> None:
    failed: list[int] = []

    def fail(self: Any, *pixels: Any) -> Any:
        failed.append(1)
        if len(failed) == 1:
            raise LookupError("no picture")
        return CloseStream() if method == "video_emit" else None

    def end(self: Any) -> Any:
        return CloseStream() if len(failed) > 1 else None

    methods: dict[str, Any] = {method: fail}
    if method == "video_receive":
        methods["video_emit"] = end
    async with connect(stream(base, **methods)) as call:
        await show(call, [1])
        assert await errors_until(call, 1) == ["no picture"]
        if method == "video_receive":
            await show(call, [2])
        assert await told(call) == [("end_stream", "Stream closed")]


@pytest.mark.parametrize("base", HANDLERS)
async def test_what_is_no_picture_is_told(base: Any) -> None:
    results: list[Any] = ["hello", np.zeros((3, 3)), CloseStream()]
    async with connect(stream(base, video_emit=one_by_one(results))) as call:
        first, second = await errors_told(call)
    assert "a picture is an array" in first
    assert "uint8" in second


@pytest.mark.parametrize("base", HANDLERS)
async def test_a_call_without_video_is_one_of_sound(base: Any) -> None:
    """59: its shutdown included."""
    ended: list[str] = []

    def unasked(self: Any, *pixels: Any) -> Any:
        ended.append("asked for pictures")

    handler = classic(
        base,
        pictures=True,
        **{**kept_and_shown(), "video_emit": unasked, "video_receive": unasked},
        shutdown=lambda self: ended.append("shutdown"),
    )
    async with connect(Stream(handler), encoding="audio/pcm") as call:
        await say(call)
        assert await heard(call, FRAME) == SOUND.tobytes()
    assert ended == ["shutdown"]


@pytest.mark.parametrize("base", HANDLERS)
async def test_a_client_that_only_shows_is_shown_nothing(
    base: Any, caplog: pytest.LogCaptureFixture
) -> None:
    made = classic(
        base, pictures=True, video_emit=lambda self: (picture(1), AdditionalOutputs("seen"))
    )
    async with connect(Stream(made, modality="audio-video", mode="send")) as call:
        kinds = [(await anext(call.messages)).type for _ in range(2)]
    assert kinds == ["fetch_output"] * 2
    assert len(caplog.records) == 1
