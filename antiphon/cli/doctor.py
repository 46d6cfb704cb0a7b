"""`antiphon doctor`: what is fine here, what is not, and what to do about it."""

import argparse
import re
import shutil
import ssl
import sys
from collections.abc import AsyncIterator
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

import anyio
import msgspec

from ..core.ice_servers import IceServer
from ..handlers.echo import echo
from ..stream import Stream
from ..transports.ice_config import resolve_configuration
from .call_options import header, seconds
from .diagnosis.certificate import look_at_certificate
from .diagnosis.finding import Finding, as_text, is_well, problem
from .diagnosis.installation import look_at_installation
from .diagnosis.listening import look_at_files, look_at_microphone, look_at_port
from .screen import printable
from .serve_options import add_listening, add_tls
from .target import load_stream
from .trust import add_trust, client_tls

__all__ = ("add_parser",)

DESCRIPTION = """\
Look at this machine as a server of calls: what is installed, whether the port
is free, what the certificate is good for, where calls over WebRTC can come
from, and whether one works here. With a URL, look at a server there instead,
through whatever proxies are on the way.
"""
EPILOG = """\
examples:
  antiphon doctor                       as `antiphon serve` would run here
  antiphon doctor app:stream --port 80  that Stream: its limits, its ICE servers
  antiphon doctor --host 0.0.0.0 --tls-cert chain.pem --tls-key key.pem
                                        before `antiphon serve` is given them
  antiphon doctor --ice stun:stun.example.org:3478
  antiphon doctor --ice turn:turn.example.org:3478 --ice-user NAME \\
      --ice-password SECRET             do they answer, and what do they see?
  antiphon doctor https://voice.example.org
                                        a server there, over each transport
  antiphon doctor --json | jq '.[] | select(.verdict != "ok")'

what it does:
  Here, one call to itself over WebRTC, of about a second. There, one call of
  three pings over each transport: the handler runs, and has
  {"purpose": "antiphon doctor"} as metadata. Nobody else is asked anything,
  but the ICE servers that are named.

verdicts:
  ok       as it should be
  note     works, but there is something to know
  problem  does not work, and what to do
  skipped  not looked at, and why

exit status:
  0  no problem    1  at least one problem    2  wrong usage
"""


