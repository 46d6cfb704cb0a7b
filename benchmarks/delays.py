"""How long a server keeps a sound: the onset of a tone in what it was sent, and in what it sent."""

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from .marked_speech import RATE, decode, find_marks

__all__ = ("Delays", "Onset", "Pair", "onsets", "pair_onsets", "summary")

_AHEAD = 0.01  # s: how much earlier than sent an onset may seem, by the detector's error
_LONGEST = 0.95  # s: later than that it might be the next second's tone


class Onset(msgspec.Struct, frozen=True):
    """One onset of the tone."""

    packet_time: float
    """When the packet that carries it passed (s)."""
    sound_time: float
    """The same, plus the onset's place in the packet's sound."""


class Pair(msgspec.Struct, frozen=True):
    """Seconds between an onset sent and the same onset returned."""

    at: float
    """When it was sent."""
    packet: float
    """From packet to packet: moves in steps of a frame, holds no codec look-ahead."""
    sound: float
    """From sound to sound: with the look-ahead of the server's encoder and its resampling."""


class Delays(msgspec.Struct, frozen=True, kw_only=True):
    """What the pairs of a stretch of time come to, ms."""

    sent: int
    found: int
    packet_p50: float
    packet_p95: float
    packet_p99: float
    packet_worst: float
    sound_p50: float
    sound_p95: float


def onsets(times: Sequence[float], payloads: Sequence[bytes]) -> list[Onset]:
    """The onsets in a stream of Opus packets that passed at these times."""
    sound, starts = decode(payloads)
    found: list[Onset] = []
    for mark in map(int, find_marks(sound)):
        packet = int(np.searchsorted(starts, mark, "right")) - 1
        time = times[packet]
        found.append(Onset(time, time + float(mark - int(starts[packet])) / RATE))
    return found


def pair_onsets(sent: Sequence[Onset], back: Sequence[Onset]) -> list[Pair]:
    """Each onset sent with the first that came back within a second; those without are left out."""
    pairs: list[Pair] = []
    returned = np.asarray([onset.sound_time for onset in back])
    for onset in sent:
        at = int(np.searchsorted(returned, onset.sound_time - _AHEAD))
        if at < len(back) and back[at].sound_time < onset.sound_time + _LONGEST:
            packet = back[at].packet_time - onset.packet_time
            sound = back[at].sound_time - onset.sound_time
            pairs.append(Pair(onset.packet_time, packet, sound))
    return pairs


def summary(sent: int, pairs: Sequence[Pair]) -> Delays | None:
    """Percentiles over the pairs of `sent` onsets, None without any."""
    if not pairs:
        return None
    packet = np.asarray([pair.packet for pair in pairs]) * 1e3
    sound = np.asarray([pair.sound for pair in pairs]) * 1e3
    p50, p95, p99 = _percentiles(packet, (50, 95, 99))
    sound_p50, sound_p95 = _percentiles(sound, (50, 95))
    return Delays(
        sent=sent,
        found=len(pairs),
        packet_p50=p50,
        packet_p95=p95,
        packet_p99=p99,
        packet_worst=float(packet.max()),
        sound_p50=sound_p50,
        sound_p95=sound_p95,
    )


def _percentiles(values: npt.NDArray[np.float64], at: tuple[float, ...]) -> list[float]:
    return [float(value) for value in np.percentile(values, at)]
