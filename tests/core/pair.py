"""Two ends of a call in memory, on one clock: what one sends, the other tells."""

from collections.abc import Sequence
from typing import TypeVar

import msgspec
import numpy as np

from antiphon.core.agreement import SessionConfig
from antiphon.core.audio.frames import AudioFrame
from antiphon.core.errors import RemoteProtocolError
from antiphon.core.events import AudioReceived, CallRequested, Closed, Event
from antiphon.core.messages import Media, MediaFormat, Start
from antiphon.core.session import Session, SessionState
from antiphon.core.wire import Kind, Role, close_payload

__all__ = ("PCM_24K", "ConnectionPair", "End", "of_type", "ramp", "sent_audio", "texts", "tone")

E = TypeVar("E")

PCM_24K = MediaFormat("audio/pcm", 24000)


def ramp(samples: int, sample_rate: int = 24000, first: int = 0) -> AudioFrame:
    """Sound of which every sample tells its place."""
    counted = (np.arange(first, first + samples) % 60_000 - 30_000).astype("<i2")
    return AudioFrame(counted.tobytes(), sample_rate)


def tone(samples: int, sample_rate: int) -> AudioFrame:
    """440 Hz at a third of full scale."""
    phase = np.arange(samples) * (2 * np.pi * 440 / sample_rate)
    return AudioFrame((10_000 * np.sin(phase)).astype("<i2").tobytes(), sample_rate)


def of_type(events: Sequence[Event], event_type: type[E]) -> list[E]:
    return [event for event in events if isinstance(event, event_type)]


def texts(wire: Sequence[tuple[Kind, bytes]]) -> list[dict[str, object]]:
    """The JSON messages among what was sent."""
    return [
        msgspec.json.decode(payload, type=dict[str, object])
        for kind, payload in wire
        if kind is Kind.TEXT
    ]


def sent_audio(wire: Sequence[tuple[Kind, bytes]]) -> bytes:
    """The encoded sound among what was sent, in order, joined."""
    parts = [
        payload if kind is Kind.BINARY else msgspec.json.decode(payload, type=Media).media.payload
        for kind, payload in wire
        if kind is Kind.BINARY or (kind is Kind.TEXT and b'"media":{' in payload)
    ]
    return b"".join(parts)


class End:
    """One end: its session, what it was told, and the link below it."""

    def __init__(self, role: Role, config: SessionConfig, now: float) -> None:
        self.session = Session(role, config, now)
        self.events: list[Event] = []
        self.closed: Closed | None = None
        self.error: RemoteProtocolError | None = None
        self.wire: list[tuple[Kind, bytes]] = []
        """All that this end has sent, the close included."""
        self.times: list[float] = []
        """When, for each of them."""

    def take(self, events: Sequence[Event]) -> None:
        """As a driver does: nothing follows Closed."""
        for event in events:
            assert self.closed is None, f"{event} after {self.closed}"
            self.events.append(event)
            if isinstance(event, Closed):
                self.closed = event

    def hear(self, kind: Kind, payload: bytes, now: float) -> None:
        try:
            self.take(self.session.receive(kind, payload, now))
        except RemoteProtocolError as error:
            self.error = error
            self.take((Closed(error.code, error.reply, False),))

    def outgoing(self, now: float) -> list[tuple[Kind, bytes]]:
        leaving = self.session.data_to_send()
        closes = [payload for kind, payload in self.wire if kind is Kind.CLOSE]
        if self.closed is not None and not self.closed.remote and not closes:
            leaving.append((Kind.CLOSE, close_payload(self.closed.code, self.closed.reason)))
        self.wire += leaving
        self.times += [now] * len(leaving)
        return leaving


class ConnectionPair:
    """A server and a client whose messages arrive at once."""

    def __init__(
        self,
        server: SessionConfig | None = None,
        client: SessionConfig | None = None,
        now: float = 0.0,
    ) -> None:
        self.now = now
        self.server = End(Role.SERVER, server or SessionConfig(), now)
        self.client = End(Role.CLIENT, client or SessionConfig(), now)

    def open(self, media_format: MediaFormat = PCM_24K, **fields: object) -> CallRequested:
        """Client starts, server accepts."""
        start = msgspec.convert(
            {"event": "start", "websocket_id": "a", "media_format": media_format, **fields},
            type=Start,
            from_attributes=True,
        )
        self.client.session.start(start, self.now)
        self.deliver()
        (requested,) = of_type(self.server.events, CallRequested)
        self.server.take(self.server.session.accept("token", self.now))
        self.deliver()
        return requested

    def deliver(self) -> None:
        """Let each end hear what the other has sent, until both are silent."""
        quiet = False
        while not quiet:
            quiet = True
            for near, far in ((self.server, self.client), (self.client, self.server)):
                for kind, payload in near.outgoing(self.now):
                    quiet = False
                    if kind is Kind.PING and far.session.state is not SessionState.CLOSED:
                        near.hear(Kind.PONG, payload, self.now)
                    far.hear(kind, payload, self.now)

    def run(self, until: float) -> None:
        """Let time pass: each end is woken when it asked to be, and must not ask in vain."""
        while (due := min(self.server.session.deadline(), self.client.session.deadline())) <= until:
            self.now = max(self.now, due)
            for end in (self.server, self.client):
                if end.session.deadline() <= self.now:
                    end.take(end.session.advance(self.now))
                    assert end.session.deadline() > self.now
            self.deliver()
        self.now = until

    def received(self, end: End) -> bytes:
        """The PCM that an end was told, joined."""
        return b"".join(event.frame.pcm for event in of_type(end.events, AudioReceived))
