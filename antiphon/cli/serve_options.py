"""The options that say where and how to listen, of `antiphon serve` and `antiphon doctor`."""

import argparse
from typing import Any

__all__ = ("add_listening", "add_tls")


def add_listening(group: Any) -> None:
    """Host and port."""
    group.add_argument(
        "--host",
        type=_host,
        default="127.0.0.1",
        metavar="ADDRESS",
        help="address to listen on; 0.0.0.0 for all of this machine (%(default)s)",
    )
    group.add_argument(
        "--port",
        type=port,
        default=8000,
        metavar="NUMBER",
        help="port, 0 for any free one (%(default)s)",
    )


def add_tls(group: Any) -> None:
    """Certificate and key."""
    group.add_argument("--tls-cert", metavar="FILE", help="certificate chain (PEM)")
    group.add_argument(
        "--tls-key", metavar="FILE", help="private key (PEM), unless it is in the same file"
    )


def _host(text: str) -> str:
    # asyncio takes no name for all of the machine: too much for a variable that is not set.
    if not text:
        raise argparse.ArgumentTypeError("it is empty; 0.0.0.0 is all of this machine")
    try:
        text.encode("idna")
    except UnicodeError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no host: {error}") from error
    return text


def port(text: str) -> int:
    """0 to 65535. Raises argparse.ArgumentTypeError."""
    value = int(text)
    if not 0 <= value <= 65535:
        raise argparse.ArgumentTypeError(f"a port is 0 to 65535, not {value}")
    return value
