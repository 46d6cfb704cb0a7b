"""The echo that is measured: 8 kHz both ways, so that nothing is resampled, and no limit."""

from antiphon import Call, Stream

RATE = 8000


async def echo(call: Call) -> None:
    """Every frame back as it came."""
    async for frame in call.audio:
        await call.send_audio(frame)


stream = Stream(
    echo,
    modality="audio",
    input_sample_rate=RATE,
    output_sample_rate=RATE,
    concurrency_limit=None,
)
