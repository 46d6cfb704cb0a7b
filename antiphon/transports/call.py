"""The face of a live call: what handlers and clients hold."""

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

import anyio
import msgspec

from ..core.audio.convert import to_pcm
from ..core.audio.frames import AudioFrame, Samples
from ..core.errors import LocalProtocolError
from ..core.events import Message
from ..core.messages import (
    ErrorNotice,
    FetchOutput,
    Input,
    Log,
    Ping,
    SendInput,
    StopWord,
    ToClient,
    ToServer,
    WarningNotice,
)
from ..core.playout import Interruption
from ..core.ports import CallInfo, Output, SoundQuality
from ..core.video import Pixels, VideoFrame
from ..core.wire import Role
from .driver import Driver

__all__ = ("LiveCall",)


class LiveCall:
    """A call on a driver; implements `antiphon.core.ports.Call`, which describes the methods."""

    def __init__(
        self, driver: Driver, role: Role, info: CallInfo, publish: Callable[[Output], None]
    ) -> None:
        self._driver = driver
        self._role = role
        self._info = info
        self._publish = publish
        self._inputs: tuple[Any, ...] = ()
        self._input_came = anyio.Event()
        self._pings: deque[anyio.Event] = deque()

    @property
    def id(self) -> str:
        return self._info.id

    @property
    def transport(self) -> str:
        return self._info.transport

    @property
    def metadata(self) -> Mapping[str, Any]:
        return MappingProxyType(dict(self._info.metadata))

    @property
    def principal(self) -> Any:
        return self._info.principal

    @property
    def token(self) -> str:
        """Proves that a request is about this call; on both sides."""
        return self._info.token

    @property
    def sample_rate(self) -> int:
        return self._driver.sample_rate

    @property
    def inputs(self) -> tuple[Any, ...]:
        return self._inputs

    @property
    def audio(self) -> AsyncIterator[AudioFrame]:
        return self._driver.audio

    @property
    def video(self) -> AsyncIterator[VideoFrame]:
        return self._driver.video

    @property
    def messages(self) -> AsyncIterator[Message]:
        return self._driver.messages

    @property
    def dropped_frames(self) -> int:
        return self._driver.audio.dropped

    @property
    def dropped_pictures(self) -> int:
        return self._driver.video.dropped

    @property
    def carries_video(self) -> bool:
        return self._driver.carries_video

    @property
    def sound_quality(self) -> SoundQuality | None:
        return self._driver.sound_quality

    def send_audio(self, audio: AudioFrame | tuple[int, Samples]) -> Awaitable[None]:
        frame = audio if isinstance(audio, AudioFrame) else AudioFrame(to_pcm(audio[1]), audio[0])
        return self._driver.send_audio(frame)

    async def send_video(self, picture: VideoFrame | Pixels) -> None:
        frame = picture if isinstance(picture, VideoFrame) else VideoFrame(picture)
        await self._driver.send_video(frame)

    async def send(self, data: Any) -> None:
        message = ToClient(data) if self._role is Role.SERVER else ToServer(data)
        await self._driver.send(message)

    async def log(self, text: str) -> None:
        self._server_only("log")
        await self._driver.send(Log(text))

    async def error(self, text: str) -> None:
        self._server_only("tell errors")
        await self._driver.send(ErrorNotice(text, text))

    async def warning(self, text: str) -> None:
        self._server_only("warn")
        await self._driver.send(WarningNotice(text, text))

    async def stopword(self) -> None:
        self._server_only("hear stop words")
        await self._driver.send(StopWord())

    async def output(self, *values: Any) -> None:
        self._server_only("output")
        self._publish(Output(values))
        await self._driver.send(FetchOutput())

    async def wait_for_inputs(self, timeout: float = 60.0) -> tuple[Any, ...]:
        self._server_only("wait_for_inputs")
        came = self._input_came
        await self._driver.send(SendInput())
        with anyio.fail_after(timeout):
            await came.wait()
        return self._inputs

    @property
    def given(self) -> float:
        return self._driver.given

    @property
    def heard(self) -> float:
        return self._driver.heard

    def mark(self) -> None:
        self._driver.mark()

    def interrupt(self) -> Interruption:
        return self._driver.interrupt()

    async def drain(self) -> None:
        await self._driver.drain()

    async def hang_up(self, reason: str = "") -> None:
        session = self._driver.session
        if self._role is Role.SERVER:
            self._driver.act(lambda now: session.drain(reason, 1000, now))
        else:
            self._driver.act(session.hang_up)
        await self._driver.wait_closed()

    async def send_inputs(self, *values: Any) -> None:
        self._client_only("send inputs")
        await self._driver.send(Input(list(values)))

    async def ping(self) -> float:
        self._client_only("ping")
        answered = anyio.Event()
        self._pings.append(answered)
        started = anyio.current_time()
        await self._driver.send(Ping())
        await answered.wait()
        if self._driver.closed is not None:
            raise self._driver.over()
        return anyio.current_time() - started

    def opened(self, token: str) -> None:
        """The server has opened the call."""
        self._info = msgspec.structs.replace(self._info, token=token)

    def set_inputs(self, values: tuple[Any, ...]) -> None:
        """Inputs have come, in band or from elsewhere."""
        self._inputs = values
        came, self._input_came = self._input_came, anyio.Event()
        came.set()

    def ponged(self) -> None:
        """The oldest ping is answered."""
        if self._pings:
            self._pings.popleft().set()

    def ended(self) -> None:
        """Nobody will answer any more."""
        while self._pings:
            self._pings.popleft().set()

    def _server_only(self, what: str) -> None:
        if self._role is Role.CLIENT:
            raise LocalProtocolError(f"only a handler can {what}")

    def _client_only(self, what: str) -> None:
        if self._role is Role.SERVER:
            raise LocalProtocolError(f"only a client's end of a call can {what}")
