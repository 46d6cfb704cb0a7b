"""`antiphon serve`: run a stream."""

import argparse
import gc
import importlib
import importlib.util
import logging
import os
import sys
from typing import Any

import anyio

from ..handlers.echo import echo
from ..stream import Modality, Stream
from ..transports.http import server_context
from ..transports.tasks import background
from .stuck import leave

__all__ = ("add_parser",)

EXAMPLES = """examples:
  antiphon serve                        the built-in echo on http://127.0.0.1:8000
  antiphon serve --modality audio-video an echo of sound and pictures, over WebRTC
  antiphon serve app:stream --port 80   `stream = Stream(...)` of app.py in this folder
  antiphon serve --port 8080            its speech endpoints where clients of that API look
  antiphon serve app:stream --host 0.0.0.0 --tls-cert chain.pem --tls-key key.pem
                                        wss:// and https:// for everybody

Call it with `antiphon call ws://127.0.0.1:8000 --play in.wav --record out.wav`, or over WebRTC with
`antiphon call webrtc+http://127.0.0.1:8000 --video in.mp4 --record out.mp4`.
Ctrl-C or SIGTERM: no call is admitted any more, clients are told, and calls have --grace
seconds to end; the exit status is 0.

exit status:
  0  stopped in order    1  the target cannot be loaded, or the port is taken    2  wrong usage
"""


def add_parser(commands: Any) -> None:
    """Add this command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "serve",
        help="run a stream",
        description="Serve a Stream over WebRTC, WebSocket and HTTP, with its console page.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "target", nargs="?", metavar="module:stream", help="what to serve; without it, an echo"
    )
    parser.add_argument(
        "--modality",
        choices=("audio", "video", "audio-video"),
        help="what the echo returns (audio); of a target its Stream says it",
    )
    parser.add_argument(
        "--speech",
        action=argparse.BooleanOptionalAction,
        help="whether the echo has the speech endpoints beside it (it has); of a target its Stream"
        " says it",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument(
        "--port", type=_port, default=8000, help="port, 0 for any free one (%(default)s)"
    )
    parser.add_argument(
        "--workers",
        type=_workers,
        default=1,
        help="processes; only 1 for now: calls live in the memory of one process",
    )
    parser.add_argument("--tls-cert", metavar="FILE", help="certificate chain (PEM)")
    parser.add_argument("--tls-key", metavar="FILE", help="private key (PEM)")
    parser.add_argument(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        default="info",
        help="(%(default)s)",
    )
    parser.add_argument(
        "--loop",
        choices=("auto", "asyncio", "uvloop"),
        default="auto",
        help="event loop; auto takes uvloop when it is installed",
    )
    parser.add_argument(
        "--grace",
        type=float,
        default=5.0,
        metavar="SECONDS",
        help="time that calls get to end at shutdown (%(default)s)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until told to stop."""
    logging.basicConfig(
        level=arguments.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    if arguments.log_level == "info":
        # It tells of each candidate pair of each call.
        logging.getLogger("aioice").setLevel(logging.WARNING)
    try:
        stream = _stream(arguments.target, arguments.modality, arguments.speech)
        tls = _tls(arguments.tls_cert, arguments.tls_key)
        uvloop = _uvloop(arguments.loop)
    except (ValueError, ImportError, OSError) as error:
        return _fail(str(error))
    scheme = "https" if tls is not None else "http"

    async def serve() -> None:
        async with background() as tasks:

            def ready(port: int) -> None:
                host = f"[{arguments.host}]" if ":" in arguments.host else arguments.host
                print(f"antiphon serves on {scheme}://{host}:{port}", file=sys.stderr, flush=True)
                tasks.start_soon(_settle, stream)

            await stream.serve(
                arguments.host, arguments.port, tls=tls, grace=arguments.grace, ready=ready
            )

    try:
        anyio.run(serve, backend_options={"use_uvloop": uvloop})
    except OSError as error:
        # asyncio words it anew and names the address again; of getaddrinfo the number is negative.
        number = error.errno or 0
        why = os.strerror(number) if number > 0 else error.strerror
        return _fail(f"cannot listen on {arguments.host} port {arguments.port}: {why}")
    return leave(0, arguments.grace)


async def _settle(stream: Stream) -> None:
    """Keep what is imported, also for WebRTC, out of every garbage collection: to look through it
    holds up all calls for 15 to 20 ms.
    """
    gc.disable()
    try:
        await stream.asgi.routes.prepare()
        gc.freeze()
    finally:
        gc.enable()


def _fail(text: str) -> int:
    print(f"antiphon serve: {text}", file=sys.stderr)
    return 1


def _stream(target: str | None, modality: Modality | None, speech: bool | None) -> Stream:
    if target is None:
        return Stream(echo, modality=modality or "audio", speech=speech is not False)
    if modality is not None:
        raise ValueError("--modality is for the echo; the Stream of a target has its own")
    if speech is not None:
        raise ValueError("--speech is for the echo; a target says Stream(..., speech=True)")
    return _load(target)


def _load(target: str) -> Stream:
    """The stream that `module:name` names, with the current folder on the path."""
    module_name, colon, name = target.partition(":")
    if not (module_name and colon and name):
        raise ValueError(f"a target reads module:stream, not {target!r}")
    sys.path.insert(0, "")
    value: Any = importlib.import_module(module_name)
    for part in name.split("."):
        if not hasattr(value, part):
            raise ValueError(f"{module_name} has no {name!r}")
        value = getattr(value, part)
    if not isinstance(value, Stream):
        raise ValueError(f"{target} is a {type(value).__name__}, not an antiphon Stream")
    return value


def _tls(cert: str | None, key: str | None) -> Any:
    if cert is None:
        if key is not None:
            raise ValueError("--tls-key needs --tls-cert")
        return None
    try:
        return server_context(cert, key)
    except OSError as error:
        raise ValueError(f"the certificate {cert} cannot be used: {error}") from error


def _uvloop(choice: str) -> bool:
    if choice == "asyncio":
        return False
    if importlib.util.find_spec("uvloop") is not None:
        return True
    if choice == "uvloop":
        raise ValueError("uvloop is not installed: pip install 'antiphon[uvloop]'")
    return False


def _port(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 65535:
        raise argparse.ArgumentTypeError(f"a port is 0 to 65535, not {value}")
    return value


def _workers(text: str) -> int:
    value = int(text)
    if value != 1:
        raise argparse.ArgumentTypeError(
            "only 1 worker for now; run several servers behind a balancer that keeps clients"
        )
    return value
