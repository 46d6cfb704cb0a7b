"""The way out for sound: encoded, cut, paced, with the messages that keep their place among it."""

from math import inf

from .audio.codecs import Codec
from .audio.frames import AudioFrame
from .audio.path import AudioEncoder
from .dialects import browser
from .playout import MAX_PIECE, Interruption, Playout
from .wire import Kind

__all__ = ("Outlet",)

_QUIET = 0.2  # seconds without a frame end a reply; a source in real time gives the next one sooner

_Wire = list[tuple[Kind, bytes]]


class Outlet:
    """Frames in; what may leave by `now` out, as wire messages."""

    __slots__ = ("_encoder", "_given", "_playout", "kind")

    def __init__(self, codec: Codec, sample_rate: int, lead: float, kind: Kind = Kind.TEXT) -> None:
        self._encoder = AudioEncoder(codec, sample_rate)
        self._playout = Playout(lead)
        self._given = -inf  # when the last frame came
        self.kind = kind
        """What sound leaves as: text messages, binary ones, or on a track."""

    @property
    def waiting(self) -> bool:
        """Whether something may not leave yet."""
        return bool(self._playout.queue)

    @property
    def end(self) -> float:
        """When a listener without delay will have played all that has left."""
        return self._playout.end

    def played_by(self, now: float, pending: float = 0.0) -> float:
        """When the listener will have played all that has left, by what is known now."""
        return self._playout.played_by(now, pending)

    @property
    def given(self) -> float:
        """Seconds of sound given so far, to within the tail that resampling holds back."""
        return self._playout.given

    def heard(self, now: float, pending: float = 0.0) -> float:
        """Seconds of sound that the listener has heard; `pending` seconds have not left yet."""
        return self._playout.heard(now, pending)

    def mark(self, now: float) -> str | None:
        """Set a mark behind the sound given so far: its name, to be asked for; None while too many
        are unanswered. What resampling holds back comes behind it: a cut there would be heard.
        """
        return self._playout.mark(now)

    def reached(self, name: str, now: float) -> None:
        """A mark was answered."""
        self._playout.reached(name, now)

    def play(self, frame: AudioFrame, now: float) -> _Wire:
        """Give a frame of any rate and length; returns what leaves at once."""
        self._given = now
        payload = self._encoder.encode_whole(frame)
        if payload is None:
            return self._pass(self._encoder.encode(frame), now)
        message = browser.encode_audio(payload, self.kind)
        duration = len(frame.pcm) / (2 * frame.sample_rate)
        if self._playout.passes(duration, now):
            return [message]
        self._playout.push(*message, duration)
        return []

    def flush(self, now: float) -> _Wire:
        """Give the tail that resampling holds back."""
        return self._pass(self._encoder.flush(), now)

    def hold(self, message: bytes) -> bool:
        """Keep a text message in its place behind sound that waits; False when none does."""
        if not self._playout.waiting:
            return False
        self._playout.push(Kind.TEXT, message, 0.0)
        return True

    def release(self, now: float) -> _Wire:
        """What may leave by now; when a reply seems over, the resampler's tail too."""
        leaving = self._playout.due(now)
        if now >= self._tail_due():
            leaving += self.flush(now)
        return leaving

    def drop(self, now: float, pending: float = 0.0) -> tuple[Interruption, _Wire]:
        """Forget the sound that waits; the messages among it are returned."""
        self._encoder.flush()
        return self._playout.drop(now, pending)

    def clear(self) -> None:
        """Forget all that waits."""
        self._playout.clear()

    def deadline(self) -> float:
        """When something may leave next; inf when nothing waits."""
        return self._playout.deadline() if self._playout.queue else self._tail_due()

    def _tail_due(self) -> float:
        # Before the listener runs out, so that the tail joins on; but not between two frames of a
        # source in real time, where each cut would be heard.
        if not self._encoder.resampling or self._playout.queue:
            return inf
        return max(self._playout.end - MAX_PIECE, self._given + _QUIET)

    def _pass(self, pieces: list[tuple[bytes, float]], now: float) -> _Wire:
        leaving: _Wire = []
        playout = self._playout
        for payload, duration in pieces:
            kind, data = browser.encode_audio(payload, self.kind)
            if playout.passes(duration, now):
                leaving.append((kind, data))
            else:
                playout.push(kind, data, duration)
        return leaving
