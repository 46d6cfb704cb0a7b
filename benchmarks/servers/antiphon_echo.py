"""The echoes that are measured: 8 kHz both ways, so that nothing is resampled, and no limit."""

from antiphon import AudioFrame, Call, Stream

RATE = 8000


async def echo(call: Call) -> None:
    """Every frame back as it came."""
    async for frame in call.audio:
        await call.send_audio(frame)


async def echo_anew(call: Call) -> None:
    """Every frame made anew from its samples, as by a handler that speaks for itself."""
    async for frame in call.audio:
        await call.send_audio(AudioFrame(frame.pcm, RATE))


stream = Stream(echo, input_sample_rate=RATE, output_sample_rate=RATE, concurrency_limit=None)
anew = Stream(echo_anew, input_sample_rate=RATE, output_sample_rate=RATE, concurrency_limit=None)
