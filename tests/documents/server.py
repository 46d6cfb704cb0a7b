"""Server code as the documents of the known API show it, with only the import changed."""

from collections.abc import AsyncIterator

from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from antiphon import Stream

__all__ = ("InputData", "add_routes", "application")


class InputData(BaseModel):
    """What the page sends when its slider is moved."""

    webrtc_id: str
    conf_threshold: float = Field(ge=0, le=1)


def add_routes(app: FastAPI, stream: Stream) -> None:
    """The two routes of the documents."""

    @app.post("/input_hook")
    async def _(data: InputData) -> None:
        stream.set_input(data.webrtc_id, data.conf_threshold)

    @app.get("/updates")
    async def stream_updates(webrtc_id: str) -> StreamingResponse:
        async def output_stream() -> AsyncIterator[str]:
            async for output in stream.output_stream(webrtc_id):
                yield f"data: {output.args[0]}\n\n"

        return StreamingResponse(output_stream(), media_type="text/event-stream")


def application(stream: Stream, *, mounted_first: bool) -> FastAPI:
    """The documents do not say which comes first; their demos mount first."""
    app = FastAPI()
    if mounted_first:
        stream.mount(app)
        add_routes(app, stream)
    else:
        add_routes(app, stream)
        stream.mount(app)
    return app
