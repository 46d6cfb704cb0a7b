"""Talks with a language model: speech to text, a streamed chat completion, text to speech.

    pip install httpx fastapi uvicorn
    python -m examples.llm_stand_in --port 8001
    python -m examples.llm_loop --port 8000

Open http://127.0.0.1:8000, press Start, and talk. The stand-in understands nothing; name a server
of the OpenAI kind by OPENAI_BASE_URL, its key by OPENAI_API_KEY, its models by CHAT_MODEL and
SPEECH_MODEL. Speech is made by espeak-ng, sentence by sentence, while the answer is still written.

Begin to talk during an answer and it stops. The transcript then keeps only what you have heard of
it, so that the model does not believe that it has said the rest. Each answer is published with the
transcript as an output.
"""

import io
import os
import re
import wave
from collections.abc import AsyncIterator
from weakref import WeakKeyDictionary

import anyio
import anyio.to_thread
import httpx
import msgspec

from antiphon import AdditionalOutputs, Call, Interrupted, ReplyOnPause, Stream, get_current_context
from examples.program import Sound, run, spoken

__all__ = ("Transcript", "model_server", "reply", "sentences", "shorten", "stream")

SYSTEM = {"role": "system", "content": "You are on the phone. Answer in a few short sentences."}


class Delta(msgspec.Struct):
    """What a chunk adds to the answer."""

    content: str | None = None


class Choice(msgspec.Struct):
    """One of the answers that are written at once; only one is asked for."""

    delta: Delta


class Chunk(msgspec.Struct):
    """A piece of a streamed completion."""

    choices: list[Choice]


class Transcript:
    """What was said in a call, as the model is told it."""

    def __init__(self) -> None:
        self.messages = [SYSTEM]
        self._spoken: list[tuple[str, int]] = []

    def hear(self, text: str) -> None:
        """The user has said this."""
        self.messages.append({"role": "user", "content": text})
        self._spoken = []

    def say(self, sentence: str, samples: int) -> None:
        """A sentence of the answer is given to be played, as so many samples."""
        if not self._spoken:
            self.messages.append({"role": "assistant", "content": ""})
        self._spoken.append((sentence, samples))
        self._write(" ".join(text for text, _ in self._spoken))

    def cut(self, interrupted: Interrupted) -> None:
        """Only so much of the answer was heard."""
        if self._spoken:
            self._write(shorten(self._spoken, interrupted.heard_samples))

    def _write(self, content: str) -> None:
        self.messages[-1] = {"role": "assistant", "content": content}


def shorten(spoken: list[tuple[str, int]], heard_samples: int) -> str:
    """The words of sentences, each with its length in samples, that so many samples hold; the last
    ends in a dash when it was cut off.
    """
    heard: list[str] = []
    for sentence, samples in spoken:
        words = sentence.split(" ")
        whole = len(words) * min(heard_samples, samples) // samples
        heard += words[:whole]
        if whole < len(words):
            return " ".join([*heard, "-"])
        heard_samples -= samples
    return " ".join(heard)


transcripts: WeakKeyDictionary[Call, Transcript] = WeakKeyDictionary()


def transcript() -> Transcript:
    """That of the call that runs here."""
    return transcripts.setdefault(get_current_context().call, Transcript())


def model_server() -> httpx.AsyncClient:
    """Where the models are."""
    key = os.environ.get("OPENAI_API_KEY")
    return httpx.AsyncClient(
        base_url=os.environ.get("OPENAI_BASE_URL", "http://127.0.0.1:8001/v1"),
        headers={"Authorization": f"Bearer {key}"} if key else {},
        timeout=30,
    )


async def text_of(turn: Sound, server: httpx.AsyncClient) -> str:
    """What was said in a turn."""
    sample_rate, samples = turn
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(sample_rate)
        sound.writeframes(samples.tobytes())
    response = await server.post(
        "/audio/transcriptions",
        files={"file": ("turn.wav", file.getvalue(), "audio/wav")},
        data={"model": os.environ.get("SPEECH_MODEL", "whisper-1")},
    )
    text: str = response.raise_for_status().json()["text"]
    return text


async def completion(
    messages: list[dict[str, str]], server: httpx.AsyncClient
) -> AsyncIterator[str]:
    """The pieces of the model's answer, as they are written."""
    model = os.environ.get("CHAT_MODEL", "gpt-4o-mini")
    body = {"model": model, "messages": messages, "stream": True}
    async with server.stream("POST", "/chat/completions", json=body) as response:
        response.raise_for_status()
        async for line in response.aiter_lines():
            data = line.removeprefix("data: ")
            if data == line or data == "[DONE]":
                continue
            for choice in msgspec.json.decode(data, type=Chunk).choices:
                yield choice.delta.content or ""


async def sentences(pieces: AsyncIterator[str]) -> AsyncIterator[str]:
    """Whole sentences out of pieces of text."""
    rest = ""
    async for piece in pieces:
        *whole, rest = re.split(r"(?<=[.!?])\s+", rest + piece)
        for sentence in whole:
            yield sentence
    if rest.strip():
        yield rest.strip()


async def reply(turn: Sound) -> AsyncIterator[Sound | AdditionalOutputs]:
    """Answer a turn, a sentence at a time."""
    mine = transcript()
    async with model_server() as server:
        mine.hear(await text_of(turn, server))
        async for sentence in sentences(completion(mine.messages, server)):
            sample_rate, samples = await anyio.to_thread.run_sync(spoken, sentence)
            mine.say(sentence, len(samples))
            yield sample_rate, samples
    yield AdditionalOutputs(list(mine.messages))


async def interrupted(what: Interrupted) -> None:
    """The user has begun to talk: forget what was not heard."""
    mine = transcript()
    mine.cut(what)
    await get_current_context().call.output(list(mine.messages))


stream = Stream(ReplyOnPause(reply, on_interrupt=interrupted))

if __name__ == "__main__":
    run(stream, __doc__)
