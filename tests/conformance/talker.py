"""A client that talks and listens: what it is told, and which tones it hears."""

from collections.abc import Collection

import numpy as np

from antiphon.core.audio.codecs import codec_for
from antiphon.core.audio.frames import Samples
from tests.conformance.peer import Peer
from tests.conformance.trace import Closed, Item, Sound, Told, pong

__all__ = ("MULAW", "RATE", "Talker", "strongest", "tone")

RATE = 24000  # Hz
LOUDNESS = 10_000  # of 32,768: the height of a tone
WINDOW = RATE // 25  # samples that are judged at a time: bins of 25 Hz
PIECE = RATE // 10  # samples said at a time
MULAW = codec_for("audio/x-mulaw")
CLEAR = Told({"event": "clear"})


def tone(pitch: int, seconds: float) -> Samples:
    """A loud tone of so many Hz."""
    at = np.arange(round(seconds * RATE)) / RATE
    return (LOUDNESS * np.sin(2 * np.pi * pitch * at)).astype("<i2")


def strongest(samples: Samples, pitches: Collection[int]) -> int:
    """Which of these tones a sound is."""
    return max(pitches, key=lambda pitch: _share(samples, pitch))


def _share(samples: Samples, pitch: int) -> float:
    """Of its energy within 50 Hz of a pitch."""
    energy = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    near = np.abs(np.fft.rfftfreq(len(samples), 1 / RATE) - pitch) <= 50
    return float(np.sum(energy[near]) / (np.sum(energy) or 1))


class Talker:
    """Says sound, no faster than it is heard, and notes what comes meanwhile.

    Messages and sound are two lanes: over tracks they travel apart, and only what happens in each
    is in order. `told` and `heard` are what came since `forget`.
    """

    def __init__(self, peer: Peer, pitches: Collection[int], *, in_order: bool) -> None:
        self._peer = peer
        self._pitches = pitches
        self._in_order = in_order
        self._rest: Samples = np.zeros(0, "<i2")
        self._closed: Closed | None = None
        self._last = 0
        self._cleared = 0  # the pitch of what was cut off, from the `clear` to the next tone
        self.told: list[Item] = []
        self.heard: list[int] = []
        """Pitches, each once until another one is heard."""
        self.seconds = dict.fromkeys(pitches, 0.0)
        """Of each tone, to within a window at its edges."""
        self.late = 0.0
        """Seconds of a tone that were heard behind the `clear` that cut it off: what was on its way
        over a track, where no message can overtake it.
        """

    async def say(self, samples: Samples) -> None:
        """Say it, and go on when the other end has it; over tracks it is said in real time. A link
        that is closed meanwhile hears no more.
        """
        for at in range(0, len(samples), PIECE):
            await self._peer.samples(MULAW.encode(samples[at : at + PIECE].tobytes()))
            await self._peer.say({"event": "ping"})
            while (item := await self._peer.next()) != pong:
                self._note(item)
                if self._closed is not None:
                    return

    async def listen(self, told: int, heard: int) -> None:
        """Until so much has come, and no longer than the link is open."""
        while self._closed is None and (len(self.told) < told or len(self.heard) < heard):
            self._note(await self._peer.next())

    async def until_closed(self) -> Closed:
        """The end of the link."""
        while self._closed is None:
            self._note(await self._peer.next())
        return self._closed

    def forget(self) -> None:
        """Begin a new list of each."""
        self.told, self.heard = [], []

    def _note(self, item: Item) -> None:
        if isinstance(item, Sound):
            self._hear(np.frombuffer(MULAW.decode(item.payload), "<i2"))
            return
        if isinstance(item, Closed):
            self._closed = item
            return
        self.told.append(item)
        if item == CLEAR:
            self._rest = self._rest[:0]
            self._cleared, self._last = self._last, 0

    def _hear(self, samples: Samples) -> None:
        sound = np.concatenate((self._rest, samples))
        whole = len(sound) - len(sound) % WINDOW
        self._rest = sound[whole:]
        for window in sound[:whole].reshape(-1, WINDOW):
            pitch = self._judge(window)
            if pitch:
                self._note_tone(pitch)

    def _judge(self, window: Samples) -> int:
        """The tone that fills a window at the loudness it was given; 0 for an edge or silence."""
        level = np.sqrt(np.mean(np.square(window, dtype=np.float64)) * 2)
        pitch = strongest(window, self._pitches)
        pure = _share(window, pitch) > 0.8
        return pitch if pure and 0.75 < level / LOUDNESS < 1.25 else 0

    def _note_tone(self, pitch: int) -> None:
        self.seconds[pitch] += WINDOW / RATE
        if pitch == self._cleared and not self._in_order:
            self.late += WINDOW / RATE
        elif pitch != self._last:
            self._last, self._cleared = pitch, 0
            self.heard.append(pitch)
