"""Why a call failed, in words for people."""

import socket
import ssl
from collections.abc import Iterator
from typing import cast

import h11

from ..core.errors import CallRefused, SessionClosed

__all__ = ("explain",)

_OTHER_NAME = (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH, _IP_ADDRESS_MISMATCH of OpenSSL


def explain(error: Exception, url: str, timeout: float) -> str:
    """One sentence about what `connect` raised, with a way out where there is one."""
    if isinstance(error, CallRefused) and error.reason == "unsupported_modality":
        return f"{error}; {_other_modality(url)}"
    if isinstance(error.__cause__ or error, h11.RemoteProtocolError):
        return f"{url}: {_no_http(url)}"
    if isinstance(error, CallRefused | SessionClosed):
        return str(error)
    if isinstance(error, TimeoutError):
        return f"{url} did not answer within {timeout:g} s"
    for cause in _causes(error):
        known = _known(cause)
        if known:
            return f"{url}: {known}"
    return f"{url}: {error}"


def _other_modality(url: str) -> str:
    if url.startswith("webrtc+"):
        return "--modality says what to offer"
    return "pictures go over webrtc+http(s)://, with --modality"


def _no_http(url: str) -> str:
    """A server with TLS closes the connection; others may greet in their own protocol."""
    if url.partition("://")[0].endswith("s"):
        return "there was no answer in HTTP"
    return "there was no answer in HTTP; does the server expect TLS (wss://, https://)?"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what lies behind it: several addresses of a host fail as a group."""
    yield error
    if isinstance(error, BaseExceptionGroup):
        for member in cast(BaseExceptionGroup[BaseException], error).exceptions:
            yield from _causes(member)
    elif error.__cause__ is not None:
        yield from _causes(error.__cause__)


def _known(error: BaseException) -> str:
    match error:
        case ConnectionRefusedError():
            return "the connection was refused; is a server running there?"
        case socket.gaierror():
            return f"the host was not found ({error.strerror})"
        case ssl.SSLCertVerificationError() if error.verify_code in _OTHER_NAME:
            return f"the certificate is for another name: {error.verify_message}"
        case ssl.SSLCertVerificationError():
            return (
                f"the certificate is not trusted: {error.verify_message};"
                " --ca FILE names an authority to trust"
            )
        case ssl.SSLError(reason="WRONG_VERSION_NUMBER"):
            return "the server does not speak TLS there; try ws:// or http://"
        case ssl.SSLError():
            return f"TLS failed: {error.reason or error}"
        case ConnectionResetError():
            return "the connection was reset; does the server expect TLS (wss://, https://)?"
        case _:
            return ""
