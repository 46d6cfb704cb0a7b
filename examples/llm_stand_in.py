"""Stands in for a server of the OpenAI kind, so that `llm_loop` runs without one.

    python -m examples.llm_stand_in --port 8001

`/v1/audio/transcriptions` writes down how long a sound is, `/v1/chat/completions` streams an answer
word by word which counts the user's messages and repeats the last of each side.
"""

import io
import json
import wave
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

from examples.program import port_wanted

__all__ = ("answer_to", "app")

app = FastAPI()


def answer_to(messages: Sequence[Mapping[str, str]]) -> str:
    """What the stand-in says: the same each time."""
    said = [message["content"] for message in messages if message["role"] == "user"]
    mine = [message["content"] for message in messages if message["role"] == "assistant"]
    before = f" Before that you have heard me say: {mine[-1]}" if mine else ""
    return f"This is answer number {len(said)}. You have said: {said[-1]}.{before}"


@app.post("/v1/audio/transcriptions")
async def transcriptions(request: Request) -> dict[str, str]:
    """How long a WAV file is, in words."""
    form = await request.body()
    with wave.open(io.BytesIO(form[form.index(b"RIFF") :])) as sound:
        seconds = sound.getnframes() / sound.getframerate()
    return {"text": f"something of {seconds:.0f} seconds"}


@app.post("/v1/chat/completions")
async def completions(body: dict[str, Any]) -> StreamingResponse:
    """An answer as a stream of chunks, a word each."""
    words = answer_to(body["messages"]).split(" ")

    async def chunks() -> AsyncIterator[str]:
        for number, word in enumerate(words):
            delta = {"content": word if number == 0 else f" {word}"}
            yield f"data: {json.dumps({'choices': [{'index': 0, 'delta': delta}]})}\n\n"
        yield "data: [DONE]\n\n"

    return StreamingResponse(chunks(), media_type="text/event-stream")


if __name__ == "__main__":
    uvicorn.run(app, port=port_wanted(__doc__))
