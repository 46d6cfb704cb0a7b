"""From the wire to the handler and back: codec, resampling, and cutting into pieces."""

from ..playout import MAX_PIECE, piece_lengths
from .codecs import Codec
from .frames import AudioFrame, Coded
from .resample import Resampler

__all__ = ("AudioDecoder", "AudioEncoder")


class AudioDecoder:
    """Payloads to frames at `sample_rate`; state is one resampler and a sample count."""

    __slots__ = ("_decode", "_encoding", "_pts", "_rate", "_resampler")

    def __init__(self, codec: Codec, wire_rate: int, sample_rate: int) -> None:
        self._decode = codec.decode
        self._encoding = codec.name
        self._rate = sample_rate
        self._pts = 0
        self._resampler = Resampler(wire_rate, sample_rate) if wire_rate != sample_rate else None

    def decode(self, payload: bytes) -> AudioFrame | None:
        """One payload as a frame; None while it gives no sample yet. Raises ValueError when the
        payload does not hold whole samples.
        """
        pcm = self._decode(payload)
        coded: Coded | None = None
        if self._resampler is not None:
            pcm = self._resampler.process(pcm)
        elif pcm is not payload:
            coded = Coded(self._encoding, payload, pcm)
        if not pcm:
            return None
        frame = AudioFrame(pcm, self._rate, self._pts, coded)
        self._pts += len(pcm) // 2
        return frame


class AudioEncoder:
    """Frames of any rate and length to payloads of at most `MAX_PIECE` at the wire's rate."""

    __slots__ = ("_bytes", "_encode", "_encoding", "_most", "_resampler", "_wire_rate")

    def __init__(self, codec: Codec, wire_rate: int) -> None:
        self._encode = codec.encode
        self._encoding = codec.name
        self._bytes = codec.bytes_per_sample
        self._wire_rate = wire_rate
        self._most = int(MAX_PIECE * wire_rate) * 2  # bytes of PCM that make one piece
        self._resampler: Resampler | None = None

    @property
    def resampling(self) -> bool:
        """Whether a tail may be held back that `flush` gives."""
        return self._resampler is not None

    def encode_whole(self, frame: AudioFrame) -> bytes | None:
        """The payload of a frame that needs no resampling and no cutting, as live sound does; None
        for all others, which `encode` takes. Raises ValueError for half a sample.
        """
        pcm = frame.pcm
        if (
            self._resampler is None
            and frame.sample_rate == self._wire_rate
            and 0 < len(pcm) <= self._most
        ):
            coded = frame.coded
            if coded is not None and coded.pcm is pcm and coded.encoding == self._encoding:
                return coded.payload
            return self._encode(pcm)
        return None

    def encode(self, frame: AudioFrame) -> list[tuple[bytes, float]]:
        """The frame as (payload, seconds) pieces. A frame of another rate than the one before
        first gives the tail of what came before. Raises ValueError, and changes nothing, for half
        a sample or a rate that cannot be resampled.
        """
        resampler = self._resampler
        if resampler is None and frame.sample_rate == self._wire_rate:
            return self._pieces(frame.pcm)
        if resampler is not None and frame.sample_rate == resampler.rate_in:
            return self._pieces(resampler.process(frame.pcm))
        following = Resampler(frame.sample_rate, self._wire_rate)
        pieces = self._pieces(following.process(frame.pcm))
        tail = self.flush()
        if frame.sample_rate != self._wire_rate:
            self._resampler = following
        return tail + pieces

    def flush(self) -> list[tuple[bytes, float]]:
        """The tail that the resampler holds; the next frame starts anew."""
        if self._resampler is None:
            return []
        resampler, self._resampler = self._resampler, None
        return self._pieces(resampler.flush())

    def _pieces(self, pcm: bytes) -> list[tuple[bytes, float]]:
        samples = len(pcm) // 2
        if not samples:
            return []
        payload = self._encode(pcm)
        pieces, each = piece_lengths(samples, self._wire_rate)
        if pieces == 1:
            return [(payload, samples / self._wire_rate)]
        step = each * self._bytes
        return [
            (part, len(part) / self._bytes / self._wire_rate)
            for part in (payload[i : i + step] for i in range(0, len(payload), step))
        ]
