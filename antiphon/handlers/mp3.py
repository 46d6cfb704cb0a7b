"""MP3, encoded by PyAV."""

import io
from typing import Any

import av
import numpy as np

from ..core.audio.frames import Samples
from ..core.audio.resample import Resampler

__all__ = ("encode_mp3",)

# ISO/IEC 11172-3 and 13818-3, and MPEG 2.5 below 16 kHz.
_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
_BIT_RATE = 128_000


def encode_mp3(sample_rate: int, channels: Samples) -> bytes:
    """An MP3 file of int16 sound of shape (1, n) or (2, n). ValueError for a rate above 48 kHz."""
    rate = next((rate for rate in _RATES if rate >= sample_rate), None)
    if rate is None:
        raise ValueError(f"MP3 has at most {_RATES[-1]} Hz, not {sample_rate}")
    if rate != sample_rate:
        channels = np.stack([_resampled(channel, sample_rate, rate) for channel in channels])
    layout = "stereo" if len(channels) == 2 else "mono"
    contents = io.BytesIO()
    with av.open(contents, "w", format="mp3") as container:
        output: Any = container  # what it ships of types does not name the types of its packets
        stream = output.add_stream("mp3", rate=rate)
        stream.bit_rate = _BIT_RATE
        stream.layout = layout
        planes = np.ascontiguousarray(channels)
        frame = av.AudioFrame.from_ndarray(planes, format="s16p", layout=layout)
        frame.sample_rate = rate
        for packet in (*stream.encode(frame), *stream.encode(None)):
            output.mux(packet)
    return contents.getvalue()


def _resampled(channel: Samples, rate_in: int, rate_out: int) -> Samples:
    resampler = Resampler(rate_in, rate_out, live=False)
    pcm = resampler.process(channel.tobytes()) + resampler.flush()
    return np.frombuffer(pcm, np.int16)
