"""STUN and TURN servers, in the shape that browsers take as `RTCConfiguration`."""

import re
from collections.abc import Mapping
from typing import Any, Literal, cast

import msgspec

from .ice import excerpt

__all__ = ("IceServer", "RtcConfiguration", "configuration_fields", "read_configuration")

MAX_SERVERS = 16  # browsers take no more than a few, and warn above four
MAX_URLS = 16

BundlePolicy = Literal["balanced", "max-compat", "max-bundle"]

_HOST = r"(?:\[[0-9A-Fa-f:.]{2,45}\]|[0-9A-Za-z._-]{1,253})(?::[0-9]{1,5})?"
_STUN = re.compile(rf"stuns?:{_HOST}")  # RFC 7064
_TURN = re.compile(rf"turns?:{_HOST}(?:\?transport=(?:udp|tcp))?")  # RFC 7065


class IceServer(msgspec.Struct, frozen=True, kw_only=True):
    """One STUN or TURN server. Raises ValueError for URLs that are none, or TURN without login."""

    urls: tuple[str, ...]
    """`stun:host:port`, `stuns:...`, `turn:host:port?transport=udp`, `turns:...`."""
    username: str = ""
    credential: str = ""

    def __post_init__(self) -> None:
        if not 1 <= len(self.urls) <= MAX_URLS:
            raise ValueError(f"an ICE server has 1 to {MAX_URLS} urls, not {len(self.urls)}")
        for url in self.urls:
            if _TURN.fullmatch(url):
                if not (self.username and self.credential):
                    raise ValueError(f"{excerpt(url)} needs a username and a credential")
            elif not _STUN.fullmatch(url):
                raise ValueError(
                    "the URL of an ICE server reads stun:host:port or "
                    f"turn:host:port?transport=udp, not {excerpt(url)}"
                )

    def __repr__(self) -> str:
        hidden = ", username=..., credential=..." if self.credential else ""
        return f"IceServer(urls={self.urls!r}{hidden})"

    @property
    def relays(self) -> bool:
        """Whether it has a TURN address."""
        return any(url.startswith("turn") for url in self.urls)


class RtcConfiguration(msgspec.Struct, frozen=True, kw_only=True):
    """How a peer connection is to find its way. Raises ValueError for relaying without TURN."""

    servers: tuple[IceServer, ...] = ()
    transport_policy: Literal["all", "relay"] = "all"
    """`relay`: send through TURN servers only."""
    bundle_policy: BundlePolicy = "balanced"
    """For browsers; aiortc answers as it is asked."""
    pool_size: int = 0
    """For browsers: candidates gathered before they are needed, 0 to 255."""

    def __post_init__(self) -> None:
        if len(self.servers) > MAX_SERVERS:
            raise ValueError(f"iceServers has at most {MAX_SERVERS}, not {len(self.servers)}")
        if not 0 <= self.pool_size <= 255:
            raise ValueError(f"iceCandidatePoolSize is 0 to 255, not {self.pool_size}")
        if self.transport_policy == "relay" and not any(s.relays for s in self.servers):
            raise ValueError("iceTransportPolicy 'relay' needs a TURN server among iceServers")


class _Server(msgspec.Struct):
    urls: str | tuple[str, ...]
    username: str | None = None
    credential: str | None = None


class _Fields(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    ice_servers: tuple[_Server, ...] = ()
    ice_transport_policy: Literal["all", "relay"] = "all"
    bundle_policy: BundlePolicy = "balanced"
    ice_candidate_pool_size: int = 0
    rtcp_mux_policy: Literal["require"] = "require"


def read_configuration(fields: Mapping[str, Any]) -> RtcConfiguration:
    """Read what browsers take: `{"iceServers": [{"urls", "username", "credential"}], ...}`.

    `urls` is a text or a list of them; other fields of a server are passed over, as browsers do.
    Raises ValueError for anything else that browsers would not take or would take for a slip:
    a field that `RTCConfiguration` does not have, say.
    """
    if not isinstance(cast(object, fields), Mapping):
        raise ValueError(f"an RTC configuration is a dict, not a {type(fields).__name__}")
    try:
        read = msgspec.convert(dict(fields), _Fields)
    except msgspec.ValidationError as error:
        raise ValueError(f"an RTC configuration cannot be this: {error}") from None
    return RtcConfiguration(
        servers=tuple(map(_server, read.ice_servers)),
        transport_policy=read.ice_transport_policy,
        bundle_policy=read.bundle_policy,
        pool_size=read.ice_candidate_pool_size,
    )


def configuration_fields(configuration: RtcConfiguration) -> dict[str, Any]:
    """A new dict for a browser, which `read_configuration` reads back."""
    return {
        "iceServers": [_server_fields(server) for server in configuration.servers],
        "iceTransportPolicy": configuration.transport_policy,
        "bundlePolicy": configuration.bundle_policy,
        "iceCandidatePoolSize": configuration.pool_size,
    }


def _server(server: _Server) -> IceServer:
    return IceServer(
        urls=(server.urls,) if isinstance(server.urls, str) else server.urls,
        username=server.username or "",
        credential=server.credential or "",
    )


def _server_fields(server: IceServer) -> dict[str, Any]:
    fields: dict[str, Any] = {"urls": list(server.urls)}
    if server.username:
        fields["username"] = server.username
    if server.credential:
        fields["credential"] = server.credential
    return fields
