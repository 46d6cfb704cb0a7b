"""`antiphon serve`: run a stream."""

import argparse
import gc
import importlib
import logging
import os
import sys
from typing import Any

import anyio

from ..core.errors import AntiphonError
from ..handlers.echo import echo
from ..stream import Modality, Stream
from ..transports.http import server_context
from ..transports.tasks import background
from .serve_options import add_listening, add_tls
from .stuck import leave
from .target import load_stream

__all__ = ("add_parser",)

log = logging.getLogger("antiphon")

EXAMPLES = """\
examples:
  antiphon serve                        the built-in echo, with a page to try it
  antiphon serve --modality audio-video an echo of sound and pictures
  antiphon serve app:stream --port 80   `stream = Stream(...)` of app.py here
  antiphon serve --port 8080            the speech endpoints, where clients of
                                        that API look for them
  antiphon serve app:stream --host 0.0.0.0 --tls-cert chain.pem \\
      --tls-key key.pem                 https:// and wss:// for everybody

`antiphon doctor`, with the same target and options, says what would not work.
Call it with `antiphon call ws://127.0.0.1:8000 --play in.wav --record out.wav`,
or open its page in a browser.

Ctrl-C or SIGTERM: no call is admitted any more, clients are told, and calls
have --grace seconds to end; the exit status is 0.

exit status:
  0  stopped in order
  1  the target cannot be loaded, or the port is taken
  2  wrong usage
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
        "target",
        nargs="?",
        metavar="module:stream",
        help="what to serve: app:stream is `stream = Stream(...)` of app.py in this folder; without"
        " it, an echo",
    )
    listening = parser.add_argument_group("where")
    add_listening(listening)
    add_tls(listening)
    _add_echo(parser.add_argument_group("the built-in echo (a target's Stream says it itself)"))
    _add_process(parser.add_argument_group("process"))
    parser.set_defaults(run=run)


def _add_echo(group: Any) -> None:
    group.add_argument(
        "--modality",
        choices=("audio", "video", "audio-video"),
        help="what it returns; pictures go over WebRTC (audio)",
    )
    group.add_argument(
        "--speech",
        action=argparse.BooleanOptionalAction,
        help="the speech endpoints beside it (--speech)",
    )


def _add_process(group: Any) -> None:
    group.add_argument(
        "--loop",
        choices=("auto", "asyncio", "uvloop"),
        default="auto",
        help="event loop; auto takes uvloop when it is installed (%(default)s)",
    )
    group.add_argument(
        "--grace",
        type=_grace,
        default=5.0,
        metavar="SECONDS",
        help="time that calls get to end at shutdown (%(default)g)",
    )
    group.add_argument(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        default="info",
        help="what is told on standard error (%(default)s)",
    )
    group.add_argument(
        "--workers",
        type=_workers,
        default=1,
        metavar="1",
        help="processes; only 1 for now: calls live in the memory of one process",
    )


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
    except (AntiphonError, ValueError, ImportError, OSError) as error:
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
    return load_stream(target)


def _tls(cert: str | None, key: str | None) -> Any:
    if cert is None:
        if key is not None:
            raise ValueError("--tls-key needs --tls-cert")
        return None
    try:
        return server_context(cert, key)
    except OSError as error:
        raise ValueError(
            f"the certificate {cert} cannot be used: {error}; `antiphon doctor` with the same"
            " options says why"
        ) from error


def _uvloop(choice: str) -> bool:
    if choice == "asyncio":
        return False
    try:
        importlib.import_module("uvloop")
    except ImportError as error:
        if choice == "uvloop":
            raise ValueError(f"{error}: pip install 'antiphon[uvloop]'") from error
        if not isinstance(error, ModuleNotFoundError):
            log.warning("uvloop is here and cannot be used (%s): asyncio's own loop serves", error)
        return False
    return True


def _grace(text: str) -> float:
    value = float(text)
    if not value >= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds, 0 or more")
    return value


def _workers(text: str) -> int:
    if text != "1":
        raise argparse.ArgumentTypeError(
            "only 1 worker for now; run several servers behind a balancer that keeps clients"
        )
    return 1
