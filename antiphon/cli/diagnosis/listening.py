"""Whether a server can listen here: address, port and files, and what browsers make of it."""

import errno
import ipaddress
import os
import resource
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ...transports.host import Settings
from .finding import Finding, note, ok, problem

__all__ = ("holder_of", "is_loopback", "look_at_files", "look_at_microphone", "look_at_port")

_PORT, _BROWSERS, _FILES = "port", "microphone", "open files"
_LISTENING = "0A"  # TCP_LISTEN of Linux's /proc/net/tcp
_SPARE = 64  # open files of the process itself: libraries, loop, log


def look_at_port(host: str, port: int) -> Finding:
    """Whether a server can listen there; if not, who does."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        return problem(_PORT, f"{host} is no address: {error.strerror}", "choose another --host")
    for family, kind, protocol, _, address in found:
        with socket.socket(family, kind, protocol) as probe:
            if os.name == "posix":  # as asyncio does: a port that has just been left is free
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(address)
                probe.listen(1)
            except OSError as error:
                return _refused(host, port, error)
    return ok(_PORT, f"{host} port {port} is free" if port else f"{host} has free ports")


def _refused(host: str, port: int, error: OSError) -> Finding:
    if error.errno == errno.EADDRINUSE:
        who = holder_of(port) or "a process that this user may not see"
        return problem(
            _PORT, f"{host} port {port} is in use by {who}", "stop that, or choose another --port"
        )
    if error.errno == errno.EACCES:
        advice = (
            "listen above 1023 behind a proxy, or give the process CAP_NET_BIND_SERVICE"
            " (AmbientCapabilities= of systemd)"
        )
        return problem(_PORT, f"this user may not listen on port {port}", advice)
    if error.errno == errno.EADDRNOTAVAIL:
        advice = "0.0.0.0 listens on all addresses, 127.0.0.1 for this machine only"
        return problem(_PORT, f"{host} is no address of this machine", advice)
    return problem(_PORT, f"{host} port {port}: {error.strerror}", "choose another address")


def holder_of(port: int) -> str:
    """Who listens on a TCP port, as `name (pid N)`; empty when nobody can tell (not Linux, or
    another user's process).
    """
    inodes = set(_listening_inodes(port))
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            for descriptor in (process / "fd").iterdir():
                if _inode(descriptor) in inodes:
                    name = (process / "comm").read_text().strip()
                    return f"{name} (pid {process.name})"
    return ""


def _inode(descriptor: Path) -> str:
    try:
        target = str(descriptor.readlink())
    except OSError:
        return ""
    return target.removeprefix("socket:[").removesuffix("]") if "socket:[" in target else ""


def _listening_inodes(port: int) -> Iterator[str]:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                    yield fields[9]


def is_loopback(host: str) -> bool:
    """Whether this names the machine itself, so that browsers trust pages from there."""
    name = host.strip("[]").lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def look_at_microphone(host: str, port: int, *, tls: bool) -> Finding:
    """Whether browsers give pages from there a microphone: a secure context
    (w3.org/TR/secure-contexts section 3.1).
    """
    if tls:
        return ok(_BROWSERS, "pages come by https: browsers let them ask for it")
    if is_loopback(host):
        return ok(_BROWSERS, f"browsers on this machine let pages of http://{host} ask for it")
    inside = "localhost" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
    return note(
        _BROWSERS,
        f"browsers give no microphone to a page of http://{host} on another machine",
        "serve with --tls-cert and --tls-key, or behind a proxy with TLS; for a look,"
        f" `ssh -L 8000:{inside}:{port or 'PORT'} MACHINE` and http://localhost:8000",
    )


def look_at_files(settings: Settings, addresses: int, *, relayed: bool) -> Finding:
    """Whether as many calls as are admitted can have their sockets.

    addresses: on how many each call over WebRTC listens. relayed: whether it has a TURN server.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    each = 1 + addresses + relayed
    if soft == resource.RLIM_INFINITY:
        return ok(_FILES, "as many as the system has")
    if settings.concurrency_limit is None:
        text = f"{soft}, and calls without a limit: each takes up to {each}"
        return note(_FILES, text, "Stream(concurrency_limit=...) refuses what does not fit")
    needed = each * settings.concurrency_limit + settings.connecting_limit + _SPARE
    told = f"{soft} allowed, {needed} needed for {settings.concurrency_limit} calls of {each} each"
    if soft >= needed:
        return ok(_FILES, told)
    able = "" if hard == resource.RLIM_INFINITY or hard >= needed else f" (as root: {hard} now)"
    advice = f"`ulimit -n {needed}`{able}, or LimitNOFILE={needed} of systemd"
    return problem(_FILES, told, advice)
