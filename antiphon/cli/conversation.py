"""One call with a file for a mouth and a file for an ear."""

from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from itertools import chain
from math import inf
from typing import Any

import anyio
import msgspec

from ..core.audio.frames import AudioFrame
from ..core.errors import SessionClosed
from ..core.events import Message
from ..core.playout import LEAD
from ..core.ports import Call
from ..transports.tasks import background
from .echo_probe import EchoProbe
from .files import FRAME_RATE, FileError, PictureSource, SoundSource, in_thread
from .meter import Gauge, level
from .pictures import PictureFlow, Projector
from .recording import Recording
from .screen import Screen
from .summary import (
    Ending,
    NetworkFigures,
    Summary,
    VideoFigures,
    lost_frames,
    round_trip_of,
)

__all__ = ("Conversation", "Plan")

PROBE_INTERVAL = 0.2  # seconds between pings
DRAW_INTERVAL = 0.125  # seconds between two pictures of the meter
FADE = 0.3  # seconds after the last frame until its side of the meter is empty
QUIET = 1.0  # seconds without sound after which an answer is complete
PAD_FRAMES = 2  # of silence behind a file: what 30 ms of resampling over there hold back
ECHO_TAIL = 0.5  # seconds at the end of --linger without silence: its echo must be back by then
READ_AHEAD = 25  # frames of a file that are read at a time: half a second
PONG_TIMEOUT = 10.0  # seconds that --fast waits for a pong

WINDOW = LEAD  # seconds that --fast sends before a pong, or an echo, must have come back
FASTEST = 10  # times real time: a handler that waits 20 ms for a disk must not lose sound

