"""What an interruption leaves of a reply."""

from functools import partial

import anyio
import pytest

from antiphon import AudioFrame, Call, Interruption, Stream, connect
from antiphon.handlers.reply import Interrupted, Reply

RATE = 8000
TENTH = AudioFrame(bytes(RATE // 5), RATE)


class Marked:
    """As much of a call as a reply asks for, with a listener who hears all at once."""

    def __init__(self, given: float = 0.0) -> None:
        self.given = given
        self.marks: list[float] = []
        self.drained = False

    async def send_audio(self, frame: AudioFrame) -> None:
        self.given += frame.duration

    def mark(self) -> None:
        self.marks.append(round(self.given, 6))

    async def drain(self) -> None:
        self.drained = True


async def test_marks_are_set_a_quarter_of_a_second_apart_and_at_the_end() -> None:
    call = Marked()
    reply = Reply(call)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] # a part of one
    for _ in range(8):
        await reply.play(TENTH)
    await reply.played()
    assert call.marks == [0.3, 0.6, 0.8]
    assert call.drained


@pytest.mark.parametrize(
    ("heard", "samples"), [(5.0, 0), (7.0, 0), (7.25, 2000), (7.8, 6400), (9.0, 6400)]
)
async def test_what_was_heard_counts_from_the_beginning_of_the_reply(
    heard: float, samples: int
) -> None:
    reply = Reply(Marked(given=7.0))  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] # as above
    for _ in range(8):
        await reply.play(TENTH)
    assert reply.cut_off(Interruption(heard=heard, dropped=1.0)) == Interrupted(
        heard_samples=samples, given_samples=6400, sample_rate=RATE
    )


async def test_a_reply_without_sound_was_heard_by_nobody() -> None:
    reply = Reply(Marked())  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] # as above
    assert not reply.spoken
    assert reply.cut_off(Interruption(heard=3.0, dropped=0.0)).heard_samples == 0


async def test_on_a_call_the_mark_is_answered_when_the_sound_was_played() -> None:
    heard: list[float] = []

    async def handler(call: Call) -> None:
        for _ in range(2):
            reply = Reply(call)
            for _ in range(4):
                await reply.play(TENTH)
            await reply.played()
            heard.append(call.heard)

    stream = Stream(handler)
    port: list[int] = []
    ready = anyio.Event()

    def listening(number: int) -> None:
        port.append(number)
        ready.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(partial(stream.serve, port=0, ready=listening, grace=0))
        await ready.wait()
        async with connect(f"ws://127.0.0.1:{port[0]}/websocket/offer") as call:
            seconds = 0.0
            async for frame in call.audio:
                seconds += frame.duration
        assert seconds == pytest.approx(0.8, abs=0.05)
        tasks.cancel_scope.cancel()
    assert heard == pytest.approx([0.4, 0.8], abs=0.01)
