"""Streams that say what no page expects."""

from typing import Any

from antiphon import Call, Stream

__all__ = ("rude", "talkative")

MARKUP = '<img src=x onerror="document.title = 1"><script>document.title = 1</script>'
WORDS: tuple[Any, ...] = (
    MARKUP,
    {MARKUP: [MARKUP]},
    {"speech_endpoint": "none"},
    {"speech_summary": {"current_speech_summary": {}}},
    {"voice_verify": [{"verify_result": {"score": None}}]},
    "long " * 2000,
)


async def insult(call: Call) -> None:
    for word in WORDS:
        await call.send(word)
        await call.output(word)
    for name in ("constructor", "__proto__"):
        await call.log(name)
    await call.log("the last")
    async for _ in call.messages:
        pass


async def chatter(call: Call) -> None:
    for number in range(1500):
        await call.send({"number": number})
    await call.log("the last")
    async for _ in call.messages:
        pass


rude = Stream(insult)
"""Sends markup, what looks like results of speech, long texts, and names that objects have."""

talkative = Stream(chatter)
"""Sends more than anybody reads."""
