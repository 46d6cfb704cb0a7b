"""Conversations that are measured. What answers, and who listens, is told by the environment:
TURNS_VAD (an engine), TURNS_REPLY (head, whole, pieces or busy) and TURNS_RATE (Hz, both ways).
"""

import base64
import os
from typing import Any

from antiphon import Stream
from antiphon.core.context import current_call
from antiphon.handlers.reply_on_pause import ReplyOnPause

from .replies import HEAD, REPLIES

RATE = int(os.environ.get("TURNS_RATE", "24000"))


async def head(turn: tuple[int, Any]) -> None:
    """Tell how the turn begins, that was handed over."""
    rate, audio = turn
    pcm = audio[0, : int(HEAD * rate)].astype("<i2").tobytes()
    await current_call().send(base64.b64encode(pcm).decode())


reply: Any = {"head": head, **REPLIES}[os.environ.get("TURNS_REPLY", "head")]
handler = ReplyOnPause(
    reply,
    vad=os.environ.get("TURNS_VAD", "auto"),
    input_sample_rate=RATE,
    output_sample_rate=RATE,
)
stream = Stream(handler, concurrency_limit=None)
