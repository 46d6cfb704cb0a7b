"""Which addresses a peer may make us send to: a candidate is a request to send packets there."""

import re
from collections.abc import Sequence
from enum import Enum
from ipaddress import (
    IPv4Address,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

import msgspec

__all__ = ("AddressKind", "AddressPolicy", "address_kind", "allowed", "peer_address")

_METADATA = tuple(
    ip_network(network)
    for network in (
        "169.254.169.0/24",  # AWS, Google, Azure, Oracle, DigitalOcean: metadata, time, names
        "169.254.170.0/24",  # AWS: credentials of containers
        "169.254.0.23/32",  # Tencent
        "100.100.100.200/32",  # Alibaba
        "168.63.129.16/32",  # Azure: the host of a virtual machine
        "192.0.0.192/32",  # Oracle, older
        "fd00:ec2::/32",  # AWS
        "fd20:ce::254/128",  # Google
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052
_MDNS = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.local", re.IGNORECASE)


class AddressKind(Enum):
    """What an address of a candidate is, for the policy. The first that fits counts."""

    MDNS = "mdns"
    """A UUID below `.local`: how browsers hide their addresses from pages."""
    NAME = "name"
    """Any other name, or a text that is none: it would have to be looked up."""
    METADATA = "metadata"
    """Where clouds tell a machine its secrets."""
    UNUSABLE = "unusable"
    """Unspecified, multicast, broadcast, reserved."""
    LOOPBACK = "loopback"
    LINK_LOCAL = "link-local"
    PRIVATE = "private"
    """Whatever is not reachable from the whole internet, shared address space included."""
    PUBLIC = "public"


_NEVER = frozenset({AddressKind.NAME, AddressKind.METADATA, AddressKind.UNUSABLE})
_DECIDABLE = frozenset(AddressKind) - _NEVER


class AddressPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Which kinds are allowed or refused whatever the default for them says.

    By default: public, private and mDNS candidates are allowed. Loopback is allowed to a client on
    this machine, or when the server listens on loopback: nobody else can mean our loopback.
    Link-local is allowed when this machine has a link-local address of the same family. Metadata,
    multicast, broadcast, unspecified, reserved addresses and names other than mDNS never are, and
    no policy can allow them (ValueError). IPv4 inside IPv6 (mapped, NAT64, 6to4) counts as itself.
    """

    allow: frozenset[AddressKind] = frozenset()
    refuse: frozenset[AddressKind] = frozenset()

    def __post_init__(self) -> None:
        if undecidable := (self.allow | self.refuse) - _DECIDABLE:
            names = ", ".join(sorted(kind.value for kind in undecidable))
            raise ValueError(f"addresses of this kind are always refused: {names}")
        if both := self.allow & self.refuse:
            names = ", ".join(sorted(kind.value for kind in both))
            raise ValueError(f"both allowed and refused: {names}")


_DEFAULT = AddressPolicy()


def allowed(
    address: str, *, policy: AddressPolicy = _DEFAULT, local: Sequence[str], peer: str
) -> bool:
    """Whether a candidate with this address may be used. Never raises.

    `local`: the addresses of this machine's interfaces without loopback, and the one the server
    listens on. `peer`: where the request came from, an address; "" when that is not known.
    """
    kind = address_kind(address)
    if kind in _NEVER or kind in policy.refuse:
        return False
    if kind in policy.allow:
        return True
    if kind is AddressKind.LOOPBACK:
        return _is_near(peer, local)
    if kind is AddressKind.LINK_LOCAL:
        return any(_same_link(address, other) for other in local)
    return True


def address_kind(address: str) -> AddressKind:
    """What kind of address this is; a text that is no IP address is a name."""
    found = _parse(address)
    if found is None:
        return AddressKind.MDNS if _MDNS.fullmatch(address) else AddressKind.NAME
    if any(found in network for network in _METADATA):
        return AddressKind.METADATA
    if found.is_loopback:
        return AddressKind.LOOPBACK
    if found.is_link_local:
        return AddressKind.LINK_LOCAL
    if found.is_multicast or found.is_unspecified or found.is_reserved or _is_zero(found):
        return AddressKind.UNUSABLE
    return AddressKind.PUBLIC if found.is_global else AddressKind.PRIVATE


def peer_address(peer: str) -> str:
    """The address in a request's `peer`, `address:port`; "" when there is none in it."""
    address = peer.rpartition(":")[0].removeprefix("[").removesuffix("]")
    return address if _parse(address) else ""


def _parse(address: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(address)
    except ValueError:
        return None
    if isinstance(found, IPv6Address):
        if found in _NAT64:
            return IPv4Address(int(found) & 0xFFFFFFFF)
        return found.ipv4_mapped or found.sixtofour or found
    return found


def _is_zero(address: IPv4Address | IPv6Address) -> bool:
    """0.0.0.0/8, "this network" (RFC 6890): Linux sends some of it to itself."""
    return isinstance(address, IPv4Address) and int(address) < 1 << 24


def _is_near(peer: str, local: Sequence[str]) -> bool:
    at = _parse(peer)
    here = [found for found in map(_parse, local) if found is not None]
    return (at is not None and (at.is_loopback or at in here)) or any(
        found.is_loopback for found in here
    )


def _same_link(address: str, other: str) -> bool:
    ours, theirs = _parse(other), _parse(address)
    if ours is None or theirs is None:
        return False
    return ours.is_link_local and ours.version == theirs.version
