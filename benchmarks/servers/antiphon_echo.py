"""The echoes that are measured. Over WebSocket 8 kHz both ways, so that nothing is resampled; over
WebRTC at the default rates. No limit on the calls.
"""

from antiphon import AudioFrame, Call, Stream

RATE = 8000


async def echo(call: Call) -> None:
    """Every frame back as it came."""
    async for frame in call.audio:
        await call.send_audio(frame)


async def echo_anew(call: Call) -> None:
    """Every frame made anew from its samples, as by a handler that speaks for itself."""
    async for frame in call.audio:
        await call.send_audio(AudioFrame(frame.pcm, frame.sample_rate))


stream = Stream(echo, input_sample_rate=RATE, output_sample_rate=RATE, concurrency_limit=None)
anew = Stream(echo_anew, input_sample_rate=RATE, output_sample_rate=RATE, concurrency_limit=None)
webrtc = Stream(echo, concurrency_limit=None)
webrtc_anew = Stream(echo_anew, concurrency_limit=None)
