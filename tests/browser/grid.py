"""A program that serves all nine pairs of modality and mode, each at `/{modality}/{mode}/`, and a
page that owes nothing to this project's client at `/plain.html`.
"""

import socket
import sys
from pathlib import Path
from typing import get_args

import uvicorn
from fastapi import FastAPI
from fastapi.responses import FileResponse

from antiphon import Stream
from antiphon.stream import Modality, Mode
from tests.browser.witness import Witness

__all__ = ("MODALITIES", "MODES", "application")

MODALITIES: tuple[Modality, ...] = get_args(Modality)
MODES: tuple[Mode, ...] = get_args(Mode)
PLAIN = Path(__file__).with_name("plain.html")


def application() -> FastAPI:
    """The nine streams and the page."""
    app = FastAPI()
    for modality in MODALITIES:
        for mode in MODES:
            stream = Stream(Witness(modality, mode), modality=modality, mode=mode)
            stream.mount(app, f"/{modality}/{mode}")

    @app.get("/plain.html")
    async def plain() -> FileResponse:  # pyright: ignore[reportUnusedFunction] - a route
        return FileResponse(PLAIN)

    return app


def main() -> None:
    """Serve on a free port until told to end; the ready line is that of `antiphon serve`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        # The socket listens already: who comes before uvicorn accepts waits in its backlog.
        print(f"antiphon serves on http://127.0.0.1:{port}", file=sys.stderr, flush=True)
        config = uvicorn.Config(application(), log_level="warning", timeout_graceful_shutdown=2)
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
