"""FastRTC's ReplyOnPause under plain uvicorn, told by the same environment as ours. Runs in the
rival's own virtual environment.

Its Silero file would have to be downloaded, so loudness stands in for the network: 64 ms are
speech above -50 dB of full scale. All that is made of these answers is FastRTC's own.
"""

import argparse
import importlib
import os
import socket
from typing import Any

import numpy as np

from .replies import HEAD, REPLIES, Turn

# No static types: the package is not installed where the checkers run.
fastapi: Any = importlib.import_module("fastapi")
fastrtc: Any = importlib.import_module("fastrtc")
silero: Any = importlib.import_module("fastrtc.pause_detection.silero")
uvicorn: Any = importlib.import_module("uvicorn")

RATE = int(os.environ.get("TURNS_RATE", "24000"))
_LOUD = 10 ** (-50 / 20)


class Loudness(silero.SileroVADModel):  # type: ignore[misc]  # the base is Any, see above
    """Everything but the network."""

    def __init__(self) -> None:
        pass

    def __call__(self, audio: Any, state: Any, sample_rate: int) -> tuple[float, Any]:
        loud: float = np.sqrt(np.mean(np.square(np.asarray(audio, np.float64))))
        return float(loud > _LOUD), state


def head(turn: Turn) -> Any:
    """Say how the turn begins, that was handed over."""
    rate, audio = turn
    yield rate, audio[:, : int(HEAD * rate)]


def main() -> None:
    """Serve until the process ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="asyncio")
    loop: str = parser.parse_args().loop
    reply: Any = {"head": head, **REPLIES}[os.environ.get("TURNS_REPLY", "head")]
    handler = fastrtc.ReplyOnPause(
        reply, model=Loudness(), input_sample_rate=RATE, output_sample_rate=RATE
    )
    app = fastapi.FastAPI()
    stream = fastrtc.Stream(
        handler,
        modality="audio",
        mode="send-receive",
        concurrency_limit=1_000_000,
        server_rtc_configuration={"iceServers": []},  # host candidates only: no STUN
    )
    stream.mount(app)
    server = uvicorn.Server(uvicorn.Config(app, loop=loop, log_level="warning"))
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        print(f"fastrtc turns on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        server.run(sockets=[listener])


if __name__ == "__main__":
    main()
