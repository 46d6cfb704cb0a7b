"""Whether a certificate and its key serve for TLS."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from ...transports.http import server_context
from .finding import Finding, note, ok, problem
from .listening import is_loopback

__all__ = ("look_at_certificate",)

_TLS = "TLS"
SOON = 14  # days; ACME clients renew a month before the end, so it should not come to this
_ANY = ("0.0.0.0", "::", "")


def look_at_certificate(cert: str, key: str | None, host: str) -> Iterator[Finding]:
    """The chain in `cert` and its key, for a server at `host`."""
    try:
        chain = x509.load_pem_x509_certificates(Path(cert).read_bytes())
        if key is not None:
            Path(key).read_bytes()
    except OSError as error:
        advice = "the server's user must be able to read it; a renewal may have moved it"
        yield problem(_TLS, f"{error.filename} cannot be read: {error.strerror}", advice)
        return
    except ValueError as error:
        advice = "--tls-cert takes the chain as PEM: fullchain.pem of ACME clients"
        yield problem(_TLS, f"{cert} holds no certificate: {error}", advice)
        return
    yield _pair(cert, key)
    yield _time(chain[0])
    yield _names(chain[0], host)
    if len(chain) == 1 and chain[0].issuer != chain[0].subject:
        text = f"{cert} holds one certificate, without those between it and its authority"
        yield note(_TLS, text, "browsers may not trust it: use fullchain.pem")


def _pair(cert: str, key: str | None) -> Finding:
    try:
        server_context(cert, key)
    except ssl.SSLError as error:
        if "KEY_VALUES_MISMATCH" in str(error):
            return problem(_TLS, f"{key} is not the key of {cert}", "take both from one folder")
        advice = "--tls-key takes the private key as PEM, without a password"
        return problem(_TLS, f"{key or cert} is no usable key: {error.reason or error}", advice)
    except ValueError:
        file = key or cert
        advice = f"`openssl pkey -in {file} -out FILE` writes it without one: keep that to yourself"
        return problem(_TLS, f"the key in {file} has a password", advice)
    except OSError as error:
        return problem(_TLS, f"{cert}: {error}", "--tls-cert and --tls-key take PEM files")
    return ok(_TLS, "the certificate and the key belong together")


def _time(leaf: x509.Certificate) -> Finding:
    now, end = datetime.now(UTC), leaf.not_valid_after_utc
    day = f"{end:%Y-%m-%d}"
    if now > end:
        return problem(_TLS, f"the certificate ended on {day}", "renew it, then start anew")
    if now < leaf.not_valid_before_utc:
        begin = f"{leaf.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
        return problem(_TLS, f"the certificate begins on {begin}", "look at this machine's clock")
    left = (end - now).days
    if left < SOON:
        return note(_TLS, f"the certificate ends in {left} days, on {day}", "renew it")
    return ok(_TLS, f"the certificate is good until {day}")


def _names(leaf: x509.Certificate, host: str) -> Finding:
    names = _alternatives(leaf)
    if not names:
        text = "the certificate names no host, and browsers look at no other field for it"
        return problem(_TLS, text, "have it made with subject alternative names")
    told = f"the certificate is for {', '.join(names)}"
    if host in _ANY or is_loopback(host) or _covers(names, host):
        return ok(_TLS, told)
    return note(_TLS, f"{told}, not for {host}", "clients have to call it by one of these names")


def _alternatives(leaf: x509.Certificate) -> list[str]:
    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    names = extension.value.get_values_for_type(x509.DNSName)
    addresses = extension.value.get_values_for_type(x509.IPAddress)
    return [*names, *map(str, addresses)]


def _covers(names: list[str], host: str) -> bool:
    parent = host.partition(".")[2]
    return host in names or f"*.{parent}" in names
