"""Paints what is brighter than a threshold, which a slider sets, and counts its pixels.

    pip install fastapi uvicorn
    python -m examples.video_threshold --port 8000

Open http://127.0.0.1:8000 and press Start. The application is FastAPI's: its routes take the slider
(`/input_hook`, checked by pydantic) and give the counts (`/updates`, server-sent events); the
stream is mounted beside them.
"""

import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import uvicorn
from fastapi import FastAPI
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import BaseModel, Field

from antiphon import AdditionalOutputs, Stream
from examples.program import port_wanted, say_ready

__all__ = ("app", "mark", "stream")

PAGE = Path(__file__).with_name("video_threshold.html")
PAINT = (60, 60, 255)  # blue, green, red

Pixels = npt.NDArray[np.uint8]


def mark(frame: Pixels, conf_threshold: float = 0.5) -> tuple[Pixels, AdditionalOutputs]:
    """Paint the pixels of a picture (height, width, 3; BGR) above the threshold, and count them."""
    bright = frame.max(axis=2) > 255 * conf_threshold
    frame[bright] = PAINT
    return frame, AdditionalOutputs(int(np.count_nonzero(bright)))


stream = Stream(mark, modality="video", mode="send-receive")
app = FastAPI()
stream.mount(app)


class InputData(BaseModel):
    """What the slider sends."""

    webrtc_id: str
    conf_threshold: float = Field(ge=0, le=1)


@app.get("/")
async def page() -> FileResponse:
    """The page; it goes before the stream's own."""
    return FileResponse(PAGE)


@app.post("/input_hook")
async def set_threshold(data: InputData) -> dict[str, Any]:
    """The next picture is marked with this threshold."""
    stream.set_input(data.webrtc_id, data.conf_threshold)
    return {"status": "ok"}


@app.get("/updates")
async def updates(webrtc_id: str) -> StreamingResponse:
    """The counts, as they come."""
    outputs = stream.output_stream(webrtc_id)  # here, so that an unknown call is a 404

    async def events() -> AsyncIterator[str]:
        async for output in outputs:
            yield f"data: {output.args[0]}\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


def main() -> None:
    """Serve on this machine until Ctrl-C."""
    with socket.create_server(("127.0.0.1", port_wanted(__doc__))) as listener:
        say_ready(listener.getsockname()[1])
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2)
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