_FRAME = 1 / FRAME_RATE


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done in the call."""

    play: SoundSource | None
    show: PictureSource | None
    record: Recording | None
    fast: bool
    seconds: float | None
    linger: float | None
    inputs: Sequence[Any]


class _Flow:
    """What has passed in one direction."""

    def __init__(self) -> None:
        self.frames = 0
        self.seconds = 0.0
        self.last = b""
        self.at = -inf

    def add(self, frame: AudioFrame) -> None:
        self.frames += 1
        self.seconds += frame.duration
        self.last = frame.pcm
        self.at = anyio.current_time()

    @property
    def level(self) -> float | None:
        """dBFS of the last frame, None when it is past."""
        return level(self.last) if anyio.current_time() - self.at < FADE else None


class Conversation:
    """Runs the plan on an open call; afterwards, or after a cancellation, tells what came of it."""

    def __init__(self, call: Call, plan: Plan, screen: Screen) -> None:
        self._call = call
        self._plan = plan
        self._screen = screen
        self._out = _Flow()
        self._in = _Flow()
        self._seen_out = PictureFlow()
        self._seen_in = PictureFlow()
        self._projector = None if plan.show is None else Projector(plan.show, self._seen_out)
        self._shown = anyio.Event()
        self._has_video = call.carries_video
        self._probe = EchoProbe(call.sample_rate)
        self._round_trips: list[float] = []
        self._heard = anyio.Event()
        self._ears = anyio.CancelScope()
        self._opened = self._ended_at = anyio.current_time()
        self._complete = False
        self._ending = Ending(by="interrupt", code=1000, reason="")
        self.failure: Exception | None = None
        """Why this end gave up."""

    async def run(self) -> None:
        """Speak and listen until the plan is done or the server ends the call."""
        try:
            async with background() as tasks:
                tasks.start_soon(self._ping)
                if self._screen.live:
                    tasks.start_soon(self._draw)
                await self._talk()
                self._ending = await self._end()
        finally:
            self._ended_at = anyio.current_time()
            self._screen.clear()

    async def _talk(self) -> None:
        if self._plan.seconds is not None:
            self._ears.deadline = self._opened + self._plan.seconds
        async with background() as mouth:
            mouth.start_soon(self._show)
            mouth.start_soon(self._speak)
            mouth.start_soon(self._record)
            with self._ears:
                # They end by themselves after the last word when the server ends the call.
                async with anyio.create_task_group() as ears:
                    ears.start_soon(self._listen)
                    ears.start_soon(self._watch)
                    ears.start_soon(self._read_messages)

    async def _end(self) -> Ending:
        if self._ears.cancelled_caught:
            await self._call.hang_up()
            return Ending(by="client", code=1000, reason="")
        try:
            await self._call.ping()
        except SessionClosed as closed:
            return Ending(by="server", code=closed.code, reason=closed.reason)
        raise AssertionError("the sound of a call ends with the call")

    async def _listen(self) -> None:
        record = self._plan.record
        async for frame in self._call.audio:
            self._in.add(frame)
            self._probe.heard(frame.pcm)
            heard, self._heard = self._heard, anyio.Event()
            heard.set()
            if record is not None:
                record.hear(frame)

    async def _watch(self) -> None:
        record = self._plan.record
        async for picture in self._call.video:
            self._seen_in.add(picture)
            if record is not None:
                record.see(picture)

    async def _record(self) -> None:
        if self._plan.record is not None:
            await self._attempt(self._plan.record.run())

    async def _read_messages(self) -> None:
        async for message in self._call.messages:
            self._screen.say(_told(message))
            if message.type == "send_input":
                await self._answer()

    async def _answer(self) -> None:
        if not self._plan.inputs:
            self._screen.say("(the handler waits for inputs: give them with --input)")
            return
        try:
            await self._call.send_inputs(*self._plan.inputs)
        except SessionClosed:
            return  # it asked, and left

    def _give_up(self, error: Exception) -> None:
        self.failure = error
        self._ears.cancel()

    async def _attempt(self, step: Awaitable[None]) -> bool:
        """Whether it came to its end."""
        try:
            await step
        except SessionClosed:
            return False  # the ears hear how it ended
        except (FileError, OSError) as error:
            self._give_up(error)
            return False
        return True

    async def _show(self) -> None:
        if self._projector is None or await self._attempt(self._projector.run(self._call)):
            self._shown.set()

    async def _speak(self) -> None:
        play = self._plan.play
        if play is None and self._projector is None:
            return
        if play is not None and not await self._attempt(self._send_file(play)):
            return
        await self._shown.wait()
        if await self._attempt(self._wait_for_the_end()):
            self._complete = True
            self._ears.cancel()

    async def _wait_for_the_end(self) -> None:
        if self._plan.linger is None:
            await self._answer_is_complete()
        else:
            await self._hold_the_line(self._plan.linger)

    async def _send_file(self, file: SoundSource) -> None:
        rate = self._call.sample_rate
        frames = chain(file.frames(rate), (_silence(rate) for _ in range(PAD_FRAMES)))
        if not self._plan.fast:
            async for frame in in_thread(frames, READ_AHEAD):
                await self._send(frame)
            await self._call.drain()
            return
        async for frame in self._allowed(frames):
            await self._send(frame)
        await self._acknowledged()

    async def _send(self, frame: AudioFrame) -> None:
        await self._call.send_audio(frame)
        self._out.add(frame)
        self._probe.sent(frame.pcm)

    async def _allowed(self, frames: Iterator[AudioFrame]) -> AsyncIterator[AudioFrame]:
        """The frames, each as soon as nothing over there can be full: its queue holds 300 ms."""
        unacknowledged = 0.0
        for frame in frames:
            if unacknowledged + frame.duration > WINDOW:
                await self._acknowledged()
                unacknowledged = 0.0
            unacknowledged += frame.duration
            await self._in_step(frame.duration)
            yield frame

    async def _acknowledged(self) -> None:
        started = anyio.current_time()
        with anyio.move_on_after(PONG_TIMEOUT) as waiting:
            await self._measure()
        if waiting.cancelled_caught:
            raise TimeoutError(f"no ping was answered within {PONG_TIMEOUT:g} s; --fast needs that")
        await anyio.sleep_until(started + WINDOW / FASTEST)

    async def _in_step(self, duration: float) -> None:
        """Wait while more than the window is on its way through a handler that answers, but never
        longer than speaking in real time would take.
        """
        while (
            self._in.frames and (ahead := self._out.seconds + duration - WINDOW) > self._in.seconds
        ):
            left = self._opened + ahead - anyio.current_time()
            if left <= 0:
                return
            with anyio.move_on_after(left):
                await self._heard.wait()

    async def _answer_is_complete(self) -> None:
        sent = anyio.current_time()
        while True:
            quiet = QUIET + max(self._round_trips, default=0.0)
            left = max(sent, self._in.at, self._seen_in.last) + quiet - anyio.current_time()
            if left <= 0:
                return
            await anyio.sleep(left)

    async def _hold_the_line(self, seconds: float) -> None:
        """Send silence, as an open microphone does: a detector of pauses counts samples."""
        started = anyio.current_time()
        if self._plan.play is None:
            await anyio.sleep_until(started + seconds)
            return
        silence = _silence(self._call.sample_rate)
        for count in range(int((seconds - ECHO_TAIL) * FRAME_RATE)):
            await anyio.sleep_until(started + count * _FRAME)
            await self._send(silence)
        await anyio.sleep_until(started + seconds)

    async def _measure(self) -> None:
        self._round_trips.append(await self._call.ping())

    async def _ping(self) -> None:
        try:
            while True:
                await self._measure()
                await anyio.sleep(PROBE_INTERVAL)
        except SessionClosed:
            return

    async def _draw(self) -> None:
        while True:
            self._screen.draw(
                Gauge(
                    out_level=self._out.level,
                    in_level=self._in.level,
                    elapsed=anyio.current_time() - self._opened,
                    round_trip=self._round_trips[-1] if self._round_trips else None,
                    pictures=self._picture_rates(),
                    size=self._seen_in.size or self._seen_out.size,
                )
            )
            await anyio.sleep(DRAW_INTERVAL)

    def _picture_rates(self) -> tuple[float, float] | None:
        if not self._has_video:
            return None
        return self._seen_out.rate_now(), self._seen_in.rate_now()

    def summary(self, url: str) -> Summary:
        """The figures."""
        echo = self._probe.found
        frame = (self._call.sample_rate // FRAME_RATE) / self._call.sample_rate
        lost: int | None = None
        # A track plays on in silence, so that its length tells nothing of loss.
        if echo and self._complete and self._call.transport != "webrtc":
            lost = lost_frames(self._out.seconds, self._in.seconds, frame)
        return Summary(
            url=url,
            id=self._call.id,
            seconds=round(self._ended_at - self._opened, 3),
            frames_out=self._out.frames,
            frames_in=self._in.frames,
            audio_seconds_out=round(self._out.seconds, 6),
            audio_seconds_in=round(self._in.seconds, 6),
            dropped_frames=self._call.dropped_frames,
            echo=echo,
            lost_frames=lost,
            loss=None if lost is None else round(lost * frame / self._out.seconds, 6),
            round_trip_ms=round_trip_of(self._round_trips),
            ended=self._ending,
            video=self._video() if self._has_video else None,
            network=self._network(),
            not_recorded=0 if self._plan.record is None else self._plan.record.left_out,
        )

    def _video(self) -> VideoFigures:
        out, back, projector = self._seen_out, self._seen_in, self._projector
        return VideoFigures(
            frames_out=out.count,
            frames_in=back.count,
            fps_out=None if out.rate is None else round(out.rate, 2),
            fps_in=None if back.rate is None else round(back.rate, 2),
            size_out=out.size,
            size_in=back.size,
            skipped_out=0 if projector is None else projector.left_out,
            dropped_in=self._call.dropped_pictures,
        )

    def _network(self) -> NetworkFigures | None:
        quality = self._call.sound_quality
        if quality is None:
            return None
        return NetworkFigures(
            packets=quality.packets,
            lost=quality.lost,
            concealed_ms=round(quality.concealed * 1e3, 3),
            jitter_ms=round(quality.jitter * 1e3, 3),
        )


def _silence(sample_rate: int) -> AudioFrame:
    return AudioFrame(bytes(2 * (sample_rate // FRAME_RATE)), sample_rate)


def _told(message: Message) -> str:
    """A message on one line: its type, and its data as JSON unless that is a plain text."""
    data = message.data
    if data in (None, "", []):
        return message.type
    text = data if isinstance(data, str) else msgspec.json.encode(data).decode()
    return f"{message.type}: {text}"
