"""Which servers a client trusts: `--ca` and `--insecure`."""

import argparse
import ssl
from typing import Any

__all__ = ("add_trust", "client_tls")


def add_trust(group: Any) -> None:
    """The options."""
    trust = group.add_mutually_exclusive_group()
    trust.add_argument("--ca", metavar="FILE", help="authorities to trust for TLS (PEM)")
    trust.add_argument("--insecure", action="store_true", help="accept any certificate")


def client_tls(arguments: argparse.Namespace) -> ssl.SSLContext | None:
    """What the options ask for; None without them. Raises OSError for a file that is none."""
    if arguments.ca is not None:
        try:
            return ssl.create_default_context(cafile=arguments.ca)
        except OSError as error:
            raise OSError(f"{arguments.ca}: no certificates can be read: {error}") from error
    if not arguments.insecure:
        return None
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