def add_parser(commands: Any) -> None:
    """Add this command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "doctor",
        help="tell what is fine here or at a URL, what is not, and what to do",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "target",
        nargs="?",
        metavar="module:stream | URL",
        help="a Stream to be served here, or http(s)://host[:port][/path] of a server; without it,"
        " the built-in echo here",
    )
    add_listening(parser.add_argument_group("the server here"))
    tls = parser.add_argument_group("TLS here")
    add_tls(tls)
    ice = parser.add_argument_group("ICE servers, beside those of the Stream")
    ice.add_argument(
        "--ice",
        metavar="URL",
        action="append",
        default=[],
        help="stun:host[:port] or turn:host[:port]; may be repeated",
    )
    ice.add_argument("--ice-user", metavar="NAME", default="", help="for TURN")
    ice.add_argument("--ice-password", metavar="SECRET", default="", help="for TURN")
    there = parser.add_argument_group("a server at a URL")
    there.add_argument(
        "--header",
        metavar="'NAME: VALUE'",
        type=header,
        action="append",
        default=[],
        help="an HTTP header, such as Authorization; repeat it for more",
    )
    add_trust(there)
    there.add_argument(
        "--timeout",
        type=seconds,
        default=10.0,
        metavar="SECONDS",
        help="for each thing that is tried (%(default)g)",
    )
    parser.add_argument("--json", action="store_true", help="a list of findings on standard output")
    parser.set_defaults(run=run, usage_error=parser.error)


def run(arguments: argparse.Namespace) -> int:
    """Look; returns the exit status."""
    elsewhere = "://" in (arguments.target or "")
    findings = _there(arguments) if elsewhere else _here(arguments)
    found = anyio.run(_gather, findings, not arguments.json)
    if arguments.json:
        print(msgspec.json.encode(found).decode())
    else:
        columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        print("\n".join(printable(line) for line in as_text(found, columns).split("\n")))
    return 0 if is_well(found) else 1


async def _gather(findings: AsyncIterator[Finding], told: bool) -> list[Finding]:
    """All of them; whoever waits at a terminal sees that something goes on."""
    live = told and sys.stderr.isatty()
    found: list[Finding] = []
    async for finding in findings:
        found.append(finding)
        if live:
            print(f"\r\x1b[K{finding.check} ...", end="", file=sys.stderr, flush=True)
    if live:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    return found


async def _here(arguments: argparse.Namespace) -> AsyncIterator[Finding]:
    for finding in look_at_installation():
        yield finding
    try:
        stream = load_stream(arguments.target) if arguments.target else Stream(echo, speech=True)
    except Exception as error:  # an application's module raises what it likes
        yield _unloaded(arguments.target, error)
        return
    yield look_at_port(arguments.host, arguments.port)
    yield look_at_microphone(arguments.host, arguments.port, tls=arguments.tls_cert is not None)
    if arguments.tls_cert is None and arguments.tls_key is not None:
        yield problem("TLS", "--tls-key needs --tls-cert", "name the certificate of that key too")
    if arguments.tls_cert is not None:
        for finding in look_at_certificate(arguments.tls_cert, arguments.tls_key, arguments.host):
            yield finding
    async for finding in _webrtc(arguments, stream):
        yield finding


def _unloaded(target: str | None, error: Exception) -> Finding:
    if not target:
        return problem("stream", str(error), "`antiphon models` tells which engines are here")
    if type(error) is ValueError or isinstance(error.__cause__, ModuleNotFoundError):
        advice = "`antiphon serve --help` shows how a target reads; a server has http(s)://"
        return problem("stream", str(error), advice)
    name = target.partition(":")[0]
    text = f"{target} cannot be loaded: {type(error).__name__}: {error}"
    return problem("stream", text, f"`python -c 'import {name}'` in this folder tells where")


async def _webrtc(arguments: argparse.Namespace, stream: Stream) -> AsyncIterator[Finding]:
    settings = stream.host.settings
    try:
        # aiortc takes half a second to import, and what it stands on may be broken here.
        reachability = import_module(".diagnosis.reachability", __package__)
        rehearsal = import_module(".diagnosis.rehearsal", __package__)
        own = await resolve_configuration(settings.server_rtc_configuration)
        named = _named_servers(arguments)
    except ImportError as error:
        yield problem(
            "WebRTC",
            f"aiortc cannot be used here: {error}",
            "pip install --force-reinstall 'aiortc~=1.16.0'",
        )
        return
    except ValueError as error:
        yield problem("WebRTC", str(error), "an ICE server reads stun:host:port")
        return
    servers = (*(own.servers if own is not None else ()), *named)
    addresses = await reachability.host_addresses()
    relayed = any(server.relays for server in servers)
    yield look_at_files(settings, len(addresses), relayed=relayed)
    yield await reachability.look_at_hooks()
    for finding in reachability.look_at_addresses(
        addresses, settings.address_policy, arguments.host, servers=bool(servers)
    ):
        yield finding
    async for finding in reachability.look_at_servers(servers):
        yield finding
    yield await rehearsal.rehearse()


def _named_servers(arguments: argparse.Namespace) -> tuple[IceServer, ...]:
    """Raises ValueError."""
    return tuple(
        IceServer(urls=(url,), username=arguments.ice_user, credential=arguments.ice_password)
        for url in arguments.ice
    )


async def _there(arguments: argparse.Namespace) -> AsyncIterator[Finding]:
    remote = import_module(".diagnosis.remote", __package__)
    try:
        base = urlsplit(str(arguments.target))
        scheme = base.scheme.removeprefix("webrtc+").replace("ws", "http")
        base = base._replace(scheme=scheme, query="", fragment="")
        if scheme not in ("http", "https") or not base.hostname or base.port == 0:
            raise ValueError("not http(s)://host[:port][/path]")
        if not re.fullmatch(r"[\x21-\x7e]+", arguments.target):
            raise ValueError("it holds characters that a URL encodes as %XX")
        secure = scheme == "https"
        tls = (client_tls(arguments) or ssl.create_default_context()) if secure else None
    except ValueError as error:
        yield problem("server", f"{arguments.target}: {error}", "name it as a browser would")
        return
    except OSError as error:
        yield problem("server", str(error), "--ca takes the certificates of authorities as PEM")
        return
    place = remote.Place(
        base=base, headers=dict(arguments.header), tls=tls, timeout=arguments.timeout
    )
    async for finding in remote.look_at_server(place):
        yield finding
